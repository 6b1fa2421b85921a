"""The networks: their input, normalisation, licence and point of truncation kept together, and their weights.

Each network is cut before its final layer, as George, Shen & Huerta (2018, section IV) cut theirs: what the final layer would read
is the glitch's vector.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embed.errors import InputError

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
        What the vector is.
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
        When there is none of this name; the message lists the names.
    """
    if name in REGISTRY:
        return REGISTRY[name]
    if name.startswith("timm:"):
        import timm  # noqa: PLC0415 - takes seconds, and the registry's names are read without it

        if timm.is_model(name.removeprefix("timm:").split(".")[0]):
            return _timm_backbone(name)
    raise InputError(f"no backbone {name!r}; there are {', '.join(REGISTRY)}, and timm:NAME for any of timm's networks")


def _timm_backbone(name: str) -> Backbone:
    import timm  # noqa: PLC0415

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
