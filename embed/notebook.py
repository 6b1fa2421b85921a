"""Results as notebooks show them: a title, a few facts, a short table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROWS = 20
"""Rows of a table that are shown; the others are counted."""


def html_summary(
    title: str, facts: Mapping[str, object], columns: Sequence[str] = (), rows: Iterable[Sequence[object]] = ()
) -> str:
    """Write a result as HTML for ``_repr_html_``; every text is escaped.

    Parameters
    ----------
    title : str
    facts : mapping of str to object
        Terms and values.
    columns : sequence of str
        Names of the table's columns.
    rows : iterable of sequences
        The table's rows; the first `ROWS` are shown.

    Examples
    --------
    >>> html_summary("Clusters", {"clusters": 2})
    '<div><b>Clusters</b><br>clusters: 2</div>'
    """
    lines = "".join(f"<br>{escape(term)}: {escape(value)}" for term, value in facts.items())
    listed = list(rows)
    table = ""
    if listed:
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in listed[:ROWS])
        more = f"<br>and {len(listed) - ROWS:,} more" if len(listed) > ROWS else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
    return f"<div><b>{escape(title)}</b>{lines}{table}</div>"
