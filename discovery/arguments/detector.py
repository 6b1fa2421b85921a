"""The parser lines of ``discover detector``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import add_figures, natural, positive
from discovery.sensitivity.options import LOUDEST, SLIDES, SensitivityOptions
from embed.detector.options import (
    BUNDLED,
    CHECKS,
    DESIGN,
    IFOS,
    IMR,
    NETWORKS,
    RATES,
    WAVEFORMS,
    DetectorOptions,
    SourceOptions,
)
from embed.training.recipe import PRECISIONS

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_detector(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover detector`` with ``train``, ``evaluate`` and ``scan``."""
    detector = commands.add_parser(
        "detector",
        help="train a network that tells signals from noise and glitches in strain, judge one, or run one over strain",
        description="Train a network on whitened strain of one or two detectors that tells binary black holes from noise, and from glitches; judge one; or run one over strain files.",
    )
    actions = detector.add_subparsers(
        dest="action", metavar="train|evaluate|scan", required=True, parser_class=type(detector)
    )
    _add_train(actions, common)
    _add_evaluate(actions, common)
    _add_scan(actions, common)


def _add_train(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    train = actions.add_parser(
        "train",
        parents=[common],
        help="train a network on simulated signals in noise",
        description="Train a network on segments that are made while it learns, none of them twice: noise, noise with a binary black hole, and with --glitches noise with a simulated glitch in one detector. Stopped, the same command continues. No study is needed. On several GPUs: torchrun --nproc-per-node N --no-python discover detector train ...",
    )
    train.add_argument("--out", metavar="DIR", type=Path, required=True, help="the folder of the detector")
    train.add_argument(
        "--network",
        choices=NETWORKS,
        default=DetectorOptions.network,
        help=f"gabbard: six convolutions, of Gabbard et al. 2018; tworow: kernels of (1, 32) on the detectors as rows; resnet: a residual network (default: {DetectorOptions.network})",
    )
    _add_source(train)
    learning = train.add_argument_group("training")
    learning.add_argument(
        "--examples",
        type=positive,
        metavar="N",
        default=DetectorOptions.examples,
        help=f"segments that are shown at most (default: {DetectorOptions.examples})",
    )
    learning.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        default=DetectorOptions.batch,
        help=f"segments in each step, over all processes together (default: {DetectorOptions.batch})",
    )
    learning.add_argument(
        "--lr",
        type=float,
        metavar="RATE",
        default=DetectorOptions.learning_rate,
        help=f"learning rate (default: {DetectorOptions.learning_rate:g})",
    )
    learning.add_argument(
        "--dropout",
        type=float,
        metavar="SHARE",
        default=DetectorOptions.dropout,
        help=f"share of hidden numbers that are dropped (default: {DetectorOptions.dropout:g})",
    )
    learning.add_argument(
        "--curriculum",
        type=float,
        metavar="SHARE",
        default=DetectorOptions.curriculum,
        help=f"share of the training over which the least SNR falls from the greatest one to its own; 0 begins with all (default: {DetectorOptions.curriculum:g})",
    )
    learning.add_argument(
        "--patience",
        type=natural,
        metavar="N",
        default=DetectorOptions.patience,
        help=f"end after so many checks without improvement, of {CHECKS} in all; 0 never does (default: {DetectorOptions.patience})",
    )
    learning.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=DetectorOptions.precision,
        help="number format; auto is bfloat16 on a GPU and float32 on a CPU, where bfloat16 is faster if the CPU computes in it",
    )
    learning.add_argument(
        "--workers",
        type=natural,
        metavar="N",
        help="processes that make segments (default: 1 beside a CPU, all cores but one beside a GPU); the result is the same",
    )
    learning.add_argument(
        "--replace", action="store_true", help="replace a detector, or a stopped training of another one, in the folder"
    )


