"""From what was measured to figures with intervals: thresholds, curves, areas, distances, glitches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.special

from discovery.sensitivity.background import MONTH, Agreement, Background, compare
from discovery.sensitivity.curves import (
    PROBABILITIES,
    Gain,
    SensitivityCurve,
    Threshold,
    alarms_by_class,
    sensitivity_curve,
    threshold_at,
)
from discovery.sensitivity.distance import SensitiveDistance, sensitive_distance
from embed.metrics.accuracy import confusion_matrix
from embed.metrics.intervals import rate_ratio_interval, wilson
from embed.metrics.roc import RocCurve, roc_curve

if TYPE_CHECKING:
    from discovery.sensitivity.evaluated import Evaluated
    from discovery.sensitivity.measurement import Mixture
    from embed.detector.model import Detector
    from embed.types import Codes

FAR_PER_MONTH = (10_000.0, 1000.0, 100.0, 10.0, 1.0)
"""False-alarm rates at which the sensitive distance is asked for: MLGWSC-1's figures go from 1,000 to 1 a month."""
ROC_SNRS = (6.0, 8.0, 12.0)
"""Loudness of the signals of a curve."""
LOUD_SNR = 12.0
"""From here on signals are loud: a probability is near 1."""


@dataclass(frozen=True)
class Saturation:
    """What becomes of a probability where a network is sure.

    Attributes
    ----------
    loud, saturated : int
        Signals of a ratio of `LOUD_SNR` or more, and those whose softmax in single precision is exactly 1.
    span : tuple of float
        Least and greatest log-odds of the latter; of the former where there are none.
    """

    loud: int
    saturated: int
    span: tuple[float, float]


@dataclass(frozen=True)
class Results:
    """Figures of every search, by its name.

    Attributes
    ----------
    thresholds : dict of str to list of Threshold
        At `PROBABILITIES`.
    curves : dict of str to list of SensitivityCurve
    areas : dict of str to list of tuple
        Loudness, area under the curve, and its interval.
    rocs : dict of str to dict of float to RocCurve
        By loudness.
    agreement : dict of str to list of Agreement
        Time slides against noise alone.
    distances : dict of str to list of tuple
        Rate a month, threshold, and the distance or None.
    glitches : list of tuple
        Search, probability, class, whether the search's training showed it (empty for a filter), glitches, false alarms, interval.
    gains : list of tuple
        Probability and `Gain`: the other detector's false alarms over this one's.
    saturation : dict of str to Saturation
    confusion : dict of str to ndarray
    """

    thresholds: dict[str, list[Threshold]]
    curves: dict[str, list[SensitivityCurve]]
    areas: dict[str, list[tuple[float, float, float, float]]]
    rocs: dict[str, dict[float, RocCurve]]
    agreement: dict[str, list[Agreement]]
    distances: dict[str, list[tuple[float, float, SensitiveDistance | None]]]
    glitches: list[tuple[str, float, str, str, int, int, float, float]]
    gains: list[tuple[float, Gain]]
    saturation: dict[str, Saturation]
    confusion: dict[str, Codes]


def evaluated_results(found: Evaluated) -> Results:
    """Compute all figures."""
    names = list(found.noise)
    segments = {name: found.noise[name].segments for name in names}
    thresholds = {name: [threshold_at(segments[name], one) for one in PROBABILITIES] for name in names}
    signals = found.signals
    curves = {
        name: [sensitivity_curve(signals.snr, signals.statistic[name], one) for one in thresholds[name]]
        for name in names
    }
    rocs = {name: _rocs(found, name) for name in names}
    return Results(
        thresholds,
        curves,
        {name: _areas(found, name, own) for name, own in rocs.items()},
        {name: {snr: own[snr] for snr in ROC_SNRS if snr in own} for name, own in rocs.items()},
        {name: _agreement(found, name) for name in names},
        {name: _distances(found, name) for name in names},
        _glitches(found, thresholds),
        _gains(found, thresholds),
        {name: _saturation(found, name) for name in found.detectors},
        {name: _confusion(mixture) for name, mixture in found.mixtures.items()},
    )


def background_of(found: Evaluated, name: str) -> Background:
    """Time slides of a search, or noise alone where there are none."""
    own = found.noise[name]
    return own.slides or own.alone


