"""The pictures of glitches in a study, as thumbnails for figures and pages."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from discovery.pages.thumbnails import Thumbnails
from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.processors import usable_processors
from embed.study.records import View
from embed.study.study import Study
from embed.types import Rows
from embed.views.cache import ViewCache
from embed.views.encoding import stored_encoding

HEIGHT, WIDTH = 120, 144
"""Pixels of a thumbnail: the aspect of the published picture, a quarter of its size."""

SIDE = 224
"""Side in pixels at which views are decoded where no network reads them."""

ALL_DURATIONS_UP_TO = 2_000
"""Glitches up to which every duration is shown; above it only those that the embedding has decoded already."""


class HasPassport(Protocol):
    """Vectors that say how they were made."""

    passport: dict[str, Any]


def load_thumbnails(study: Study, store: HasPassport, glitches: Rows, views: Sequence[View]) -> Thumbnails:
    """Read the views of glitches as thumbnails.

    Parameters
    ----------
    study : Study
        Its folder may hold the cache of decoded views.
    store : HasPassport
        Its durations are shown; of few glitches, all durations in the study.
    glitches : ndarray of int64, shape (N,)
        Row numbers.
    views : sequence of View
        At least those of the glitches: ``study.views(glitches)``; others are ignored.

    Returns
    -------
    Thumbnails
        Of `HEIGHT` x `WIDTH`. A view that is absent, or whose file can no longer be read, is marked as absent. Where no glitch has a
        picture, all are absent.
    """
    row = {int(glitch): place for place, glitch in enumerate(glitches)}
    views = [view for view in views if view.glitch in row]
    encoding = stored_encoding(store.passport["views"])
    side = encoding.side(store.passport.get("size", SIDE))
    plain = any(view.kind == "image" for view in views)
    there = tuple(sorted({view.duration for view in views if (view.kind == "image") == plain})) or DURATIONS[-1:]
    durations = there if len(glitches) <= ALL_DURATIONS_UP_TO else encoding.durations or there[-1:]
    column = {duration: place for place, duration in enumerate(durations)}
    chosen = [view for view in views if view.duration in column]
    shape = (len(glitches), len(durations), HEIGHT, WIDTH) + ((3,) if plain else ())
    levels = np.zeros(shape, np.uint8)
    present = np.zeros(shape[:2], bool)
    with ViewCache(_cache_folder(study), side, plain=plain) as cache, ThreadPoolExecutor(usable_processors()) as pool:
        for view, picture in zip(chosen, pool.map(lambda view: _thumbnail(cache, view), chosen), strict=True):
            if picture is not None:
                place = row[view.glitch], column[view.duration]
                levels[place], present[place] = picture, True
    return Thumbnails(levels, durations, present)


def _cache_folder(study: Study) -> Path | None:
    folder = study.folder / "cache"
    return folder if folder.is_dir() else None


def _thumbnail(cache: ViewCache, view: View) -> np.ndarray | None:
    try:
        return np.asarray(Image.fromarray(cache.get(view)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    except InputError:
        return None  # the picture was removed or damaged since it was embedded; the page says that it is absent
