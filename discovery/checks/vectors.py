"""Whether the vectors that the options name can be made: views, backbone, weights, model."""

from argparse import Namespace
from pathlib import Path

from embed.errors import InputError
from embed.network.backbones import DEFAULT_BACKBONE, find_backbone
from embed.network.sources import (
    WEIGHT_SOURCES,
    check_own,
    check_weights,
    check_weights_file,
    default_weights,
    detector_folder,
    is_model,
    is_strain,
    model_folder,
    read_card,
)
from embed.storage import first_bytes
from embed.study.study import Study
from embed.vectors.given import chosen_given
from embed.views.encoding import parse_encoding
from embed.views.selection import glitches_with_views, richest_encoding


def check_vectors(study: Study, options: Namespace, *, views: str | None = None) -> None:
    """Refuse a study without images, and views, a network, weights or a model that do not exist.

    Parameters
    ----------
    study : Study
    options : Namespace
        Of a command with the options on vectors.
    views : str, optional
        The views that are used when the options name none.

    Raises
    ------
    InputError, WeightsError
        As the embedding itself would.
    """
    if is_strain(options.backbone):
        _check_detector(options)
        return
    if (
        chosen_given(study, backbone=options.backbone, weights=options.weights, views=options.views or views)
        is not None
    ):
        return
    glitches_with_views(study)
    views = options.views or views
    if views:
        parse_encoding(views)
    if options.weights and is_model(options.weights):
        folder = model_folder(study.folder, options.weights)
        check_own(folder.name, read_card(folder), backbone=options.backbone, views=options.views)
    elif options.backbone or options.weights:
        check_network(study, backbone=options.backbone, weights=options.weights, views=views)


def _check_detector(options: Namespace) -> None:
    """Refuse a detector that does not exist, options that are for views, and strain files that do not exist."""
    for name in ("weights", "views"):
        if getattr(options, name):
            raise InputError(
                f"--{name} {getattr(options, name)} does not go with --backbone {options.backbone}, which reads strain; leave it out"
            )
    from embed.detector.place import read_card as read_detector  # noqa: PLC0415 - where one is named

    read_detector(detector_folder(options.backbone))
    for path in getattr(options, "strain", ()):
        first_bytes(path)


def check_network(study: Study, *, backbone: str | None, weights: str | None, views: str | None) -> None:
    """Refuse a network or weights that do not exist; a name of timm's is left to timm, which takes seconds to import.

    Raises
    ------
    InputError, WeightsError
        As loading the network would.
    """
    backbone = backbone or DEFAULT_BACKBONE
    if backbone.startswith("timm:"):
        if weights and weights not in WEIGHT_SOURCES:
            check_weights_file(Path(weights))
        return
    encoding = parse_encoding(views) if views else richest_encoding(study)
    check_weights(find_backbone(backbone), weights or default_weights(backbone, encoding))
