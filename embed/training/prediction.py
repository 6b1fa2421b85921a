"""A trained model's predictions on a study's glitches: probabilities, and label events by ``model``.

Predicting is embedding with the model's network, whose vectors the study keeps, and one matrix product: predicting again costs nothing,
and a killed run resumes.
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
from embed.vectors.embedding import embed
from embed.vectors.options import EmbeddingOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from embed.network.model import Model
    from embed.study.study import Study
    from embed.vectors.store import VectorStore
    from embed.views.selection import LeftOut

_DECIMALS = 6
"""Of a stored confidence: fewer than the last digits in which a matrix product depends on how many rows it has."""


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
    store : VectorStore
        The model's vectors.
    """

    source: str
    classes: tuple[str, ...]
    glitches: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]
    store: VectorStore

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
    options: EmbeddingOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Prediction:
    """Run a model on glitches.

    Parameters
    ----------
    study : Study
        Written to: the model's vectors of all its glitches are kept. They do not become the vectors that other commands take by default.
    model : Model
        One of the study's.
    glitches : ndarray of int64, shape (N,)
        Row numbers.
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
    store = embed(study, own, command="predict", progress=progress)
    wanted = np.sort(np.asarray(glitches, np.int64))
    rows = store.rows(wanted)
    if not (rows >= 0).any():
        raise InputError(
            f"none of the {len(wanted)} glitches has the views {model.encoding} that model {model.name!r} reads; ingest them, or use a model of other views"
        )
    lacking = set(wanted[rows < 0].tolist())
    found = wanted[rows >= 0]
    logits = model.logits(np.asarray(store.vectors[rows[rows >= 0]]))
    return Prediction(
        model_source(model),
        model.classes,
        found,
        softmax(logits),
        tuple(item for item in store.left_out if item.glitch in lacking),
        store,
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
