"""Colours and marker symbols that do not depend on seeing colour: one `Mark` a class, grey reserved for noise.

The first eight colours are those of Okabe and Ito, "Color Universal Design" (2008). Four more come from Paul Tol's
schemes (SRON/EPS/TN/09-002, issue 3.2): "muted" on a light ground, "light", "muted" and "bright" on a dark one, picked greedily so that the
smallest CIELAB distance to the colours before them, for normal and for protan, deutan and tritan sight (Machado,
Oliveira and Fernandes 2009, severity 1), is as large as it can be. Any two of the twelve, and the grey of noise, stay at least
`MIN_LAB_DISTANCE` apart in all four. Past eight classes nobody reads a legend by colour alone, so each class also has
a marker symbol; colours and symbols repeat together, the symbols shifted by one at each repeat of the colours, so the first
72 classes have 72 different marks.
"""

from __future__ import annotations

from dataclasses import dataclass

from embed.errors import InputError

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000")
"""Okabe and Ito's colours; yellow and black, which can vanish on a light or dark ground, come last."""
LIGHT_GROUND = (*OKABE_ITO, "#332288", "#882255", "#117733", "#999933")
DARK_GROUND = (*OKABE_ITO[:7], "#FFFFFF", "#FFAABB", "#99DDFF", "#999933", "#EE6677")
"""On a dark ground white replaces black, and light colours replace the dark additional ones."""
NOISE_LIGHT, NOISE_DARK = "#B0B0B0", "#5C6066"

SYMBOLS = ("circle", "diamond", "square", "cross", "diamond-open", "square-open")
"""Names shared by plotly's scatter3d and scatter. Plotly's ``x`` is left out: scatter3d draws symbols as letters of a font,
and that one is an emoji which many fonts lack."""
NOISE_SYMBOL = "circle-open"
"""Only noise has it."""

MIN_LAB_DISTANCE = 10.0
"""In CIELAB (1976) units; about 2.3 is a just noticeable difference."""
MAX_MARKS = len(LIGHT_GROUND) * len(SYMBOLS)
"""How many classes have different marks."""


@dataclass(frozen=True)
class Mark:
    """How one class is drawn: a colour for each ground (``#RRGGBB``) and a plotly marker symbol."""

    light: str
    dark: str
    symbol: str


NOISE_MARK = Mark(NOISE_LIGHT, NOISE_DARK, NOISE_SYMBOL)


def class_marks(count: int) -> tuple[Mark, ...]:
    """Return the first `count` marks, all different.

    Parameters
    ----------
    count : int
        Number of classes, noise not among them; 0 to `MAX_MARKS`.

    Returns
    -------
    tuple of Mark
        Mark ``i`` is the same for every ``count``.

    Raises
    ------
    InputError
        If there are more classes than different marks.
    """
    if not 0 <= count <= MAX_MARKS:
        raise InputError(f"{count} classes cannot have different marks: there are {MAX_MARKS}; merge some classes")
    colours = len(LIGHT_GROUND)
    return tuple(
        Mark(LIGHT_GROUND[i % colours], DARK_GROUND[i % colours], SYMBOLS[(i + i // colours) % len(SYMBOLS)])
        for i in range(count)
    )
