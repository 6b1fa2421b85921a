"""A trained detector: a folder with ``detector.json``, which says what it learned from, and ``weights.safetensors``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import ArrayLike

    from embed.detector.options import SourceOptions
    from embed.types import Floats, Vectors


@dataclass(frozen=True)
class Detector:
    """A trained detector.

    Attributes
    ----------
    folder : Path
    card : dict
        ``network``, ``classes``, ``source`` (see `SourceOptions`), training, history, versions.
    source : SourceOptions
        What it was trained on: its detectors, sample rate and segment length are what it reads.
    network : nn.Module
        On its device.
    """

    folder: Path
    card: dict[str, Any]
    source: SourceOptions
    network: Any

    def statistic(self, segments: ArrayLike) -> Floats:
        """How much more likely a signal is than anything else, as log-odds: float64 (n,), see `logits`."""
        raise NotImplementedError

    def logits(self, segments: ArrayLike) -> Floats:
        """Outputs of the classes: float64 (n, classes), from whitened segments float32 (n, D, samples).

        Raises
        ------
        InputError
            When the shape is not what the detector reads, or there are NaN or infinite samples.
        """
        raise NotImplementedError

    def features(self, segments: ArrayLike) -> Vectors:
        """What the final layer would read: float32 (n, d)."""
        raise NotImplementedError


def load_detector(folder: Path, device: torch.device | None = None) -> Detector:
    """Read a detector.

    Raises
    ------
    InputError
        When there is none in the folder.
    StudyError
        When it is damaged.
    """
    raise NotImplementedError
