"""What recursive training added: some pictures of each class, from the most to the least confident."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from discovery.pages.pictures import load_thumbnails
from discovery.pages.thumbnails import chosen_view, view_uri
from embed.digits import portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from embed.study.study import Study
    from embed.training.rounds import Round
    from embed.training.selftraining import Recursion

SHOWN = 6
"""Pictures of a class."""
MOST_CLASSES = 30
"""Classes shown, those to which most was added: all of Gravity Spy's; 180 pictures are 2 MB."""


@dataclass(frozen=True)
class Addition:
    """One glitch that was added; the picture is missing where its file can no longer be read."""

    id: str
    probability: str
    picture: Markup | None


@dataclass(frozen=True)
class AddedClass:
    """A class, how many glitches were added to it, and some of them."""

    name: str
    count: int
    shown: list[Addition]


@dataclass(frozen=True)
class Additions:
    """What one round added.

    Attributes
    ----------
    model : str
        That learnt from it.
    count : int
        Glitches added.
    classes : list of AddedClass
        The largest first.
    left : int
        Smaller classes that are not shown.
    plain : bool
        Whether these are plain pictures.
    seconds : float
        Duration of the views shown.
    """

    model: str
    count: int
    classes: list[AddedClass]
    left: int
    plain: bool
    seconds: float


def best_addition(rounds: Sequence[Round]) -> int:
    """Return the place of the most accurate round that added something, of equals the first."""
    return max((place for place, item in enumerate(rounds) if item.added), key=lambda place: rounds[place].accuracy)


def load_additions(study: Study, result: Recursion) -> Additions:
    """Read the pictures of what the best round added.

    Parameters
    ----------
    study : Study
    result : Recursion
    """
    place = best_addition(result.rounds)
    labels, sure = result.labels[place], result.confidence[place]
    counts = sorted(Counter(labels.values()).items(), key=lambda item: (-item[1], item[0]))
    shown = {name: _spread([row for row in labels if labels[row] == name], sure) for name, _ in counts[:MOST_CLASSES]}
    rows = np.sort(np.array([row for own in shown.values() for row in own], np.int64))
    passport = SimpleNamespace(passport={"views": str(result.models[place].encoding)})
    thumbnails = load_thumbnails(study, passport, rows, study.views(rows))
    view = chosen_view(thumbnails, None)
    ids = study.ids()

    def addition(row: int) -> Addition:
        return Addition(ids[row], portion(sure[row]), view_uri(thumbnails, int(np.searchsorted(rows, row)), view))

    classes = [AddedClass(name, count, [addition(row) for row in shown[name]]) for name, count in counts[:MOST_CLASSES]]
    left = max(0, len(counts) - MOST_CLASSES)
    seconds = thumbnails.durations[view]
    return Additions(result.models[place].name, len(labels), classes, left, thumbnails.plain, seconds)


def _spread(rows: list[int], sure: dict[int, float]) -> list[int]:
    """Choose rows evenly from the most to the least confident, both among them."""
    ordered = sorted(rows, key=lambda row: (-sure[row], row))
    places = np.linspace(0, len(ordered) - 1, min(SHOWN, len(ordered))).round().astype(int)
    return [ordered[place] for place in places]
