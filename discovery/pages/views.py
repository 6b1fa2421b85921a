"""Paths of the views that tables name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.study.records import View
    from embed.types import Rows


def longest_views(glitches: Rows, views: Sequence[View]) -> list[str]:
    """Return the path of each glitch's longest view, empty where it has none; `views` are ordered by duration."""
    found = {view.glitch: view.path for view in views}
    return [found.get(int(glitch), "") for glitch in glitches]
