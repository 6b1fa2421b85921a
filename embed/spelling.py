"""Names that are spelled nearly alike: suggestions for a typo, and typos that nobody noticed."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CLOSE = 0.7
"""Least similarity (`difflib`'s ratio) of a name that is suggested."""

SHORT = 4
"""Names of fewer letters and digits are near to each other by chance: only another case or punctuation is a typo."""

LONG = 8
"""Names of at least this many letters and digits may differ by two edits, shorter ones by one."""


def closest(text: str, names: Iterable[str]) -> str | None:
    """Return the name that is spelled most like `text`; None where none is close.

    Examples
    --------
    >>> closest("blip", ["Blip", "Whistle"]), closest("Scratchi", ["Blip", "Scratchy"]), closest("Tomte", ["Blip"])
    ('Blip', 'Scratchy', None)
    """
    known = sorted(names)
    by_fold = {_folded(name): name for name in reversed(known)}
    if (alike := by_fold.get(_folded(text))) is not None:
        return alike
    near = difflib.get_close_matches(text, known, 1, CLOSE)
    if near:
        return near[0]
    folded = difflib.get_close_matches(_folded(text), list(by_fold), 1, CLOSE)
    return by_fold[folded[0]] if folded else None


def is_typo(text: str, name: str) -> bool:
    """Whether `text` is probably `name` with a slip: another case or punctuation, a plural, one or two wrong letters.

    Numbers and single letters tell the members of a series apart (``Type_A``, ``Type_B``): they are no typos.

    Examples
    --------
    >>> is_typo("Sstars", "stars"), is_typo("Blips", "Blip"), is_typo("1080Lines", "1400Lines"), is_typo("Sa", "Sb")
    (True, True, False, False)
    """
    if text == name:
        return False
    one, other = _folded(text), _folded(name)
    if one == other:
        return True
    if (
        re.sub(r"\D", "", one) != re.sub(r"\D", "", other)
        or min(len(one), len(other)) < SHORT
        or _in_series(text, name)
    ):
        return False
    return edits(one, other) <= (2 if min(len(one), len(other)) >= LONG else 1)


def one_slip(text: str, name: str) -> bool:
    """Whether `text` is probably `name` with a single slip: see `is_typo`.

    Examples
    --------
    >>> one_slip("Sstars", "Stars"), one_slip("scattered light", "Scattered_Light"), one_slip("Scaterred_Lights", "Scattered_Light")
    (True, True, False)
    """
    return is_typo(text, name) and edits(_folded(text), _folded(name)) <= 1


def same_word(text: str, name: str) -> bool:
    """Whether `text` is `name` with a single slip that hardly ever makes another word: another case or punctuation, a letter doubled or no longer, two neighbours swapped, a plural.

    Examples
    --------
    >>> same_word("Sstar", "Star"), same_word("Koi_fish", "Koi_Fish"), same_word("Bilp", "Blip"), same_word("Round", "Bound")
    (True, True, True, False)
    """
    if not one_slip(text, name):
        return False
    short, long = sorted((_folded(text), _folded(name)), key=len)
    if len(short) == len(long):
        return sorted(short) == sorted(long)
    doubled = any(a == b and long[:i] + long[i + 1 :] == short for i, (a, b) in enumerate(pairwise(long)))
    return doubled or long == f"{short}s"


def edits(one: str, other: str) -> int:
    """Count the letters to insert, delete, replace or swap with their neighbour to turn one text into the other.

    This is the optimal string alignment distance (Damerau 1964).

    Examples
    --------
    >>> edits("Bilp", "Blip"), edits("Wistle", "Whistle"), edits("Tomte", "Tomtes")
    (1, 1, 1)
    """
    before, row = list[int](), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _folded(text: str) -> str:
    """Letters and digits in lower case."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _in_series(one: str, other: str) -> bool:
    """Whether two names of as many parts differ only in parts of one letter."""
    pairs = list(zip(re.split(r"[\W_]+", one), re.split(r"[\W_]+", other), strict=False))
    same_number = len(re.split(r"[\W_]+", one)) == len(re.split(r"[\W_]+", other))
    return same_number and all(a.casefold() == b.casefold() or max(len(a), len(b)) == 1 for a, b in pairs)
