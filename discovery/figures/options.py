"""The formats of figures, without the libraries that draw."""

from __future__ import annotations

from embed.errors import InputError
from embed.spelling import edits

FORMATS = ("png", "svg", "pdf")
"""PNG at 300 dots an inch; SVG and PDF with text as text."""


def read_formats(text: str) -> tuple[str, ...]:
    """Read formats that are separated by commas.

    Returns
    -------
    tuple of str
        In the order of `FORMATS`, each once.

    Raises
    ------
    InputError
        For another format.

    Examples
    --------
    >>> read_formats("pdf,png")
    ('png', 'pdf')
    """
    asked = [part.strip().lower() for part in text.split(",")]
    for name in asked:
        if name not in FORMATS:
            near = next((known for known in FORMATS if edits(name, known) == 1), None)
            meant = f"; did you mean {near!r}? There are" if near else ": give some of"
            raise InputError(f"no figure format {name!r}{meant} {', '.join(FORMATS)}, with commas between")
    return tuple(name for name in FORMATS if name in asked)
