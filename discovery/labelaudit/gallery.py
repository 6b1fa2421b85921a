"""The exhibits of an audit's page: which rows it shows, their witnesses, and the pictures of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from discovery.pages.pictures import HEIGHT, WIDTH, load_thumbnails
from discovery.pages.thumbnails import Thumbnails
from embed.views.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from audit.review.comparisons import ClassNeighbours
    from embed.study.records import View
    from embed.study.study import Study
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class Exhibits:
    """What the page shows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Rows of the result, by rank.
    witnesses : ClassNeighbours or None
        Of these rows.
    thumbnails : Thumbnails or None
    place : dict of int to int
        Row of the result -> row of the thumbnails.
    """

    rows: np.ndarray
    witnesses: ClassNeighbours | None
    thumbnails: Thumbnails | None
    place: dict[int, int]


def load_exhibits(
    study: Study,
    store: VectorStore | None,
    glitches: pd.DataFrame,
    rows: np.ndarray,
    witnesses: ClassNeighbours | None,
    *,
    views: Mapping[int, Sequence[View]],
) -> Exhibits:
    """Read the pictures of the rows shown and of their witnesses.

    Parameters
    ----------
    study : Study
    store : VectorStore or None
        Whose decoded views are used; without one the views are decoded here.
    glitches : DataFrame, N rows
        ``glitch``: row numbers in the study.
    rows : ndarray of int64, shape (n,)
    witnesses : ClassNeighbours or None
    views : mapping of int to sequence of View
        The views of each glitch of the study, by duration.

    Raises
    ------
    InputError
        Without a store, when a view cannot be read.
    """
    wanted = [rows] if witnesses is None else [rows, witnesses.agreeing.ravel(), witnesses.opposing.ravel()]
    shown = np.unique(np.concatenate(wanted))
    shown = shown[shown >= 0]
    numbers = glitches["glitch"].to_numpy()[shown]
    own = [view for number in numbers.tolist() for view in views.get(number, ())]
    thumbnails = _decoded(own, numbers) if store is None else load_thumbnails(study, numbers, store, views=own)
    return Exhibits(rows, witnesses, thumbnails, {int(row): place for place, row in enumerate(shown)})


def _decoded(views: list[View], numbers: np.ndarray) -> Thumbnails | None:
    if not views:
        return None
    plain = views[0].kind == "image"
    views = [view for view in views if (view.kind == "image") == plain]
    durations = tuple(sorted({view.duration for view in views}))
    row = {int(number): place for place, number in enumerate(numbers)}
    shape = (len(numbers), len(durations), HEIGHT, WIDTH) + ((3,) if plain else ())
    levels, present = np.zeros(shape, np.uint8), np.zeros(shape[:2], bool)
    for view in views:
        place = row[view.glitch], durations.index(view.duration)
        picture = Image.fromarray(decode(view, WIDTH)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        levels[place], present[place] = np.asarray(picture), True
    return Thumbnails(levels, durations, present)
