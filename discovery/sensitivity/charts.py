"""The plots of a detector's page: ROC, sensitivity, background, distance, and the distribution of the statistic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from discovery.pages.axes import percent
from discovery.pages.curves import Curve, Scale, curves_svg, power_of_ten
from discovery.pages.plots import legend
from discovery.sensitivity.background import MONTH
from embed.metrics.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from discovery.sensitivity.background import Background
    from discovery.sensitivity.curves import SensitivityCurve
    from discovery.sensitivity.distance import SensitiveDistance
    from discovery.sensitivity.noise import NoiseSearch
    from embed.metrics.roc import RocCurve
    from embed.types import Floats

BINS = 60
MOST_POINTS = 400
"""Of a background's curve."""
QUIET = 3
"""Of a background's triggers the quieter ones, all but one in so many, are not drawn."""
AT = (1e-1, 1e-2, 1e-3, 1e-4)
"""False-alarm probabilities at which a curve has a whisker."""


def roc_plot(curves: Mapping[str, tuple[RocCurve, int, int]]) -> Markup:
    """Draw ROC curves on a logarithmic axis, with intervals of the signals found.

    Parameters
    ----------
    curves : mapping of str to (RocCurve, signals, noise segments)
        The axis begins at one false alarm among the noise.
    """
    least = 1 / max((noise for _, _, noise in curves.values()), default=1)
    across = Scale(
        "false-alarm probability of a segment", 10 ** np.floor(np.log10(least)), 1.0, log=True, form=power_of_ten
    )
    lowest = min((_at(curve, least) for curve, _, _ in curves.values()), default=0.0)
    up = Scale("signals found", min(0.9, np.floor(10 * lowest) / 10), 1.0, form=percent)
    drawn = {}
    for name, (curve, signals, noise) in curves.items():
        dots = []
        for probability in AT:
            if probability * noise >= 1:
                share = _at(curve, probability)
                low, high = wilson(share * signals, signals).tolist()
                title = f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f} %) at {probability:g}"
                dots.append((probability, share, low, high, title))
        seen = curve.false_positive > least
        points = [(least, _at(curve, least))]
        points += zip(curve.false_positive[seen].tolist(), curve.true_positive[seen].tolist(), strict=True)
        drawn[name] = Curve(_stairs(points), dots=dots)
    chart = curves_svg(drawn, across, up, title="Receiver operating characteristic")
    return chart + legend({name: f"area {curve.area:.4f}" for name, (curve, _, _) in curves.items()})


def _at(curve: RocCurve, probability: float) -> float:
    return float(curve.true_positive[curve.false_positive <= probability].max(initial=0.0))


