"""Pictures of a study's glitches as PNG, by the glitch's number and the duration of a view: no path ever comes from a request."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from embed.errors import InputError
from embed.study.study import Study
from embed.study.views import find_view
from embed.views.cache import ViewCache
from embed.views.decoding import decode
from embed.views.png import levels_to_png

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.records import View
    from embed.types import Pixels

SIZES = {"small": (120, 144), "large": (479, 573)}
"""Height and width in pixels of the two sizes; a plain picture keeps its own shape within them."""
KEPT = 4_000
"""Small pictures kept in memory: about 40 MB."""
KEPT_LARGE = 200
"""Large ones: about 40 MB."""


class Pictures:
    """Makes and keeps the PNG files.

    Parameters
    ----------
    folder : Path
        The study's; the views that an embedding has decoded are read from its cache.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = {
            "small": lru_cache(KEPT)(lambda view: self._make(view, "small")),
            "large": lru_cache(KEPT_LARGE)(lambda view: self._make(view, "large")),
        }

    def find(self, glitch: int, duration: float) -> View:
        """Find a view that the study has.

        Raises
        ------
        InputError
            When the study has no such view.
        """
        with Study(self._folder) as study:
            view = find_view(study, glitch, duration)
        if view is None:
            raise InputError(f"glitch {glitch} has no view of {duration:g} s")
        return view

    def png(self, view: View, size: str) -> bytes:
        """Return the inside of the axes: levels in viridis, or a plain picture in its own colours.

        Raises
        ------
        InputError
            When the file was removed or damaged since it was ingested.
        """
        try:
            return self._kept[size](view)
        except InputError as error:  # its message may quote the file's bytes, which are none of the page's business
            raise InputError(
                f"the view of {view.duration:g} s can no longer be read; restore its file, or ingest the images again"
            ) from error

    def _make(self, view: View, size: str) -> bytes:
        height, width = SIZES[size]
        if size == "small" and (kept := self._cached(view)) is not None:
            pixels = kept
        else:
            pixels = decode(view, max(height, width))
        image = Image.fromarray(pixels)
        if view.kind == "image":
            image.thumbnail((width, width), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            image.save(out, "PNG", compress_level=3)
            return out.getvalue()
        return levels_to_png(np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)))

    def _cached(self, view: View) -> Pixels | None:
        """Read a view from the cache of decoded views, of whichever network; None where it is in none."""
        kind = "plain" if view.kind == "image" else "levels"
        for path in sorted((self._folder / "cache").glob(f"views-*-{kind}-*.bin")):
            side = int(path.stem.rpartition("-")[2])
            with ViewCache(path.parent, side, plain=kind == "plain") as cache:
                return cache.get(view)
        return None
