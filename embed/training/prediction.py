"""A trained model's predictions on a study's glitches: probabilities, and label events by ``model``.

Predicting is embedding the glitches asked for with the model's network, and one matrix product. The study keeps their vectors:
predicting them again costs next to nothing, and a killed run resumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.metrics.accuracy import top_classes
from embed.metrics.calibration import softmax
from embed.network.names import MODEL_PREFIX
from embed.storage import file_digest
from embed.study.records import MODEL, Label
from embed.vectors.options import EmbeddingOptions
from embed.vectors.parts import blocks_of
from embed.vectors.some import embed_some

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.vectors.some import SomeVectors
    from embed.views.selection import LeftOut

_DECIMALS = 6
"""Of a stored confidence: fewer than the last digits in which a matrix product depends on how many rows it has."""
_ROWS = 2**20
"""Glitches whose vectors are in memory at once: those of a whole catalogue, since the last digits of a product depend on how many rows it has."""


@dataclass(frozen=True)
class Prediction:
    """Probabilities of N glitches.

    Attributes
    ----------
    source : str
        The model's name and the beginning of its weights' hash: the ``source`` of its label events.
    classes : tuple of str
        K names.
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study, ascending.
    probabilities : ndarray of float64, shape (N, K)
    left_out : tuple of LeftOut
        Glitches wanted that have no vector, and why.
    vectors : SomeVectors
        The model's, of these glitches and of those beside them.
    """

    source: str
    classes: tuple[str, ...]
    glitches: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    vectors: SomeVectors

    def of(self, glitches: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities of some of the glitches, in the order given."""
        return self.probabilities[np.searchsorted(self.glitches, glitches)]


def model_source(model: Model) -> str:
    """Name a model and its weights: the same name with other weights is another source."""
    return f"{model.name} {file_digest(model.folder / 'weights.safetensors')[:12]}"


def predict(
    study: Study,
    model: Model,
    glitches: NDArray[np.int64],
    *,
    beside: NDArray[np.int64] | None = None,
    options: EmbeddingOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Run a model on glitches.

    Parameters
    ----------
    study : Study
        Written to: the model's vectors of these glitches are kept. They are no store: another command that asks for the model's vectors
        computes the missing ones first.
    model : Model
        One of the study's.
    glitches : ndarray of int64, shape (N,)
        Row numbers. Only these and those beside them are embedded, and of them only those whose vector the study does not have.
    beside : ndarray of int64, optional
        Row numbers of glitches whose vectors are needed too, but no prediction: see `embed.training.abstention.known_glitches`.
    options : EmbeddingOptions, optional
        Device, runtime, cache and seed; the model has its own network and views.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Raises
    ------
    InputError
        When none of the glitches has the views that the model reads.
    """
    given = options or EmbeddingOptions()
    own = EmbeddingOptions(
        weights=f"{MODEL_PREFIX}{model.name}",
        device=given.device,
        runtime=given.runtime,
        seed=given.seed,
        cache=given.cache,
    )
    wanted = np.sort(np.asarray(glitches, np.int64))
    both = wanted if beside is None else np.concatenate([wanted, beside])
    vectors = embed_some(study, own, both, command="predict", progress=progress)
    there = vectors.has(wanted)
    if not there.any():
        raise InputError(
            f"none of the {len(wanted)} glitches has the views {model.encoding} that model {model.name!r} reads; ingest them, or use a model of other views"
        )
    lacking = set(wanted[~there].tolist())
    found = wanted[there]
    logits = np.concatenate([model.logits(vectors.of(found[rows])) for rows in blocks_of(len(found), _ROWS)])
    return Prediction(
        model_source(model),
        model.classes,
        found,
        softmax(logits),
        tuple(item for item in vectors.left_out if item.glitch in lacking),
        vectors,
    )


def add_predictions(study: Study, prediction: Prediction, withheld: NDArray[np.bool_] | None = None) -> int:
    """Append a label event by ``model`` for each glitch: its likeliest class, and the probability as confidence.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    prediction : Prediction
    withheld : ndarray of bool, shape (N,), optional
        Glitches that get no label: see `embed.training.abstention.find_far`.

    Returns
    -------
    int
        How many were added: none when the same model made the same predictions before.
    """
    best = top_classes(prediction.probabilities, 1)[:, 0]
    sure = np.round(prediction.probabilities[np.arange(len(best)), best], _DECIMALS)
    added = 0
    with study.transaction():
        for place in np.arange(len(best)) if withheld is None else np.flatnonzero(~withheld):
            glitch, code, confidence = int(prediction.glitches[place]), int(best[place]), float(sure[place])
            label = Label(prediction.classes[code], by=MODEL, source=prediction.source, confidence=confidence)
            added += study.add_label(glitch, label)
    return added
