"""What an embedding is to do: which network, which views, which glitches, and where the vectors go."""

import hashlib
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
from embed.network.network import Network, load_network
from embed.network.runtime import Runtime, make_runtime
from embed.network.sources import WEIGHT_SOURCES, check_own, default_weights, is_model, model_folder
from embed.study.study import Study
from embed.vectors.store import Passport
from embed.views.decoding import VIEWS_VERSION
from embed.views.encoding import Encoding, parse_encoding
from embed.views.selection import LeftOut, richest_encoding, wanted


@dataclass(frozen=True)
class EmbeddingOptions:
    """What is asked of an embedding; None takes the study's latest store's choice, or else the default.

    Attributes
    ----------
    backbone : str or None
        See `embed.network.backbones.find_backbone`.
    weights : str or None
        ``glitch``, ``bundled``, ``imagenet``, a file, or ``model:NAME``: a trained model of the study, which brings its backbone and views.
    views : str or None
        See `embed.views.encoding.parse_encoding`; by default the richest encoding that every glitch has.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    runtime : str
        ``auto``, ``torch`` or ``onnx``.
    seed : int
        Of an approximate index; an exact one does not depend on it.
    cache : bool
        Keep decoded views for a second network.
    """

    backbone: str | None = None
    weights: str | None = None
    views: str | None = None
    device: str = "auto"
    runtime: str = "auto"
    seed: int = 0
    cache: bool = True

    @property
    def asks_for_nothing(self) -> bool:
        """Whether the study's latest vectors will do, wherever they were made."""
        return (self.backbone, self.weights, self.views, self.device, self.runtime) == (
            None,
            None,
            None,
            "auto",
            "auto",
        )


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
        """Hash of what the finished store must hold."""
        return asked_digest(self.glitches, self.inputs, self.left_out)


def asked_digest(glitches: np.ndarray, inputs: np.ndarray, left_out: list[LeftOut]) -> str:
    """Hash of the glitches and their inputs, and of the glitches that are left out."""
    lacking = np.array([item.glitch for item in left_out], np.int64)
    return hashlib.sha256(glitches.tobytes() + inputs.tobytes() + lacking.tobytes()).hexdigest()


def make_plan(study: Study, settings: EmbeddingOptions, latest: dict[str, str]) -> Plan:
    """Settle every choice: what is asked for, or else what the latest run used, or else the default.

    Raises
    ------
    InputError
        When the study has no views, or no glitch has those that are asked for.
    WeightsError, DeviceError
        When weights or device cannot be had.
    """
    backbone = settings.backbone or latest.get("backbone") or DEFAULT_BACKBONE
    weights = settings.weights or latest.get("weights")
    views = settings.views or latest.get("views")
    device = choose_device(settings.device)
    trained_on = ""
    if weights is not None and is_model(weights):
        model = load_model(model_folder(study.folder, weights))
        check_own(model.name, dict(model.card), backbone=settings.backbone, views=settings.views)
        network, encoding, trained_on = model.network, model.encoding, model.trained_on
    else:
        encoding = parse_encoding(views) if views else richest_encoding(study)
        weights = weights or default_weights(backbone, encoding)
        network = load_network(backbone, weights)
    runtime = make_runtime(
        network,
        device,
        latest.get("runtime", "auto") if device.type == "cpu" and settings.runtime == "auto" else settings.runtime,
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
    glitches, inputs, left_out = wanted(study, encoding)
    if not len(glitches):
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


def latest_choice(study: Study) -> dict[str, str] | None:
    """What the latest finished `embed` run used: ``backbone``, ``weights``, ``views``, ``runtime`` and the ``store`` it made."""
    return study.latest_arguments("embed")
