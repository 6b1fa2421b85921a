"""The check of ``discover detector``."""

from argparse import Namespace
from pathlib import Path

from discovery.sensitivity.backgroundfile import background_rows
from discovery.sensitivity.options import SensitivityOptions, check_background, check_comparable
from embed.detector.demands import check_records
from embed.detector.options import DESIGN, DetectorOptions, SourceOptions
from embed.detector.place import check_place, read_card
from embed.detector.thirdclass import shown_families
from embed.storage import first_bytes
from embed.strain.files import GWF, open_strain
from embed.strain.record import records


def check(options: Namespace) -> None:
    """Refuse options out of range, folders that hold something else, and noise and strain that cannot be read.

    Raises
    ------
    InputError, StudyError
        As the work itself would.
    """
    {"train": _check_train, "evaluate": _check_evaluate, "scan": _check_scan}[options.action](options)


def _check_evaluate(options: Namespace) -> None:
    sensitivity_options(options)
    folders = [options.detector] if options.against is None else [options.detector, options.against]
    check_comparable([(folder, read_card(folder)[1]) for folder in folders])


def _check_scan(options: Namespace) -> None:
    card, source = read_card(options.detector)
    check_background(source, options.slides, given=options.background is not None)
    if options.background is not None:
        next(background_rows(options.background, card["weights_sha256"]))
    paths = [path for path in options.strain if not first_bytes(path).startswith(GWF)]  # gwpy takes seconds to open one
    files = [open_strain(path, ifo=options.ifo, channel=options.channel) for path in paths]
    if len(files) == len(options.strain):
        check_records(records(files), source)


def sensitivity_options(options: Namespace) -> SensitivityOptions:
    """Return what is to be measured.

    Raises
    ------
    InputError
        When a number is out of range.
    """
    return SensitivityOptions(
        noise=options.noise,
        signals=options.signals,
        injections=options.injections,
        glitches=options.glitches,
        livetime=options.livetime,
        templates=not options.no_filter,
        minimal_match=options.minimal_match,
        seed=options.seed,
    )


def _check_train(options: Namespace) -> None:
    asked = detector_options(options)
    shown_families(asked.source.without)
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
            without=tuple(options.without),
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
