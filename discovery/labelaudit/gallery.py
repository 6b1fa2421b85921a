"""What an audit's page shows: which rows, the most similar glitches of both classes, and the pictures of all these."""

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
    from embed.types import Rows
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class Exhibits:
    """What the page shows.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Rows of the result, by rank.
    class_neighbours : ClassNeighbours or None
        Of these rows: the most similar glitches with the same label, and those with the suggested one.
    thumbnails : Thumbnails or None
    place : dict of int to int
        Row of the result -> row of the thumbnails.
    """

    rows: Rows
    class_neighbours: ClassNeighbours | None
    thumbnails: Thumbnails | None
    place: dict[int, int]


def load_exhibits(
    study: Study,
    store: VectorStore | None,
    glitches: pd.DataFrame,
    rows: Rows,
    class_neighbours: ClassNeighbours | None,
    *,
    views: Mapping[int, Sequence[View]],
) -> Exhibits:
    """Read the pictures of the rows shown and of the glitches most similar to them.

    Parameters
    ----------
    study : Study
    store : VectorStore or None
        Whose decoded views are used; without one the views are decoded here.
    glitches : DataFrame, N rows
        ``glitch``: row numbers in the study.
    rows : ndarray of int64, shape (n,)
    class_neighbours : ClassNeighbours or None
    views : mapping of int to sequence of View
        The views of each glitch of the study, by duration.

    Raises
    ------
    InputError
        Without a store, when a view cannot be read.
    """
    wanted = [rows]
    if class_neighbours is not None:
        wanted += [class_neighbours.agreeing.ravel(), class_neighbours.opposing.ravel()]
    shown = np.unique(np.concatenate(wanted))
    shown = shown[shown >= 0]
    numbers = glitches["glitch"].to_numpy()[shown]
    own = [view for number in numbers.tolist() for view in views.get(number, ())]
    thumbnails = _decoded(own, numbers) if store is None else load_thumbnails(study, store, numbers, own)
    if thumbnails is not None and thumbnails.empty:
        thumbnails = None
    return Exhibits(rows, class_neighbours, thumbnails, {int(row): place for place, row in enumerate(shown)})


def _decoded(views: Sequence[View], numbers: Rows) -> Thumbnails | None:
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
