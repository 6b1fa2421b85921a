"""A truncated network with a final layer for the study's classes, in training: its dropout, its trained weights and its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from embed.errors import InputError, TrainingError
from embed.network.model import Centred
from embed.training.randomness import uniform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FINAL_STREAM = 100
_HIDDEN_STREAM = 101
_HEAD_DEVIATION = 0.01
_SHOWN = 20


class GlitchDropout(nn.Module):
    """Dropout whose mask depends on the glitch's key alone, not on its place in a batch or on what was drawn before.

    Parameters
    ----------
    probability : float
        Of a number to be set to 0; the others are scaled up.
    stream : int
        A different number for each such layer of a network.
    """

    def __init__(self, probability: float, stream: int) -> None:
        super().__init__()
        self.probability = probability
        self.stream = stream
        self.keys: torch.Tensor | None = None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Drop numbers, in training."""
        if not self.training or self.probability == 0.0 or self.keys is None:
            return values
        kept = uniform(self.keys.to(values.device), self.stream, tuple(values.shape[1:])) >= self.probability
        return values * kept / (1.0 - self.probability)


class Headed(Protocol):
    """A network in two parts, a trunk and a final layer, of which the trunk may be frozen."""

    @property
    def trunk(self) -> nn.Module:
        """All but the final layer."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights."""


class Classifier(nn.Module):
    """A truncated network and a final layer.

    Parameters
    ----------
    network : nn.Module
        float32 (B, 3, size, size) -> float32 (B, D), as `embed.network.network.truncated`; its dropout layers are replaced by `GlitchDropout`.
    dimension, classes : int
        D and K.
    dropout : float
        Before the final layer.
    seed : int
        Of the final layer's weights.
    mean_image : Tensor of float32, shape (3, size, size), optional
        Subtracted from the input.
    """

    def __init__(
        self,
        network: nn.Module,
        dimension: int,
        classes: int,
        *,
        dropout: float = 0.0,
        seed: int = 0,
        mean_image: torch.Tensor | None = None,
    ) -> None:
        super().__init__()
        _replace_dropout(network)
        self.network = network if mean_image is None else Centred(network, mean_image)
        self.dropout = GlitchDropout(dropout, _FINAL_STREAM)
        self.head = nn.Linear(dimension, classes)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(seed)
            self.head.weight.copy_(_HEAD_DEVIATION * torch.randn(classes, dimension, generator=generator))
            self.head.bias.zero_()

    @property
    def trunk(self) -> nn.Module:
        """The truncated network itself."""
        return self.network.network if isinstance(self.network, Centred) else self.network

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights, under the names that `embed.network.model.save_model` gives them."""
        head = {f"head.{name}": value for name, value in self.head.state_dict().items()}
        mean = {"mean_image": self.network.mean_image} if isinstance(self.network, Centred) else {}
        return {**self.trunk.state_dict(), **head, **mean}

    def load_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take weights over, as `weights` gives them."""
        own = self.weights()
        if own.keys() != weights.keys() or any(own[name].shape != weights[name].shape for name in own):
            raise TrainingError("the checkpoint's weights are another network's; train again with --replace")
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(weights[name])

    def forward(self, pictures: torch.Tensor, keys: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors (B, D) and logits (B, K) of pictures; `keys` (B,) of the dropout, in training."""
        for layer in self.modules():
            if isinstance(layer, GlitchDropout):
                layer.keys = keys
        vectors = self.network(pictures)
        return vectors, self.head(self.dropout(vectors))


def _replace_dropout(network: nn.Module) -> None:
    """Replace hidden dropout layers by `GlitchDropout`; one at the cut of the network is left to the classifier."""
    stream = _HIDDEN_STREAM
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, nn.Dropout):
                last = parent is network and name == "dropout"
                setattr(parent, name, GlitchDropout(0.0 if last else layer.p, stream))
                stream += 1


def choose_trained(classifier: Headed, share: float, freeze: Sequence[str] = ()) -> None:
    """Choose which weights are trained: the last `share` of the network's tensors without those named in `freeze`, and the final layer.

    A batch normalisation whose weights are not trained keeps its statistics too.

    Raises
    ------
    InputError
        When a name in `freeze` begins no weight's name.
    """
    named = list(classifier.trunk.named_parameters())
    for prefix in freeze:
        if not any(name.startswith(prefix) for name, _ in named):
            there = sorted({name.split(".")[0] for name, _ in named})
            raise InputError(
                f"--freeze {prefix}: no weight's name begins so; they begin with {', '.join(there[:_SHOWN])}"
            )
    first = len(named) - round(share * len(named))
    for place, (name, weight) in enumerate(named):
        weight.requires_grad_(place >= first and not name.startswith(tuple(freeze)))
        if not weight.requires_grad:
            weight.grad = None


def set_mode(classifier: Classifier, *, frozen_statistics: bool) -> None:
    """Put the classifier into training mode, except batch normalisations whose statistics stay as they are."""
    classifier.train()
    for layer in classifier.trunk.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - the base class that has no public name
            still = layer.weight is not None and not layer.weight.requires_grad
            layer.train(not (frozen_statistics or still))


def summed_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Cross-entropy summed over the glitches, with label smoothing (Szegedy et al. 2016, section 7)."""
    return cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)


def summed_contrast(
    anchors: torch.Tensor,
    anchor_rows: torch.Tensor,
    vectors: torch.Tensor,
    targets: torch.Tensor,
    temperature: float,
) -> torch.Tensor:
    """Supervised contrastive loss, summed over the anchors (Khosla et al. 2020, equation 2).

    Parameters
    ----------
    anchors : Tensor of float32, shape (A, D)
        Normalised here.
    anchor_rows : Tensor of int64, shape (A,)
        Their places among the vectors.
    vectors : Tensor of float32, shape (B, D)
        Of the whole batch.
    targets : Tensor of int64, shape (B,)
    temperature : float

    Returns
    -------
    Tensor of float32, shape ()
        An anchor without another of its class in the batch adds nothing.
    """
    similarity = normalize(anchors.float(), dim=1) @ normalize(vectors.float(), dim=1).T / temperature
    itself = torch.arange(len(targets), device=targets.device) == anchor_rows[:, None]
    log_share = similarity - torch.logsumexp(similarity.masked_fill(itself, -torch.inf), dim=1, keepdim=True)
    partners = (targets == targets[anchor_rows][:, None]) & ~itself
    return -((log_share * partners).sum(dim=1) / partners.sum(dim=1).clamp(min=1)).sum()
