"""The glitches nearest to a given one."""

import numpy as np
import pandas as pd

from discovery.candidates.options import NEAREST
from discovery.pages.views import longest_views
from embed.errors import InputError
from embed.study.study import Study
from embed.types import Progress, Rows, Similarities
from embed.vectors.similarity import normalise, top_k
from embed.vectors.store import VectorStore

COLUMNS = ("rank", "id", "ifo", "gps", "label", "predicted", "distance", "similarity", "image")


BLOCK = 4096
"""Vectors that are compared together."""


def nearest(
    study: Study,
    store: VectorStore,
    identifier: str,
    k: int = NEAREST,
    *,
    progress: Progress = lambda *_: None,
) -> pd.DataFrame:
    """List the `k` glitches nearest to a given one, without that one.

    Parameters
    ----------
    study : Study
        The study.
    store : VectorStore
        Its vectors.
    identifier : str
        The glitch's id, with the detector (``H1_uQiUCgOWOJ``) or without.
    k : int
        How many; fewer where the store holds fewer.
    progress : callable, optional
        Receives how many vectors are compared, of how many, where the graph does not hold enough neighbours.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; ``distance`` is the Euclidean distance of the unit vectors, ``similarity`` their cosine, ``image`` the
        path of the longest view.

    Raises
    ------
    InputError
        When the study has no such glitch, or no vector of it.
    """
    glitch = study.known_glitch(identifier)
    (row,) = store.rows(np.array([glitch]))
    if row < 0:
        reason = next(
            (item.reason for item in store.left_out if item.glitch == glitch),
            "it was added later; run `discover embed`",
        )
        raise InputError(f"glitch {identifier!r} has no vector: {reason}")
    rows, similarities = _nearest(store, row, k, progress)
    glitches = store.glitches[rows]
    table = study.glitches(glitches).loc[glitches].reset_index(drop=True)
    return table.assign(
        rank=np.arange(1, len(rows) + 1),
        distance=np.sqrt(np.maximum(2 - 2 * similarities, 0)),
        similarity=similarities,
        image=longest_views(glitches, study.views(glitches)),
    )[list(COLUMNS)]


def _nearest(store: VectorStore, row: int, k: int, progress: Progress) -> tuple[Rows, Similarities]:
    """Return the nearest other rows: from the graph where it holds enough, which is a small part of the vectors, else by comparing with all."""
    if k <= int(store.passport["k"]):
        rows, similarities = store.neighbours(row)
        return rows[:k], similarities[:k]
    vectors, count = store.vectors, len(store.vectors)
    query = normalise(np.asarray(vectors[row : row + 1]))
    rows, similarities = np.empty(0, np.int64), np.empty(0, np.float32)
    progress(0, count)
    for start in range(0, count, BLOCK):
        unit = normalise(np.asarray(vectors[start : start + BLOCK]))
        near, alike = top_k(query, unit, min(k + 1, len(unit)))
        rows, similarities = np.concatenate([rows, start + near[0]]), np.concatenate([similarities, alike[0]])
        best = np.lexsort((rows, -similarities))[: k + 1]
        rows, similarities = rows[best], similarities[best]
        progress(min(start + BLOCK, count), count)
    others = rows != row
    return rows[others][:k], similarities[others][:k]
