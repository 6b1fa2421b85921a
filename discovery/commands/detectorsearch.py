"""``discover detector evaluate`` and ``discover detector scan``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from discovery.checks.detector import sensitivity_options
from discovery.commands.console import Terminal
from discovery.figures.files import save_figures
from discovery.figures.sensitivity import sensitivity_figures
from discovery.sensitivity.background import DAY
from discovery.sensitivity.evaluation import evaluate_detector
from discovery.sensitivity.outputs import read_background
from discovery.sensitivity.scan import scan_strain, write_triggers
from discovery.sensitivity.statistic import NetworkStatistic
from embed.detector.model import load_detector
from embed.digits import counted
from embed.network.devices import choose_device
from embed.strain.files import open_strain
from embed.strain.record import records

if TYPE_CHECKING:
    from argparse import Namespace

    from discovery.sensitivity.results import Results


def evaluate(options: Namespace) -> None:
    """Judge a detector."""
    terminal = Terminal(as_json=options.json)
    with terminal.steps() as step:
        found, results = evaluate_detector(
            options.detector,
            sensitivity_options(options),
            against=options.against,
            device=choose_device(options.device),
            out=options.out,
            command=options.typed,
            step=step,
        )
        if options.figures:
            step("figures")
            folder = found.files["sensitivity.html"].parent
            found.files.update(save_figures(sensitivity_figures(found, results), folder, options.figures))
    for title, columns, rows in (_sensitivity(results), _distance(results)):
        terminal.table(title, columns, rows)
    for path in found.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "auc": {name: {f"{snr:g}": area for snr, area, *_ in rows} for name, rows in results.areas.items()},
            "files": {name: str(path) for name, path in found.files.items()},
        }
    )


def _sensitivity(results: Results) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    """Shares found at some loudness, for the false-alarm probabilities that the noise supports."""
    shown = (6.0, 8.0, 10.0, 12.0)
    rows = []
    for name, curves in results.curves.items():
        for curve in curves:
            if curve.threshold.supported:
                shares = dict(zip(curve.snr.tolist(), curve.share.tolist(), strict=True))
                cells = (f"{100 * shares[snr]:.1f} %" for snr in shown)
                rows.append((name, f"{curve.threshold.probability:g}", f"{curve.threshold.value:.2f}", *cells))
    return "Signals found", ("search", "false-alarm probability", "threshold", *(f"SNR {snr:g}" for snr in shown)), rows


def _distance(results: Results) -> tuple[str, tuple[str, ...], list[tuple[str, ...]]]:
    rows: list[tuple[str, ...]] = [
        (name, f"{rate:,g}", f"{one.distance:,.0f} Mpc", f"{one.low:,.0f} to {one.high:,.0f}")
        for name, own in results.distances.items()
        for rate, _, one in own
        if one is not None
    ]
    return "Sensitive distance", ("search", "false alarms a month", "distance", "95 %"), rows


def scan(options: Namespace) -> None:
    """Run a detector over strain files."""
    terminal = Terminal(as_json=options.json)
    detector = load_detector(options.detector, choose_device(options.device))
    name = options.detector.resolve().name
    strain = records(open_strain(path, ifo=options.ifo, channel=options.channel) for path in options.strain)
    background = (
        None if options.background is None else read_background(options.background, detector.card["weights_sha256"])
    )
    with terminal.progress("scan") as progress:
        found = scan_strain(
            NetworkStatistic(name, detector),
            strain,
            detector.source,
            slides=options.slides,
            loudest=options.loudest,
            background=background,
            progress=progress,
        )
    write_triggers(options.out, found, detector.source.ifos)
    terminal.table(
        f"{len(found.candidates)} loudest of {counted(found.triggers, 'trigger', 'triggers')}",
        ("GPS", "statistic", "louder in background", "false alarms a day"),
        [
            (f"{one.gps:.2f}", f"{one.statistic:.2f}", f"{one.louder:,}", ("" if one.louder else "< ") + _rate(one.far))
            for one in found.candidates
        ],
    )
    alone = "strain of one detector alone, " if len(detector.source.ifos) > 1 else ""
    terminal.say(
        f"{found.seconds:,.0f} s of {found.recorded:,.0f} s searched in {counted(len(found.searched), 'stretch', 'stretches')}; the rest is gaps, bad data, {alone}or an end of a stretch"
    )
    terminal.say(f"background: {found.background.livetime / 3600:.2f} h of {found.background.how}")
    if len(found.candidates) < min(options.loudest, found.triggers):
        terminal.say(
            f"{options.background} keeps the background's {len(found.background.statistic):,} loudest triggers: quieter ones of the strain have no rate and are left out"
        )
    terminal.say(str(options.out))
    terminal.result(
        {
            "triggers": [
                {"gps": one.gps, "statistic": one.statistic, "louder": one.louder, "far_hz": one.far}
                for one in found.candidates
            ],
            "searched_s": found.seconds,
            "recorded_s": found.recorded,
            "stretches": found.searched,
            "background_s": found.background.livetime,
            "table": str(options.out),
        }
    )


def _rate(far: float) -> str:
    """Write a rate a day with two figures."""
    value = far * DAY
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"
