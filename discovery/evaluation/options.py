"""The options of an evaluation, with choices and defaults; this module imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Part = Literal["test", "validation", "all"]
PARTS: tuple[Part, ...] = get_args(Part)
"""Parts of a model's split that can be judged; ``all`` is every labelled glitch."""

LISTED_CLASSES = 5
"""Classes that a prediction lists for each glitch, the likeliest first."""


@dataclass(frozen=True)
class EvaluationOptions:
    """What is judged, and how.

    Attributes
    ----------
    part : {"test", "validation", "all"}
        Glitches in this part of every model's own split; ``all`` is every labelled glitch, training ones too.
    ensemble : bool
        Judge the mean of the models' probabilities too.
    temperature : bool
        Fit each model's temperature on its validation part.
    seed : int
        Of the bootstrap.
    """

    part: Part = "test"
    ensemble: bool = False
    temperature: bool = False
    seed: int = 0
