"""Rare classes of a training set, filled with generated glitches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.made import Made
from embed.dataset.splits import TRAIN
from embed.errors import InputError
from embed.generator.folder import made_id, maker_of
from embed.generator.learned import read_learned
from embed.generator.model import load_generator
from embed.generator.options import DURATIONS, SIMULATOR
from embed.generator.place import generator_folder, generator_names
from embed.generator.source import resized

if TYPE_CHECKING:
    from embed.dataset.dataset import TrainingSet
    from embed.generator.source import Source
    from embed.study.study import Study
    from embed.views.encoding import Encoding


def fill(
    training_set: TrainingSet, source: Source, encoding: Encoding, side: int, *, count: int | None = None, seed: int = 0
) -> Made:
    """Generate glitches for the classes of a training set.

    Parameters
    ----------
    training_set : TrainingSet
    source : Source
        Classes that it lacks stay as they are.
    encoding : Encoding
        Of 1, 2 or 4 s.
    side : int
        Of the views, pixels.
    count : int, optional
        Of each class; by default as many as it lacks to the largest class of the training part.
    seed : int

    Raises
    ------
    InputError
        When the views are others, or the generator makes none of the classes.
    """
    if encoding.name not in ("single", "rgb") or not set(encoding.durations) <= set(DURATIONS):
        raise InputError(f"--generator makes views of 1, 2 and 4 s, not {encoding}; give --views 1.0,2.0,4.0")
    own = [name for name in training_set.classes if name in source.classes]
    if not own:
        raise InputError(
            f"the generator {source.name!r} makes none of {', '.join(training_set.classes)}; it makes {', '.join(source.classes)}"
        )
    sizes = np.bincount(training_set.targets[training_set.split.rows(TRAIN)], minlength=len(training_set.classes))
    views = [DURATIONS.index(duration) for duration in encoding.durations]
    levels, labels, ids = [np.empty((0, len(views), side, side), np.uint8)], [], []
    for name in own:
        lacking = int(sizes.max() - sizes[training_set.classes.index(name)]) if count is None else count
        if lacking:
            levels.append(resized(source.sample(name, lacking, seed)[:, views], side))
            labels += [name] * lacking
            ids += [made_id(source.passport, name, seed, number) for number in range(lacking)]
    learned = read_learned(source)
    return Made(
        np.concatenate(levels),
        tuple(labels),
        tuple(ids),
        learned.ids or frozenset(),
        f"generator {source.name}",
        learned.caution(source.name),
    )


def made_before(study: Study) -> Made:
    """What the generators learned from whose glitches a study holds already; no glitch is made.

    Parameters
    ----------
    study : Study
        Opened with its generated glitches.

    Returns
    -------
    Made
        Without glitches. Its caution names generators that the study does not have, or has with other weights.

    Raises
    ------
    StudyError
        When a generator is damaged.
    """
    seen: frozenset[str] = frozenset()
    unknown = set()
    known = generator_names(study.folder)
    for model, passport in _makers(study):
        if model == SIMULATOR:
            continue
        source = load_generator(generator_folder(study.folder, model)) if model in known else None
        learned = None if source is None or source.passport[:12] != passport else read_learned(source).ids
        if learned is None:
            unknown.add(model or "without a name")
        seen |= learned or frozenset()
    caution = (
        f"the study holds generated glitches, and what their generators learned from is not known ({', '.join(sorted(unknown))}): the model may be "
        "tested on glitches whose likenesses it was trained on, and the figures may flatter; leave --generated out to be sure"
        if unknown
        else ""
    )
    return Made(
        np.empty((0, 0, 0, 0), np.uint8), (), (), seen, "what made the generated glitches of the study", caution
    )


def _makers(study: Study) -> list[tuple[str, str]]:
    """What made a study's generated glitches; see `embed.generator.folder.maker_of`."""
    table = study.metadata().reindex(index=list(study.generated_ids()), columns=["generated"]).astype(object)
    return sorted({maker_of(str(why)) for why in table["generated"]})
