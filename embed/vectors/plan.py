"""The plan of an embedding: which network, which views, which glitches, and where the vectors go."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import timm
import torch

from embed.errors import InputError
from embed.network.backbones import DEFAULT_BACKBONE
from embed.network.devices import choose_device
from embed.network.model import load_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.network import Network, load_network
from embed.network.runtime import Runtime, make_runtime
from embed.network.sources import check_own, default_weights, is_model, model_folder
from embed.study.study import Study
from embed.vectors.options import EmbeddingOptions
from embed.vectors.passport import Passport
from embed.vectors.standing import asked_digest
from embed.views.decoding import VIEWS_VERSION
from embed.views.encoding import Encoding, parse_encoding
from embed.views.selection import LeftOut, richest_encoding, wanted


@dataclass(frozen=True)
class Plan:
    """What is to be embedded, and with what."""

    network: Network
    runtime: Runtime
    encoding: Encoding
    passport: Passport
    folder: Path
    glitches: np.ndarray
    inputs: np.ndarray
    left_out: list[LeftOut]
    choice: dict[str, str]

    @property
    def asked(self) -> str:
        """Hash of the finished store's contents."""
        return asked_digest(self.glitches, self.inputs, self.left_out)


def make_plan(
    study: Study, options: EmbeddingOptions, latest: dict[str, str], only: Iterable[int] | None = None
) -> Plan:
    """Make every choice: the option given, else the latest run's, else the default.

    Parameters
    ----------
    study : Study
    options : EmbeddingOptions
    latest : dict
        See `embed.vectors.standing.latest_choice`.
    only : iterable of int, optional
        Row numbers of the glitches that are to have a vector; it is no error where none of them has the views. By default all.

    Raises
    ------
    InputError
        When the study has no views, or no glitch of all has the chosen ones.
    WeightsError, DeviceError
        When the weights or the device are not available.
    """
    backbone = options.backbone or latest.get("backbone") or DEFAULT_BACKBONE
    weights = options.weights or latest.get("weights")
    views = options.views or latest.get("views")
    device = choose_device(options.device)
    trained_on = ""
    if weights is not None and is_model(weights):
        model = load_model(model_folder(study.folder, weights))
        check_own(model.name, dict(model.card), backbone=options.backbone, views=options.views)
        network, encoding, trained_on = model.network, model.encoding, model.trained_on
    else:
        encoding = parse_encoding(views) if views else richest_encoding(study)
        weights = weights or default_weights(backbone, encoding)
        network = load_network(backbone, weights)
    runtime = make_runtime(
        network,
        device,
        latest.get("runtime", "auto") if device.type == "cpu" and options.runtime == "auto" else options.runtime,
    )
    spec = network.backbone
    passport = Passport(
        backbone=spec.name,
        architecture=f"{spec.library}:{spec.architecture}",
        weights=network.weights,
        weights_sha256=network.weights_sha256,
        views=str(encoding),
        views_version=VIEWS_VERSION,
        size=spec.size,
        mean=spec.mean,
        std=spec.std,
        runtime=runtime.name,
        device=device.type,
        versions={"pillow": PIL.__version__, "timm": timm.__version__, "torch": torch.__version__},
        trained_on=trained_on,
    )
    glitches, inputs, left_out = wanted(study, encoding, only)
    if only is None and not len(glitches):
        raise InputError(
            f"no glitch has the views {encoding} ({len(left_out)} glitches lack them); choose others with --views"
        )
    where = weights if weights in WEIGHT_SOURCES or is_model(weights) else str(Path(weights).absolute())
    choice = {
        "backbone": spec.name,
        "weights": where,
        "views": str(encoding),
        "store": passport.name,
        "runtime": runtime.kind,
    }
    folder = study.folder / "vectors" / passport.name
    return Plan(network, runtime, encoding, passport, folder, glitches, inputs, left_out, choice)
