"""Tables fitted to a terminal: cells are wrapped at spaces, names after ``_``, ``-``, ``/`` or ``,``, and never inside a word if there is room at all."""

import re
from collections.abc import Callable, Sequence

from rich.cells import cell_len, chop_cells

_INSIDE = re.compile(r"(?<=\w[_/])(?=[^\s_/])|(?<=\S-)(?=[^\s-])(?<!\d-(?=\d))(?<!\de-)|(?<=[^\s\d],)(?=\S)")
"""Where a word may be broken: not inside a date, a range of numbers or an exponent."""


def fit_table(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[list[str]]:
    r"""Return the head and the rows with line breaks in them, so that the columns together take no more than the room.

    Columns of sentences give way first, then names are broken at their natural places; words are cut only where the terminal is too narrow for that.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        Their cells.
    room : int
        Characters that all columns together may take.

    Examples
    --------
    >>> fit_table(("label", "what"), [("None_of_the_Above", "where new classes hide")], 29)
    [['label', 'what'], ['None_of_the_Above', 'where new\nclasses hide']]
    >>> fit_table(("label", "what"), [("None_of_the_Above", "where new classes hide")], 22)[1]
    ['None_of_\nthe_Above', 'where new\nclasses\nhide']
    """
    lines = [columns, *rows]
    widths = _widths(lines, room)
    return [[_wrap(cell, width) for cell, width in zip(line, widths, strict=True)] for line in lines]


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int]:
    cells = list(zip(*lines, strict=True))
    natural = [_widest(column, str.splitlines) for column in cells]
    if sum(natural) <= room:
        return natural
    for least in (
        [_widest(column, str.split) for column in cells],
        [
            _widest(column, lambda cell: [piece for word in cell.split() for piece in _INSIDE.split(word)])
            for column in cells
        ],
        [1] * len(cells),
    ):
        for level in range(max(natural), 0, -1):  # the widest columns give way first
            widths = [max(low, min(whole, level)) for low, whole in zip(least, natural, strict=True)]
            if sum(widths) <= room:
                return widths
    return widths


def _widest(column: Sequence[str], pieces: Callable[[str], Sequence[str]]) -> int:
    return max((cell_len(piece) for cell in column for piece in pieces(cell)), default=1) or 1


def _wrap(cell: str, width: int) -> str:
    """Break a cell's lines at spaces; words that are too long at their natural places; what is still too long anywhere."""
    return "\n".join(line for whole in cell.splitlines() or [""] for line in _lines(whole, width))


def _lines(text: str, width: int) -> list[str]:
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        room = width - cell_len(lines[-1]) - 1
        if lines[-1] and cell_len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines += _broken(word, width)
    return lines[1:]


def _broken(word: str, width: int) -> list[str]:
    lines = [""]
    for piece in _INSIDE.split(word) if cell_len(word) > width else [word]:
        if cell_len(lines[-1]) + cell_len(piece) <= width:
            lines[-1] += piece
        else:
            lines += chop_cells(piece, width)
    return [line for line in lines if line]
