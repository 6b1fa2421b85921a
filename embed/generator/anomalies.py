"""Labels that the critic of a trained generator finds improbable: a second opinion, from pictures alone, beside an audit's.

As Yan, Leung and Hui 2022, "Improving performance of spectrogram classification with GANs", MNRAS 515, 4606, look for label anomalies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from embed.errors import InputError, StudyError
from embed.generator.critics import build_critic
from embed.generator.networks import Architecture
from embed.generator.options import GROUP, OWN
from embed.generator.pictures import scaled
from embed.generator.place import CRITIC

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from embed.generator.examples import Examples
    from embed.generator.model import GeneratorModel
    from embed.generator.networks import Critic
    from embed.generator.pretrained import PretrainedCritic
    from embed.types import Flags, Floats, Progress, Rows

_BATCH = 64
"""Pictures scored at once, always: rounding depends on it."""


@dataclass(frozen=True)
class Anomalies:
    """What a critic says of N labels.

    Attributes
    ----------
    order : ndarray of int64, shape (N,)
        Rows of the examples, the most improbable label first.
    margin : ndarray of float64, shape (N,)
        By row of the examples: score of the label less that of the best other class; below 0 another class fits better.
    suggested : ndarray of str, shape (N,)
        The best other class.
    learned : ndarray of bool, shape (N,)
        Whether the critic learned from the glitch, with this label or an earlier one: it then finds it less improbable.
    """

    order: Rows
    margin: Floats
    suggested: NDArray[np.str_]
    learned: Flags


def find_anomalies(
    model: GeneratorModel, examples: Examples, device: torch.device, progress: Progress | None = None
) -> Anomalies:
    """Score all labels by the critic of a generator.

    Parameters
    ----------
    model : GeneratorModel
    examples : Examples
        Real glitches at the generator's resolution, of classes that it makes.
    device : torch.device
    progress : callable, optional
        Called with (glitches scored, glitches in all).

    Raises
    ------
    InputError
        When the generator makes one class only, or was kept without its critic.
    StudyError
        When the critic is damaged.
    """
    classes = np.array(model.classes)
    if len(classes) < 2:
        raise InputError(
            f"the generator {model.name!r} makes one class alone: no label of it is less probable than another"
        )
    critic = load_critic(model, device)
    codes = np.searchsorted(classes, examples.labels).astype(np.int64)
    scores = _scores(critic, examples, codes, device, progress)
    rows = np.arange(len(codes))
    own = scores[rows, codes]
    scores[rows, codes] = -np.inf
    best = scores.argmax(axis=1)
    margin = own - scores[rows, best]
    order = np.lexsort((rows, margin)).astype(np.int64)
    return Anomalies(order, margin, classes[best], examples.learned.among(examples.ids))


def _scores(
    critic: Critic | PretrainedCritic,
    examples: Examples,
    codes: NDArray[np.int64],
    device: torch.device,
    progress: Progress | None,
) -> Floats:
    """Score of each class for each glitch, float64 (N, K); glitches of one label are in groups, as they were in the training."""
    scores = np.empty((len(codes), critic.architecture.classes))
    parts = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    placed = np.concatenate([np.resize(own, -(-len(own) // GROUP) * GROUP) for own in parts])
    for start in range(0, len(placed), _BATCH):
        rows = placed[start : start + _BATCH]
        pictures = scaled(torch.from_numpy(examples.levels[rows]).to(device))
        with torch.inference_mode():
            scores[rows] = critic.class_scores(pictures).double().cpu().numpy()
        if progress is not None:
            progress(min(start + _BATCH, len(codes)), len(codes))
    return scores


def load_critic(model: GeneratorModel, device: torch.device) -> Critic | PretrainedCritic:
    """Read the critic that a generator learned from.

    Raises
    ------
    InputError
        When the generator, of an earlier version, was kept without it.
    StudyError
        When it is damaged.
    """
    path = model.folder / CRITIC
    if not path.exists():
        raise InputError(
            f"the generator {model.name!r} was kept without its critic ({CRITIC}); train it again with `discover generator train --name {model.name} --replace`"
        )
    architecture = Architecture(**model.card["architecture"])
    critic = build_critic(model.card.get("critic", OWN), architecture, 0, device)
    try:
        critic.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (SafetensorError, OSError, RuntimeError) as error:
        raise StudyError(f"{path} is damaged ({str(error)[:200]}); train the generator again with --replace") from error
    return critic.to(memory_format=torch.channels_last).eval()