def _rocs(found: Evaluated, name: str) -> dict[float, RocCurve]:
    noise, curves = found.noise[name].segments, {}
    for snr in np.unique(found.signals.snr).tolist():
        values = found.signals.statistic[name][found.signals.snr == snr]
        truth = np.concatenate([np.zeros(len(noise), bool), np.ones(len(values), bool)])
        curve = roc_curve(np.concatenate([noise, values]), truth)
        if curve is not None:
            curves[snr] = curve
    return curves


def _areas(found: Evaluated, name: str, rocs: dict[float, RocCurve]) -> list[tuple[float, float, float, float]]:
    """Areas by loudness; a bound of an area's variance is that of a share of the fewer kind (Birnbaum and Klose 1957): Wilson's interval."""
    rows = []
    for snr, curve in rocs.items():
        fewer = min(len(found.noise[name].segments), int((found.signals.snr == snr).sum()))
        low, high = wilson(curve.area * fewer, fewer).tolist()
        rows.append((snr, curve.area, low, high))
    return rows


def _agreement(found: Evaluated, name: str) -> list[Agreement]:
    own = found.noise[name]
    if own.slides is None:
        return []
    return compare(own.slides, own.alone, [count / own.alone.livetime for count in (1000, 300, 100, 30, 10)])


def _distances(found: Evaluated, name: str) -> list[tuple[float, float, SensitiveDistance | None]]:
    background, injections = background_of(found, name), found.injections
    rows: list[tuple[float, float, SensitiveDistance | None]] = []
    for rate in FAR_PER_MONTH:
        threshold = background.threshold(rate / MONTH)
        supported = bool(np.isfinite(threshold))
        one = sensitive_distance(injections.statistic[name] > threshold, injections.farthest) if supported else None
        rows.append((rate, threshold, one))
    return rows


def _glitches(
    found: Evaluated, thresholds: dict[str, list[Threshold]]
) -> list[tuple[str, float, str, str, int, int, float, float]]:
    if found.glitches is None:
        return []
    rows = []
    for name, cuts in thresholds.items():
        for cut in cuts:
            if cut.supported:
                counted = alarms_by_class(found.glitches.families, found.glitches.statistic[name], cut.value)
                for label, (above, whole) in counted.items():
                    shown = _shown(found.detectors.get(name), label)
                    rows.append((name, cut.probability, label, shown, whole, above, *wilson(above, whole).tolist()))
    return rows


def _shown(detector: Detector | None, label: str) -> str:
    """Whether a detector's training showed glitches of the class."""
    if detector is None:
        return ""
    return "yes" if detector.source.glitches and label not in detector.source.without else "no"


def _gains(found: Evaluated, thresholds: dict[str, list[Threshold]]) -> list[tuple[float, Gain]]:
    """False alarms of the other detector over this one's, class by class and of all, each at its own threshold."""
    if found.glitches is None or len(found.detectors) < 2:
        return []
    this, other = found.detectors
    rows = []
    for own, theirs in zip(thresholds[this], thresholds[other], strict=True):
        if not (own.supported and theirs.supported):
            continue
        ours = alarms_by_class(found.glitches.families, found.glitches.statistic[this], own.value)
        counted = alarms_by_class(found.glitches.families, found.glitches.statistic[other], theirs.value)
        whole = {label: (counted[label][0], ours[label][0], ours[label][1]) for label in ours}
        whole["all"] = tuple(sum(column) for column in zip(*whole.values(), strict=True))
        for label, (before, after, glitches) in whole.items():
            factor = before / after if after else (np.inf if before else np.nan)
            low, high = rate_ratio_interval((before, 1.0), (after, 1.0))
            rows.append((own.probability, Gain(label, glitches, before, after, factor, low, high)))
    return rows


def _saturation(found: Evaluated, name: str) -> Saturation:
    loud = found.signals.statistic[name][found.signals.snr >= LOUD_SNR]
    single = scipy.special.expit(loud.astype(np.float32)).astype(np.float32)
    full = loud[single == 1]
    shown = full if len(full) else loud
    return Saturation(len(loud), len(full), (float(shown.min()), float(shown.max())))


def _confusion(mixture: Mixture) -> Codes:
    return confusion_matrix(mixture.truth, mixture.logits.argmax(axis=1).astype(np.int64), len(mixture.classes))
