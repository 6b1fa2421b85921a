"""The glitches nearest to one."""

import numpy as np
import pandas as pd

from discovery.pages.pictures import longest_views
from embed.errors import InputError
from embed.study.study import Study
from embed.vectors.graph import search
from embed.vectors.store import VectorStore

COLUMNS = ("rank", "id", "ifo", "gps", "label", "predicted", "distance", "similarity", "image")


def nearest(study: Study, store: VectorStore, identifier: str, k: int = 10) -> pd.DataFrame:
    """List the `k` glitches nearest to one, itself left out.

    Parameters
    ----------
    study : Study
        The study.
    store : VectorStore
        Its vectors.
    identifier : str
        The glitch's id, with the detector (``H1_uQiUCgOWOJ``) or without.
    k : int
        How many; all others where there are fewer.

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
            (item.reason for item in store.left_out if item.glitch == glitch), "it came in later; run `discover embed`"
        )
        raise InputError(f"glitch {identifier!r} has no vector: {reason}")
    rows, similarities = search(store.index, store.index.vectors[row : row + 1], k + 1)
    others = rows[0] != row
    rows, similarities = rows[0][others][:k], similarities[0][others][:k]
    frame = study.glitches().loc[store.glitches[rows]]
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "id": frame["id"].to_numpy(),
            "ifo": frame["ifo"].to_numpy(),
            "gps": frame["gps"].to_numpy(),
            "label": frame["label"].to_numpy(),
            "predicted": frame["predicted"].to_numpy(),
            "distance": np.sqrt(np.maximum(2 - 2 * similarities, 0)),
            "similarity": similarities,
            "image": longest_views(study, store.glitches[rows]),
        },
        columns=list(COLUMNS),
    )
