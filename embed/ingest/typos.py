"""Labels that an ingest added and that are probably another label with a typo: reported, never refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from embed.digits import counted
from embed.gravityspy import CLASS_LISTS
from embed.spelling import is_typo, one_slip, same_word

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MANY_MORE = 5
"""A label of the study is taken for the right spelling when it has this many times the glitches of the new one."""
RARE = 10
"""A new label with at most so many glitches may be one slip away from any label that has more."""
EVENLY = 3
"""Two labels of which none has this many times the glitches of the other are used evenly: two words, as Round and Bound are, unless the slip hardly ever makes another word."""


def typos(before: Collection[str], counts: Mapping[str, int]) -> list[str]:
    """Describe the new labels that are spelled nearly like a Gravity Spy class or a label with more glitches.

    Parameters
    ----------
    before : collection of str
        The study's labels before.
    counts : mapping of str to int
        Label -> glitches that have it now.

    Returns
    -------
    list of str
        One sentence a label, alphabetical. A Gravity Spy class is never one of them.
    """
    classes = set(CLASS_LISTS["O4"])
    new = sorted(counts.keys() - {"", *before} - classes)
    numbers = [label for label in new if re.fullmatch(r"-?\d+", label)]
    found = []
    if numbers:
        found.append(
            f"the new {'label is a number' if len(numbers) == 1 else 'labels are numbers'}: {', '.join(numbers[:10])}"
            f"{', ...' if len(numbers) > 10 else ''}; `discover name CLUSTER NAME` gives the glitches of a cluster a name"
        )
    for label in (label for label in new if label not in numbers):
        larger = [name for name in counts if _may_be(label, name, before, counts)]
        near = next((name for name in sorted(classes) if is_typo(label, name)), None) or max(
            larger, key=counts.__getitem__, default=None
        )
        if near is None:
            continue
        is_class = "a Gravity Spy class, " if near in classes else ""
        found.append(
            f"the new label {label!r} ({counted(counts[label], 'glitch', 'glitches')}) is spelled nearly like {near!r} "
            f"({is_class}{counted(counts.get(near, 0), 'glitch', 'glitches')}); if it is a typo, correct it and ingest again"
        )
    return found


def _may_be(label: str, name: str, before: Collection[str], counts: Mapping[str, int]) -> bool:
    """Whether a new label is taken for a misspelling of another: one with many more glitches, or a rare one a slip away from one with more, of as many the older; where both are used evenly, only by a slip that hardly ever makes another word."""
    if counts[name] >= MANY_MORE * counts[label]:
        return is_typo(label, name)
    more = (counts[name], name in before, label) > (counts[label], False, name)
    slip = one_slip if counts[name] >= EVENLY * counts[label] else same_word
    return more and counts[label] <= RARE and slip(label, name)