def _stairs(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Keep the points from which the curve is seen: some hundred."""
    step = max(1, len(points) // MOST_POINTS)
    return [*points[:20], *points[20:-1:step], *points[-1:]]


def sensitivity_plot(curves: Mapping[str, SensitivityCurve]) -> Markup:
    """Draw the share of signals found against their loudness, with intervals."""
    every = np.concatenate([curve.snr for curve in curves.values()])
    across = Scale("optimal network SNR", float(every.min()), float(every.max()))
    up = Scale("signals found", 0.0, 1.0, form=percent)
    drawn = {
        name: Curve(
            list(zip(curve.snr.tolist(), curve.share.tolist(), strict=True)),
            dots=[
                (snr, share, low, high, f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f} %) at SNR {snr:g}")
                for snr, share, (low, high) in zip(
                    curve.snr.tolist(), curve.share.tolist(), curve.interval.tolist(), strict=True
                )
            ],
        )
        for name, curve in curves.items()
    }
    about = {name: f"false-alarm probability {curve.threshold.probability:g}" for name, curve in curves.items()}
    return curves_svg(drawn, across, up, title="Sensitivity against signal-to-noise ratio") + legend(about)


def background_plot(own: NoiseSearch) -> Markup:
    """Draw the false-alarm rate above each value of the statistic, from slides and from noise alone, with Poisson intervals."""
    backgrounds = [one for one in (own.slides, own.alone) if one is not None and len(one.statistic)]
    least = min(one.least_rate() for one in backgrounds) * MONTH
    most = max(len(one.statistic) / one.livetime for one in backgrounds) * MONTH
    low = min(float(one.statistic[len(one.statistic) // QUIET]) for one in backgrounds)
    high = max(float(one.statistic[0]) for one in backgrounds)
    across = Scale("statistic", low, high + 0.02 * (high - low), form="{:,.4g}".format)
    up = Scale(
        "louder triggers a month",
        10 ** np.floor(np.log10(least)),
        10 ** np.ceil(np.log10(most)),
        log=True,
        form=power_of_ten,
    )
    drawn = {one.how: _rates(one) for one in backgrounds}
    about = {one.how: f"{one.livetime / 3600:.1f} h" for one in backgrounds}
    return curves_svg(drawn, across, up, title="False-alarm rate against the statistic") + legend(about)


def _rates(own: Background) -> Curve:
    ranks = np.unique(np.geomspace(1, 1 + len(own.statistic) // QUIET, MOST_POINTS).astype(np.int64))
    values = own.statistic[ranks - 1]
    rates = own.rate(values) * MONTH
    return Curve(
        list(zip(values.tolist(), rates.tolist(), strict=True)),
        ends=[(low, high) for low, high in (own.interval(values) * MONTH).tolist()],
    )


def distance_plot(rows: Mapping[str, list[tuple[float, float, SensitiveDistance | None]]]) -> Markup:
    """Draw the sensitive distance against the false-alarm rate; rates that no livetime supports are left empty."""
    known = {name: [(rate, one) for rate, _, one in own if one is not None] for name, own in rows.items()}
    every = [rate for own in rows.values() for rate, _, _ in own]
    most = max((one.high for own in known.values() for _, one in own), default=0.0) or 1.0
    across = Scale("false alarms a month", min(every), max(every), log=True, form=power_of_ten)
    up = Scale("sensitive distance, Mpc", 0.0, most, form="{:,.0f}".format)
    drawn = {
        name: Curve(
            [(rate, one.distance) for rate, one in own],
            dots=[
                (
                    rate,
                    one.distance,
                    one.low,
                    one.high,
                    f"{one.distance:,.0f} Mpc ({one.low:,.0f} to {one.high:,.0f}) at {rate:,g} a month",
                )
                for rate, one in own
            ],
        )
        for name, own in known.items()
    }
    about = {name: f"{len(own)} of {len(rows[name])} rates supported" for name, own in known.items()}
    return curves_svg(drawn, across, up, title="Sensitive distance against false-alarm rate") + legend(about)


def statistic_plot(values: Mapping[str, Floats], *, span: Sequence[str]) -> Markup:
    """Draw the distribution of the statistic of each kind of segment, as shares of the kind in equal bins.

    The axis spans the kinds of `span`; what is beyond an end is in the last bin there.
    """
    every = np.concatenate([values[name] for name in span])
    low, high = (float(end) for end in np.quantile(every, (0.0005, 0.9995)))
    edges = np.linspace(low, high, BINS + 1)
    drawn = {}
    top = 0.0
    for name, own in values.items():
        share = np.histogram(np.clip(own, low, high), edges)[0] / len(own)
        top = max(top, float(share.max()))
        drawn[name] = Curve(list(zip(np.repeat(edges, 2)[1:-1].tolist(), np.repeat(share, 2).tolist(), strict=True)))
    across = Scale("statistic", low, high, form="{:,.4g}".format)
    up = Scale("share of its kind", 1e-4, top, log=True, form=power_of_ten)
    return curves_svg(drawn, across, up, title="Distribution of the statistic") + legend(
        {name: f"{len(own):,}" for name, own in values.items()}
    )
