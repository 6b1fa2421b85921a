"""From options to a trained detector in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from embed.detector.model import Detector
    from embed.detector.options import DetectorOptions
    from embed.types import Progress


def train_detector(
    options: DetectorOptions,
    *,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> Detector:
    """Train a detector, or continue a training that was stopped.

    Parameters
    ----------
    options : DetectorOptions
    progress : callable, optional
        Called with (examples shown, examples at most).
    report : callable, optional
        Called with each row of the history.

    Returns
    -------
    Detector
    """
    raise NotImplementedError
