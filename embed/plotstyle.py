"""The look of what matplotlib draws: its own defaults, whatever the user or another package set (importing gwpy does)."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS: Any = {name: value for name, value in mpl.rcParamsDefault.items() if name != "backend"}
_SETTINGS["axes.titley"] = 1.0  # where titles are put: to find a free place for them measures every tick once more
_DRAWING = RLock()


@contextmanager
def own_style(**settings: object) -> Iterator[None]:
    """Draw with matplotlib's defaults and give the user's settings back; ``@own_style()`` decorates a function.

    One thread draws at a time, because the settings are those of all threads.

    Parameters
    ----------
    **settings : object
        Further ones, with ``_`` for the dots of their names: ``svg_fonttype="none"``.
    """
    own = {name.replace("_", ".", 1): value for name, value in settings.items()}
    with _DRAWING, mpl.rc_context(_SETTINGS | own):
        yield
