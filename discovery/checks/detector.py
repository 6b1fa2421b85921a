"""The check of ``discover detector``."""

from argparse import Namespace
from pathlib import Path

from embed.detector.options import DESIGN, DetectorOptions, SourceOptions
from embed.detector.place import check_place


def check(options: Namespace) -> None:
    """Refuse options out of range, a folder that holds something else, and noise that cannot be read.

    Raises
    ------
    InputError, StudyError
        As the training itself would.
    """
    {"train": _check_train}[options.action](options)


def _check_train(options: Namespace) -> None:
    asked = detector_options(options)
    check_place(asked)
    if asked.source.noise != (DESIGN,):
        from embed.detector.spectra import curve_files  # noqa: PLC0415 - h5py, where it is needed

        curve_files([Path(name) for name in asked.source.noise], asked.source.ifos)


def detector_options(options: Namespace) -> DetectorOptions:
    """Return the options of the training.

    Raises
    ------
    InputError
        When one is out of range, or lalsuite is asked for and absent.
    """
    return DetectorOptions(
        out=options.out,
        source=SourceOptions(
            ifos=tuple(options.ifos),
            sample_rate=options.rate,
            seconds=options.seconds,
            noise=tuple(options.noise),
            glitches=options.glitches,
            masses=_pair(options.masses),
            spin=options.spin,
            snr=_pair(options.snr),
            placement=_pair(options.placement),
            waveform=options.waveform,
        ),
        network=options.network,
        examples=options.examples,
        batch=options.batch,
        learning_rate=options.lr,
        dropout=options.dropout,
        curriculum=options.curriculum,
        patience=options.patience,
        precision=options.precision,
        seed=options.seed,
        device=options.device,
        replace=options.replace,
        workers=options.workers,
    )


def _pair(values: list[float]) -> tuple[float, float]:
    return values[0], values[1]
