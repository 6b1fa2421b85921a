"""Where the given labels of glitches come from, and which glitches have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.study.reading import row_list
from embed.study.records import MODEL

if TYPE_CHECKING:
    from embed.study.study import Study
    from embed.types import Rows


def label_origins(study: Study, glitches: Rows) -> list[tuple[str, str, str, int]]:
    """Count the label events that apply to some glitches: the latest of each that a person or a file gave.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64
        Row numbers.

    Returns
    -------
    list of (label, by, source, glitches)
        The most frequent first.
    """
    return study.connection.execute(
        """
        SELECT l.label, l.by, l.source, count(*) FROM json_each(?) g JOIN labels l
        ON l.event = (SELECT max(event) FROM labels WHERE glitch = g.value AND by != ?)
        GROUP BY l.label, l.by, l.source ORDER BY count(*) DESC, l.label, l.by, l.source
        """,
        (row_list(glitches), MODEL),
    ).fetchall()


def unpredicted(study: Study, source: str) -> Rows:
    """Return the glitches that are shown and have neither a given label nor one by this model.

    Parameters
    ----------
    study : Study
    source : str
        Of the model's label events; see `embed.training.prediction.model_source`.

    Returns
    -------
    ndarray of int64, shape (N,)
        Row numbers, ascending.
    """
    query = f"""
        SELECT g.glitch FROM glitches g WHERE {study.shown} AND NOT EXISTS
        (SELECT 1 FROM labels WHERE glitch = g.glitch AND (by != ? OR source = ?)) ORDER BY g.glitch
        """  # noqa: S608 - a condition of ours
    return np.array([row for (row,) in study.connection.execute(query, (MODEL, source))], np.int64)
