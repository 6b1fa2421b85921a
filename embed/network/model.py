"""A trained model: a truncated network fine-tuned on a study's classes, the final layer it was trained with, and its card.

A model is a folder ``models/<name>/`` of the study::

    weights.safetensors  the truncated network's state, ``head.weight`` (K, D), ``head.bias`` (K,), and ``mean_image`` where one is subtracted
    model.json           the card: what it was trained on and how
    parts.csv            id, part: which glitches were trained on, validated on, and held out for the test
    before.csv           id: what the model that it began from was trained on, where it began from one
    SHA256SUMS           the hashes of these files

Its network is used wherever `embed.network.network.load_network`'s is: the vectors are what the final layer reads, so predicting is
embedding and one matrix product.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from embed.csvfile import CsvFile, restored, write_csv
from embed.errors import InputError, WeightsError
from embed.gravityspy import SAMPLE_TYPES
from embed.network.backbones import Backbone, find_backbone
from embed.network.names import MODEL_PREFIX
from embed.network.network import Network, built, load_state, state_digest
from embed.network.pretrained import read_weights
from embed.network.sources import CARD, read_card
from embed.storage import (
    beside,
    canonical_json,
    move_into_place,
    settle,
    storage_errors,
    write_bytes,
)
from embed.sums import seal
from embed.views.encoding import Encoding, parse_encoding

_WEIGHTS = "weights.safetensors"
_PARTS = "parts.csv"
_BEFORE = "before.csv"
_HEAD = ("head.weight", "head.bias")
_MEAN_IMAGE = "mean_image"


class Centred(nn.Module):
    """A network whose input is reduced by a mean image.

    Parameters
    ----------
    network : nn.Module
        Tensor of float32, shape (B, 3, size, size) -> Tensor of float32, shape (B, D).
    mean_image : Tensor of float32, shape (3, size, size)
        In the units of the network's input.
    """

    mean_image: torch.Tensor

    def __init__(self, network: nn.Module, mean_image: torch.Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer(_MEAN_IMAGE, mean_image)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Subtract the mean image and run the network."""
        return self.network(pictures - self.mean_image)


@dataclass(frozen=True)
class Model:
    """A trained model of a study.

    Attributes
    ----------
    name : str
        Its folder's name.
    folder : Path
        Its folder.
    network : Network
        Truncated, in evaluation mode, on the CPU; subtracts the mean image itself where there is one.
    head_weight : ndarray of float32, shape (K, D)
    head_bias : ndarray of float32, shape (K,)
        The final layer.
    classes : tuple of str
        K names, sorted; class k is the final layer's row k.
    encoding : Encoding
        The views it reads.
    card : mapping
        What `save_model` was given.
    """

    name: str
    folder: Path
    network: Network
    head_weight: np.ndarray
    head_bias: np.ndarray
    classes: tuple[str, ...]
    encoding: Encoding
    card: Mapping[str, Any]

    @property
    def trained_on(self) -> str:
        """Which labels the weights have seen, for the passport of its vectors."""
        return str(self.card["trained_on"])

    @cached_property
    def parts(self) -> dict[str, str]:
        """The part (train, validation or test) of each glitch's id."""
        parts = {row["id"]: row["part"] for row in _cells(self.folder / _PARTS, ("id", "part"))}
        unknown = sorted(set(parts.values()) - set(SAMPLE_TYPES))
        if unknown:
            raise WeightsError(f"{self.folder / _PARTS} has the part {unknown[0]!r}; train the model again")
        return parts

    @cached_property
    def learnt_from(self) -> frozenset[str]:
        """Ids that it was trained on, and those that the models which it began from were trained on."""
        before = {row["id"] for row in _cells(self.folder / _BEFORE, ("id",))}
        return frozenset(before | {name for name, part in self.parts.items() if part == "train"})

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return the final layer's answer to raw vectors (not normalised): ndarray of float32, shape (N, D) -> shape (N, K).

        Raises
        ------
        InputError
            When the vectors are another network's.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.head_weight.shape[1]:
            raise InputError(
                f"model {self.name!r} reads vectors of {self.head_weight.shape[1]} numbers, these are {vectors.shape}; embed with --weights {MODEL_PREFIX}{self.name}"
            )
        return np.asarray(vectors, np.float32) @ self.head_weight.T + self.head_bias


