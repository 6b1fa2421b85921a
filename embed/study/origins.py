"""Where the given labels of glitches come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
