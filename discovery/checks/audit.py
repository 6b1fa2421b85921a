"""The check of ``discover audit``, ``discover audit import`` and ``discover audit undo``."""

from argparse import Namespace

from audit.answers.undo import import_to_undo
from audit.heldout.kinds import FOLDS
from audit.heldout.probabilities import EXPECTED as EXPECTED_PROBABILITIES
from audit.options import DEFAULTS, AuditOptions
from audit.review.ledger import EXPECTED as EXPECTED_ANSWERS
from discovery.checks.fleet import check_ray
from discovery.checks.vectors import check_vectors
from embed.csvfile import CsvFile
from embed.errors import InputError
from embed.network.backbones import find_backbone
from embed.network.sources import is_model, model_folder, read_card
from embed.study.study import Study
from embed.vectors.given import is_given
from embed.views.encoding import parse_encoding
from embed.views.selection import glitches_with_views


def check(options: Namespace) -> None:
    """Refuse files that cannot be read, vectors that cannot be made, and an undo without an import.

    Raises
    ------
    InputError
        When ``--refit`` and ``--probabilities`` are given together, an option is out of range, or as above.
    """
    if options.action is None:
        audit_options(options)
        if options.refit and options.probabilities is not None:
            raise InputError("--refit trains on images, --probabilities needs none; give one of them")
        if options.ray is not None and (not options.refit or options.processes is not None):
            raise InputError("--ray spreads the splits of --refit backbone; give that too, and leave --processes out")
    with Study(options.study) as study:
        if options.action == "import":
            CsvFile(options.file, EXPECTED_ANSWERS)
        elif options.action == "undo":
            import_to_undo(study)
        elif options.probabilities is not None:
            CsvFile(options.probabilities, EXPECTED_PROBABILITIES)
        elif options.refit:
            _check_refit(study, options)
        else:
            check_vectors(study, options)
    if options.action is None:
        check_ray(options)


def audit_options(options: Namespace) -> AuditOptions:
    """Return the options of the audit.

    Raises
    ------
    InputError
        When one is out of range.
    """
    return AuditOptions(
        splits=(FOLDS if options.refit else DEFAULTS.splits) if options.splits is None else options.splits,
        split=options.split,
        rate=options.rate,
        stop_early=not options.all_splits,
        seed=options.seed,
        device=options.device,
    )


def _check_refit(study: Study, options: Namespace) -> None:
    """Refuse what a refit cannot start from; a model stands for the weights it began from, with any backbone and views."""
    weights = options.weights or (study.latest_arguments("embed") or {}).get("weights")
    if is_given(weights):
        raise InputError(
            f"--refit trains a network on pictures, and {weights} were made elsewhere; name a network's weights, such as --weights glitch"
        )
    if weights is None or not is_model(weights):
        check_vectors(study, Namespace(**{**vars(options), "weights": weights}))
        return
    glitches_with_views(study)
    read_card(model_folder(study.folder, weights))
    if options.views:
        parse_encoding(options.views)
    if options.backbone and not options.backbone.startswith("timm:"):
        find_backbone(options.backbone)