def save_model(
    folder: Path,
    state: Mapping[str, torch.Tensor],
    head_weight: torch.Tensor,
    head_bias: torch.Tensor,
    *,
    card: Mapping[str, Any],
    parts: Mapping[str, str],
    before: Model | None = None,
    mean_image: torch.Tensor | None = None,
) -> Model:
    """Write a model beside its place and move it there whole; an older one of the name is replaced.

    Parameters
    ----------
    folder : Path
        Its place, ``models/<name>``.
    state : mapping
        Of the truncated network, names as `embed.network.network.truncated` gives them.
    head_weight : Tensor of float32, shape (K, D)
    head_bias : Tensor of float32, shape (K,)
    card : mapping
        JSON values; ``backbone``, ``classes`` (sorted), ``views`` and ``trained_on`` at least. ``name`` is the folder's.
    parts : mapping
        id -> train, validation or test.
    before : Model, optional
        The model that training began from: the glitches it learnt from are recorded with the new model, which may replace it.
    mean_image : Tensor of float32, shape (3, size, size), optional
        Subtracted from the network's input, in its units.

    Returns
    -------
    Model
        As `load_model` reads it.

    Raises
    ------
    WeightsError
        When a weight is NaN or infinite, or does not fit the backbone; the older model is kept.
    StorageError
        When the disk is full.
    """
    card = {**card, "name": folder.name}
    tensors = {**state, _HEAD[0]: head_weight, _HEAD[1]: head_bias}
    if mean_image is not None:
        tensors[_MEAN_IMAGE] = mean_image
    plain = {name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())}
    _assemble(folder, plain, card)
    new, _ = beside(folder)
    settle(folder, CARD)
    with storage_errors(folder):
        new.mkdir(parents=True)
    write_bytes(new / _WEIGHTS, save(plain))
    write_csv(new / _PARTS, ("id", "part"), sorted(parts.items()))
    write_csv(new / _BEFORE, ("id",), ((name,) for name in sorted(before.learnt_from if before else ())))
    seal(new, CARD, canonical_json(card) + "\n")
    move_into_place(folder)
    return load_model(folder)


def load_model(folder: Path) -> Model:
    """Read a model.

    Parameters
    ----------
    folder : Path
        See `model_folder`.

    Raises
    ------
    InputError
        When there is no such model; the message lists the study's models.
    WeightsError
        When it is damaged.
    """
    card = read_card(folder)
    gone = [name for name in (_WEIGHTS, _PARTS, _BEFORE) if not (folder / name).is_file()]
    if gone:
        raise WeightsError(f"the model {folder} lacks {', '.join(gone)}; train it again")
    return _assemble(folder, read_weights(folder / _WEIGHTS), card)


def _cells(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of one of the model's own tables."""
    try:
        for row in CsvFile(path).rows():
            yield {name: restored(row.cells[name]) for name in columns}
    except (InputError, KeyError) as error:
        raise WeightsError(f"{path} is damaged ({error}); train the model again") from error


def _assemble(folder: Path, tensors: Mapping[str, torch.Tensor], card: Mapping[str, Any]) -> Model:
    backbone = find_backbone(card["backbone"])
    classes = tuple(card["classes"])
    encoding = parse_encoding(card["views"])
    weight, bias = _head(folder, tensors, backbone, len(classes))
    state = {key: value for key, value in tensors.items() if key not in (*_HEAD, _MEAN_IMAGE)}
    module = built(backbone, state)
    load_state(module, state, backbone, str(folder / _WEIGHTS))
    if _MEAN_IMAGE in tensors:
        module = Centred(module, tensors[_MEAN_IMAGE].float())
    network = Network(backbone, f"{MODEL_PREFIX}{folder.name}", state_digest(module), module.eval())
    return Model(folder.name, folder, network, weight, bias, classes, encoding, card)


def _head(
    folder: Path, tensors: Mapping[str, torch.Tensor], backbone: Backbone, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    wanted = {_HEAD[0]: (classes, backbone.dimension), _HEAD[1]: (classes,)}
    for name, shape in wanted.items():
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != shape:
            raise WeightsError(
                f"{folder / _WEIGHTS}: {name} is {found or 'missing'}, its card's {classes} classes on {backbone.name} need {shape}; train the model again"
            )
        if not torch.isfinite(tensors[name]).all():
            raise WeightsError(f"{folder / _WEIGHTS}: {name} holds NaN or infinite values; train the model again")
    weight, bias = (tensors[name].float().numpy() for name in _HEAD)
    return weight, bias
