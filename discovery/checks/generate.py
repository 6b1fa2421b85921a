"""The check of ``discover generate``."""

from argparse import Namespace

from embed.generator.options import SIMULATOR
from embed.generator.place import class_code, generator_folder, read_card
from embed.simulator.families.catalogue import CLASSES
from embed.study.study import Study
from embed.unfinished import check_fillable


def check(options: Namespace) -> None:
    """Refuse a folder that is not empty, a generator that does not exist, and classes that it does not make.

    Raises
    ------
    InputError, StudyError
        As the generation itself would.
    """
    check_fillable(options.out)
    classes = tuple(CLASSES)
    if options.model != SIMULATOR:
        with Study(options.study) as study:
            classes = tuple(read_card(generator_folder(study.folder, options.model))["classes"])
    for label in options.labels:
        class_code(classes, label, options.model)
