"""Options of a training and their defaults; nothing heavy is imported, so that a command line can read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embed.dataset.kinds import Kind

FEWEST_EXAMPLES, MOST_EXAMPLES = 5, 20
"""Of a class that is added to a model: below 5 a recall cannot be measured at all, and with more than 20 a new model is better."""

WITHHELD = 0.01
"""Share of known glitches that prediction may wrongly call none of the classes."""


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training.

    Attributes
    ----------
    name : str
        Of the model.
    backbone, weights : str or None
        Where it starts; see `embed.network.network.load_network`. ``model:NAME`` starts from a model of the study. By default those
        of `discover embed`; the papers' presets start from ImageNet's.
    views : str or None
        See `embed.views.encoding.parse_encoding`; by default the starting model's, the preset's, or the richest that every glitch has.
    preset : str
        See `embed.training.recipe.PRESETS`.
    split : str or None
        random, grouped, time or sample-type; by default sample-type where every labelled glitch has one, else grouped.
    labels : tuple of str
        Only these classes; by default all.
    seed : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    resume, replace : bool
        Resume a training that was stopped; or replace it, or a model of the name.
    cache : bool
        Keep decoded views on disk.
    """

    name: str = "finetuned"
    backbone: str | None = None
    weights: str | None = None
    views: str | None = None
    preset: str = "default"
    split: Kind | None = None
    labels: tuple[str, ...] = ()
    seed: int = 0
    device: str = "auto"
    resume: bool = False
    replace: bool = False
    cache: bool = True
