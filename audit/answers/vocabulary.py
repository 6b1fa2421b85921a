"""The words of an answer: a class name, or a word for right, wrong or unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.gravityspy import CLASS_LISTS, class_name
from embed.spelling import closest

if TYPE_CHECKING:
    from collections.abc import Iterable

RIGHT, WRONG, UNSURE = "right", "wrong", "unsure"
_WORDS = {
    RIGHT: ("keep", "right", "correct", "yes", "y", "ok"),
    WRONG: ("wrong", "incorrect", "no", "n"),
    UNSURE: ("unsure", "not sure", "skip", "unknown", "don't know", "?"),
}
_MEANING = {word: outcome for outcome, words in _WORDS.items() for word in words}
SUGGESTED = "suggested"


@dataclass(frozen=True)
class Answer:
    """One answer to the question whether a label is right.

    Attributes
    ----------
    outcome : str
        `RIGHT`, `WRONG` or `UNSURE`.
    label : str
        The right label; empty where the answer names none.
    """

    outcome: str
    label: str


class Vocabulary:
    """Reads answers.

    Parameters
    ----------
    labels : iterable of str
        The study's labels; Gravity Spy's classes are always known.
    new : iterable of str
        Names of further classes.
    """

    def __init__(self, labels: Iterable[str], new: Iterable[str] = ()) -> None:
        self.labels = {*labels, *new}
        self.classes = self.labels | set(CLASS_LISTS["O4"])

    def find_class(self, text: str) -> str | None:
        """Return the class that a text names, in the study's spelling; None where it names none."""
        if text in self.labels:
            return text
        folded = [name for name in sorted(self.labels) if name.casefold() == text.casefold()]
        if len(folded) == 1:
            return folded[0]
        name = class_name(text)
        own = [label for label in sorted(self.labels) if class_name(label) == name]
        return own[0] if len(own) == 1 else name if name in self.classes else None

    def read(self, text: str, asked: str, suggested: str, where: str) -> Answer:
        """Read one answer.

        Parameters
        ----------
        text : str
        asked : str
            The label in question.
        suggested : str
            The label that ``suggested`` means; empty where that word is no answer.
        where : str
            File and line, for the message.

        Raises
        ------
        InputError
            When it is neither a known class nor a known word.
        """
        given = text.strip()
        label = self.find_class(given)
        if label is None and suggested and given.casefold() == SUGGESTED:
            label = suggested
        if label is not None:
            return Answer(RIGHT if label == asked else WRONG, label)
        outcome = _MEANING.get(given.casefold().rstrip(".!"))
        if outcome is None:
            raise InputError(f"{where}: {given[:60]!r} is no answer: {self._remedy(given)}")
        return Answer(outcome, asked if outcome == RIGHT else "")

    def _remedy(self, text: str) -> str:
        near = closest(text, self.classes)
        hint = f"did you mean {near!r}? Otherwise " if near else ""
        return f"{hint}write a class name, keep, suggested, wrong or unsure, and name a new class with --new-class"
