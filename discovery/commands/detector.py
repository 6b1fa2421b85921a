"""``discover detector``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from discovery.checks.detector import detector_options
from discovery.commands.console import Terminal
from discovery.commands.detectorsearch import evaluate, scan
from embed.detector.options import BUNDLED, IMR
from embed.detector.trainer import train_detector

if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> None:
    """Train a detector, judge one, or run one over strain."""
    {"train": _train, "evaluate": evaluate, "scan": scan}[options.action](options)


def _train(options: Namespace) -> None:
    lead = int(os.environ.get("RANK", "0")) == 0
    terminal = Terminal(as_json=options.json)
    asked = detector_options(options)
    if lead and asked.source.chosen_waveform == BUNDLED:
        terminal.say(
            f"signals are of the bundled waveform (Ajith et al. 2008, no spins), {IMR} needs lalsuite: `pip install glitch-discovery[strain]`"
        )

    def report(row: dict[str, Any]) -> None:
        terminal.say(
            f"{row['examples']:10,} segments  SNR from {row['least_snr']:4.1f}  loss {row['training_loss']:.4f}  "
            f"fresh segments: loss {row['validation_loss']:.4f}  accuracy {row['validation_accuracy']:.4f}  AUC {row['validation_auc']:.4f}"
        )

    with terminal.progress("detector") as move:
        detector = train_detector(
            asked, progress=lambda done, whole: move(done, whole, "train"), report=report if lead else None
        )
    if not lead:
        return
    best = detector.card["best"]
    terminal.say(
        f"{detector.folder}: {detector.card['network']}, {' / '.join(detector.classes)}, {detector.card['shown']:,} segments shown; best check: AUC {best['validation_auc']:.4f} at SNR {asked.source.snr[0]:g} to {asked.source.snr[1]:g}"
    )
    terminal.result({"folder": str(detector.folder), "card": detector.card})
