"""Where a training starts: the network, its weights and the views that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.model import Model, load_model
from embed.network.network import Network, load_network
from embed.network.sources import default_weights, is_model, model_folder
from embed.training.recipe import PRESET_VIEWS
from embed.views.encoding import Encoding, parse_encoding
from embed.views.selection import richest_encoding

if TYPE_CHECKING:
    from embed.study.study import Study
    from embed.training.options import TrainingOptions


def starting_network(study: Study, options: TrainingOptions) -> tuple[Network, Model | None]:
    """Load the network that training starts from, and the study's model that it comes from, if any."""
    if options.weights and is_model(options.weights):
        model = load_model(model_folder(study.folder, options.weights))
        own = model.network.backbone.name
        if options.backbone and options.backbone != own:
            raise InputError(f"--backbone {options.backbone} does not go with model {model.name!r}, which is {own}")
        return model.network, model
    return load_network(options.backbone or DEFAULT_BACKBONE, starting_weights(study, options)), None


def starting_weights(study: Study, options: TrainingOptions) -> str:
    """The weights given; else ImageNet's for a paper's preset, and what `discover embed` takes for any other."""
    if options.weights:
        return options.weights
    if options.preset != "default":
        return "bundled"
    return default_weights(options.backbone or DEFAULT_BACKBONE, choose_encoding(study, options))


def choose_encoding(study: Study, options: TrainingOptions, before: Model | None = None) -> Encoding:
    """The views given; else the starting model's, the preset's, or the richest that every glitch has."""
    if options.views:
        return parse_encoding(options.views)
    if before is not None:
        return before.encoding
    if options.preset in PRESET_VIEWS:
        return parse_encoding(PRESET_VIEWS[options.preset])
    return richest_encoding(study)
