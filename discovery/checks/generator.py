"""The check of ``discover generator`` ``train``, ``evaluate`` and ``anomalies``."""

from argparse import Namespace

from embed.errors import InputError
from embed.generator.options import DURATIONS, SIMULATOR, GeneratorOptions
from embed.generator.place import check_critic, generator_folder, read_card
from embed.study.study import Study
from embed.views.selection import glitches_with_views


def check(options: Namespace) -> None:
    """Refuse options out of range, labels and generators that do not exist, and studies without views.

    Raises
    ------
    InputError, StudyError
        As the command itself would.
    """
    if options.action == "train":
        generator_options(options)
    if options.action == "anomalies":
        check_critic(options.model)
    with Study(options.study) as study:
        glitches_with_views(study)
        durations = study.durations()
        if options.action == "train":
            generator_folder(study.folder, options.name)
            for label in options.classes:
                study.members(label)
            if not any(label for _, label in study.latest_labels(predicted=False)):
                raise InputError("no glitch is labelled; add labels with `discover ingest PATH --labels CSV`")
        elif options.model != SIMULATOR:
            read_card(generator_folder(study.folder, options.model))
        lacking = [f"{duration} s" for duration in DURATIONS if duration not in durations]
        if lacking:
            raise InputError(
                f"a generator reads views of 1, 2 and 4 s, and the study has none of {', '.join(lacking)}; ingest them"
            )


def generator_options(options: Namespace) -> GeneratorOptions:
    """Return the options of the training.

    Raises
    ------
    InputError
        When one is out of range.
    """
    return GeneratorOptions(
        name=options.name,
        classes=tuple(options.classes),
        resolution=options.resolution,
        images=options.images,
        batch=options.batch,
        learning_rate=options.lr,
        channels=options.channels,
        critic=options.critic,
        precision=options.precision,
        seed=options.seed,
        device=options.device,
        replace=options.replace,
    )
