"""Everything that was measured of a detector, before figures are made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from discovery.sensitivity.bank import FilterBank
    from discovery.sensitivity.measurement import Glitches, Injections, Mixture, Signals
    from discovery.sensitivity.noise import NoiseSearch
    from discovery.sensitivity.options import SensitivityOptions
    from embed.detector.model import Detector
    from embed.detector.options import SourceOptions


@dataclass(frozen=True)
class Evaluated:
    """Everything that was measured.

    Attributes
    ----------
    source : SourceOptions
        What the examples are made of: the first detector's.
    options : SensitivityOptions
    detectors : dict of str to Detector
        By name: the detector, and the one that it is compared with if there is one.
    noise : dict of str to NoiseSearch
        By the statistics' names: the detectors, then the matched filter.
    signals : Signals
    injections : Injections
    glitches : Glitches or None
    mixtures : dict of str to Mixture
        By the detectors' names.
    bank : FilterBank or None
    files : dict of str to Path
        What was written.
    """

    source: SourceOptions
    options: SensitivityOptions
    detectors: dict[str, Detector]
    noise: dict[str, NoiseSearch]
    signals: Signals
    injections: Injections
    glitches: Glitches | None
    mixtures: dict[str, Mixture]
    bank: FilterBank | None
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the detector that is judged."""
        return next(iter(self.detectors))