def _add_source(train: ArgumentParser) -> None:
    source = train.add_argument_group("segments")
    source.add_argument(
        "--ifos",
        nargs="+",
        metavar="IFO",
        default=list(IFOS),
        help=f"detectors: {', '.join(IFOS)}, or both (default: both)",
    )
    source.add_argument(
        "--rate",
        type=int,
        choices=RATES,
        default=SourceOptions.sample_rate,
        help=f"sample rate, Hz (default: {SourceOptions.sample_rate})",
    )
    source.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        default=SourceOptions.seconds,
        help=f"length of a segment, 1 to 4 s (default: {SourceOptions.seconds:g})",
    )
    source.add_argument(
        "--noise",
        nargs="+",
        metavar=f"{DESIGN}|PATH",
        default=list(SourceOptions.noise),
        help=f"{DESIGN}, or files or folders of measured noise: spectra in PyCBC's layout (H1_psd-0.hdf) or strain (default: {DESIGN})",
    )
    source.add_argument(
        "--glitches", action="store_true", help="a third class: the simulator's glitches, in one detector"
    )
    source.add_argument(
        "--without",
        nargs="+",
        metavar="CLASS",
        default=[],
        help="classes of glitches that training never shows, to see afterwards what the detector makes of unknown ones",
    )
    for name, values, what in (
        ("--masses", SourceOptions.masses, "component masses in the detector frame, drawn uniformly, solar masses"),
        ("--snr", SourceOptions.snr, "network SNR of signals, drawn uniformly"),
        ("--placement", SourceOptions.placement, "where the merger is in the segment, as shares of its length"),
    ):
        source.add_argument(
            name,
            nargs=2,
            type=float,
            metavar=("LEAST", "MOST"),
            default=list(values),
            help=f"{what} (default: {values[0]:g} {values[1]:g})",
        )
    source.add_argument(
        "--spin",
        type=float,
        metavar="MOST",
        default=SourceOptions.spin,
        help=f"greatest aligned spin, drawn uniformly from its negative on (default: {SourceOptions.spin:g})",
    )
    source.add_argument(
        "--waveform",
        choices=WAVEFORMS,
        default=SourceOptions.waveform,
        help=f"model of the signals: {IMR} needs lalsuite, {BUNDLED} is an older model without spins; auto takes the first one where it can (default: {SourceOptions.waveform})",
    )


def _add_evaluate(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    evaluate = actions.add_parser(
        "evaluate",
        parents=[common],
        help="measure what a detector finds and its false alarms, beside a matched filter",
        description="Judge a detector on fresh segments: confusion matrix, ROC, sensitivity against SNR at fixed false-alarm probabilities, false-alarm rate from time slides, sensitive distance, false alarms by glitch class, with intervals, and a matched filter on the same segments. Nothing is extrapolated: rates that need more noise are left empty. Writes sensitivity.html and tables. No study is needed.",
    )
    evaluate.add_argument("detector", metavar="DIR", type=Path, help="the folder of the detector")
    evaluate.add_argument(
        "--against", metavar="DIR", type=Path, help="another detector, judged on the same segments and compared"
    )
    for name, what in (
        ("noise", "segments of noise; a false-alarm probability of 1e-4 needs 100,000"),
        ("signals", "signals at each SNR from 4 to 20"),
        ("injections", "signals uniform in volume, for the sensitive distance"),
    ):
        default = getattr(SensitivityOptions, name)
        evaluate.add_argument(
            f"--{name}", metavar="N", type=positive, default=default, help=f"{what} (default: {default})"
        )
    evaluate.add_argument(
        "--glitches",
        metavar="N",
        type=natural,
        default=SensitivityOptions.glitches,
        help=f"simulated glitches, each in one detector (default: {SensitivityOptions.glitches})",
    )
    evaluate.add_argument(
        "--livetime",
        metavar="HOURS",
        type=float,
        default=SensitivityOptions.livetime,
        help=f"hours of time slides (default: {SensitivityOptions.livetime:g})",
    )
    evaluate.add_argument("--no-filter", action="store_true", help="leave the matched filter out")
    evaluate.add_argument(
        "--minimal-match",
        metavar="SHARE",
        type=float,
        default=SensitivityOptions.minimal_match,
        help=f"of the SNR that some template of the filter's bank finds (default: {SensitivityOptions.minimal_match:g})",
    )
    evaluate.add_argument("--out", metavar="DIR", type=Path, help="another folder than evaluation in the detector's")
    add_figures(evaluate)


def _add_scan(actions: Any, common: ArgumentParser) -> None:  # noqa: ANN401
    scan = actions.add_parser(
        "scan",
        parents=[common],
        help="run a detector over strain files: triggers with a false-alarm rate",
        description="Run a detector over strain files. Writes its loudest triggers with their false-alarm rate as a table that `discover scan --triggers` reads. The rate is that of time slides of the same strain, or of an evaluation's background.",
    )
    scan.add_argument("detector", metavar="DIR", type=Path, help="the folder of the detector")
    scan.add_argument(
        "strain", metavar="STRAIN", nargs="+", type=Path, help="strain files of every detector it reads: HDF5 or GWF"
    )
    scan.add_argument(
        "--slides",
        metavar="N",
        type=positive,
        default=SLIDES,
        help=f"time slides of each minute of strain (default: {SLIDES})",
    )
    scan.add_argument(
        "--background",
        metavar="CSV",
        type=Path,
        help="background.csv of an evaluation of the detector, instead of slides",
    )
    scan.add_argument(
        "--loudest", metavar="N", type=positive, default=LOUDEST, help=f"triggers to write (default: {LOUDEST})"
    )
    scan.add_argument("--ifo", metavar="IFO", help="the detector, such as H1, for files that do not name it")
    scan.add_argument("--channel", metavar="NAME", help="the data set or channel to read from files with several")
    scan.add_argument(
        "--out", metavar="CSV", type=Path, default=Path("triggers.csv"), help="the table (default: triggers.csv)"
    )
