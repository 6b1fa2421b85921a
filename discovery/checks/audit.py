"""The check of ``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from argparse import Namespace

from audit.answers.undo import import_to_undo
from audit.heldout.probabilities import EXPECTED as EXPECTED_PROBABILITIES
from audit.review.ledger import EXPECTED as EXPECTED_ANSWERS
from discovery.checks.vectors import check_vectors
from embed.csvfile import CsvFile
from embed.errors import InputError
from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse files that cannot be read, vectors that cannot be made, and an undo without an import.

    Raises
    ------
    InputError
        When ``--refit`` and ``--probabilities`` are given together, or as above.
    """
    if options.action is None and options.refit and options.probabilities is not None:
        raise InputError("--refit trains on images, --probabilities needs none; give one of them")
    with Study(options.study) as study:
        if options.action == "import":
            CsvFile(options.file, EXPECTED_ANSWERS)
        elif options.action == "undo":
            import_to_undo(study)
        elif options.probabilities is not None:
            CsvFile(options.probabilities, EXPECTED_PROBABILITIES)
        else:
            check_vectors(study, options)
