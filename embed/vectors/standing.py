"""The vectors that a study has already, found without a network: what most commands read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from embed.vectors.given import chosen_given
from embed.vectors.parts import has_parts
from embed.vectors.store import VectorStore, chosen_store, stores
from embed.views.encoding import parse_encoding
from embed.views.selection import wanted

if TYPE_CHECKING:
    from pathlib import Path

    from embed.study.study import Study
    from embed.vectors.options import EmbeddingOptions
    from embed.views.selection import LeftOut


def standing_vectors(study: Study, options: EmbeddingOptions, *, retry: bool = False) -> VectorStore | None:
    """Return the vectors that were made elsewhere, where these are asked for, or those that were made last, where they are whole.

    Parameters
    ----------
    study : Study
    options : EmbeddingOptions
    retry : bool
        Only vectors that were made elsewhere: others are to be looked through again.

    Returns
    -------
    VectorStore or None
        None where a network must be asked.
    """
    given = chosen_given(study, backbone=options.backbone, weights=options.weights, views=options.views)
    if given is not None:
        return VectorStore(given)
    latest = latest_choice(study) if options.asks_for_nothing and not retry else None
    store = finished_store(study, study.folder / "vectors" / latest["store"]) if latest is not None else None
    if latest is None or store is None or has_parts(store.folder):
        return None
    asked = asked_digest(*wanted(study, parse_encoding(latest["views"])))
    return store if store.passport["asked"] == asked else None


def finished_store(study: Study, folder: Path) -> VectorStore | None:
    """Return the study's finished store in this folder; None where there is none."""
    return next((store for store in stores(study.folder) if store.folder == folder), None)


def latest_choice(study: Study) -> dict[str, str] | None:
    """What the latest finished `embed` run used: ``backbone``, ``weights``, ``views``, ``runtime`` and the ``store`` it made."""
    return study.latest_arguments("embed")


def latest_store(study: Study) -> VectorStore | None:
    """Return the finished store that was made last, or the first where it is gone; None where there is none at all."""
    return chosen_store(study.folder, (latest_choice(study) or {}).get("store"))


def asked_digest(glitches: np.ndarray, inputs: np.ndarray, left_out: list[LeftOut]) -> str:
    """Hash of the glitches and their inputs, and of the glitches that are left out."""
    lacking = np.array([item.glitch for item in left_out], np.int64)
    return hashlib.sha256(glitches.tobytes() + inputs.tobytes() + lacking.tobytes()).hexdigest()
