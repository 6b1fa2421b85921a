"""The pictures of glitches in a study, as thumbnails for figures and pages."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from discovery.pages.thumbnails import Thumbnails
from embed.errors import InputError
from embed.study.records import View
from embed.study.study import Study
from embed.vectors.store import VectorStore
from embed.views.cache import ViewCache
from embed.views.encoding import parse_encoding

HEIGHT, WIDTH = 120, 144
"""Pixels of a thumbnail: the aspect of the published picture, a quarter of its size."""

ALL_DURATIONS_UP_TO = 2_000
"""Glitches up to which every duration is shown; above it only those whose decoding the embedding has paid for already."""


def load_thumbnails(
    study: Study, glitches: np.ndarray, store: VectorStore, *, views: list[View] | None = None
) -> Thumbnails:
    """Read the views of glitches as thumbnails.

    Parameters
    ----------
    study : Study
        The study.
    glitches : int64 (N,)
        Row numbers.
    store : VectorStore
        Its views are shown, from the cache where they are kept; where there are few glitches, all the durations that there are.
    views : list of View, optional
        The views of these glitches, by glitch and duration; read from the study when absent.

    Returns
    -------
    Thumbnails
        Of `HEIGHT` x `WIDTH`. A view that is not there, or cannot be read any more, is marked as absent.
    """
    if views is None:
        views = study.views(glitches)
    encoding = parse_encoding(store.passport["views"])
    durations = encoding.durations
    side = encoding.side(store.passport["size"])
    plain = any(view.kind == "image" for view in views)
    if len(glitches) <= ALL_DURATIONS_UP_TO:
        durations = tuple(sorted({view.duration for view in views if (view.kind == "image") == plain}))
    row = {int(glitch): place for place, glitch in enumerate(glitches)}
    column = {duration: place for place, duration in enumerate(durations)}
    chosen = [view for view in views if view.duration in column]
    shape = (len(glitches), len(durations), HEIGHT, WIDTH) + ((3,) if plain else ())
    levels = np.zeros(shape, np.uint8)
    present = np.zeros(shape[:2], bool)
    with ViewCache(_cache_folder(study), side, plain=plain) as cache, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
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
        return None  # the picture is gone since it was embedded; the page shows its place as absent


def longest_views(study: Study, glitches: np.ndarray) -> list[Any]:
    """Path of each glitch's longest view, empty where it has none."""
    found = {view.glitch: view.source + (f":/{view.dataset}" if view.dataset else "") for view in study.views(glitches)}
    return [found.get(int(glitch), "") for glitch in glitches]
