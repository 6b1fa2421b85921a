"""How good a generator is, class by class, against real glitches that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.dataset.splits import TRAIN
from embed.digits import counted
from embed.errors import InputError
from embed.generator.fidelity import copies, frechet_distance, kernel_distance, precision_recall, two_sample_accuracy
from embed.generator.source import resized
from embed.metrics.accuracy import class_scores, confusion_matrix, macro
from embed.metrics.baseline import DEFAULT_STRENGTH, fit_baseline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embed.generator.examples import Examples
    from embed.generator.source import Source
    from embed.metrics.baseline import Baseline
    from embed.types import Codes, Flags, Floats, Pixels, Progress, Rows

BLOCK = 200
"""Real glitches that are embedded between two reports of progress."""
LEAST = 5
"""Held-out glitches of a class below which its distances are not measured."""


@dataclass(frozen=True)
class ClassFidelity:
    """Figures of one class; NaN where there are too few glitches to measure them.

    Attributes
    ----------
    label : str
    generated : int
        Glitches made for this.
    learned : int or None
        Real glitches of the class as labelled now that the generator learned from; None where it is not known.
    held_out : int
        Real glitches that it did not learn from; where that is not known, those that a split drawn anew holds out.
    compared : int
        Rows of each sample in FID and KID.
    fid, fid_floor, fid_ceiling : float
        From held-out glitches to generated ones; to real ones of the training part; to such ones of the nearest other class.
    kid, kid_floor, kid_ceiling : float
        The same by the unbiased kernel distance.
    nearest_class : str
        The class of the ceiling.
    precision, recall : float
        See `embed.generator.fidelity.precision_recall`; of held-out glitches.
    copied : float
        Share of generated glitches nearer to one learned from than these are to each other; NaN where it learned from none, or from
        which is not known.
    told_apart : float
        Accuracy of a classifier of real against generated; 0.5 is by chance.
    given_class, real_given_class : float
        Share of generated, and of held-out real, glitches that a classifier of real ones gives this class.
    found_by_generated : float
        Share of held-out glitches that a classifier of generated ones gives this class.
    """

    label: str
    generated: int
    learned: int | None
    held_out: int
    compared: int
    fid: float
    fid_floor: float
    fid_ceiling: float
    kid: float
    kid_floor: float
    kid_ceiling: float
    nearest_class: str
    precision: float
    recall: float
    copied: float
    told_apart: float
    given_class: float
    real_given_class: float
    found_by_generated: float

    def row(self) -> dict[str, Any]:
        """Column -> value."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True)
class Judgement:
    """A generator, judged.

    Attributes
    ----------
    classes : tuple of ClassFidelity
    made : dict of str to ndarray of uint8, shape (N, 3, R, R)
        What was generated of each class.
    copied : dict of str to ndarray of bool, shape (N,)
        Which of it is a copy.
    summary : dict of str to float
        Accuracy and macro-F1 on held-out real glitches of a classifier of real ones, of one of as many generated ones, and the
        accuracy of the former on generated ones.
    cautions : tuple of str
        What a reader must know first.
    """

    classes: tuple[ClassFidelity, ...]
    made: Mapping[str, Pixels]
    copied: Mapping[str, np.ndarray]
    summary: Mapping[str, float]
    cautions: tuple[str, ...] = ()


def judge(
    source: Source,
    examples: Examples,
    features: Callable[[Pixels], Floats],
    *,
    count: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Judgement:
    """Judge a generator.

    Parameters
    ----------
    source : Source
    examples : Examples
        Real glitches; generated ones are compared with them at their resolution. Classes that the source lacks, or of which the training
        part has nothing any more, are left out.
    features : callable
        See `embed.generator.features.make_features`.
    count : int
        Glitches to generate of each class.
    seed : int
    progress : callable, optional
        Called with (glitches embedded, glitches in all), generated and real.

    Raises
    ------
    InputError
        When the source makes none of the classes, there is one class only, or nothing is held out.
    """
    there = set(examples.labels[examples.part == TRAIN].tolist())
    names = [name for name in examples.classes if name in source.classes and name in there]
    held = examples.held_out()
    if len(names) < 2 or not np.isin(examples.labels[held], names).any():
        raise InputError(
            f"{source.name} and the study share {counted(len(names), 'class', 'classes')} with {counted(len(held), 'held-out glitch', 'held-out glitches')}: to judge a generator two classes and held-out glitches of them are needed"
        )
    side = examples.levels.shape[-1]
    made: dict[str, Pixels] = {}
    vectors: dict[str, Floats] = {}
    whole = count * len(names) + len(examples.levels)
    for place, name in enumerate(names, 1):
        made[name] = resized(source.sample(name, count, seed), side)
        vectors[name] = features(made[name])
        if progress is not None:
            progress(place * count, whole)
    blocks = []
    for start in range(0, len(examples.levels), BLOCK):
        blocks.append(features(examples.levels[start : start + BLOCK]))
        if progress is not None:
            progress(whole - max(0, len(examples.levels) - start - BLOCK), whole)
    real = np.concatenate(blocks)
    trained = {name: real[(examples.labels == name) & (examples.part == TRAIN)] for name in names}
    unseen = {name: real[held[examples.labels[held] == name]] for name in names}
    by_real, by_made = _fitted(trained), _fitted(vectors)
    learned = _learned(examples, names)
    flags = {
        name: copies(vectors[name], real[rows]) if len(rows) else np.zeros(len(vectors[name]), bool)
        for name, rows in learned.items()
    }
    copied = _Copied(examples.learned.ids is not None, learned, flags)
    classes = tuple(
        _fidelity(name, vectors, trained, unseen, copied, by_real=by_real, by_made=by_made, seed=seed) for name in names
    )
    summary = {
        **_scores("real", by_real, unseen),
        **_scores("generated", by_made, unseen),
        "generated_given_class": _scores("", by_real, vectors)["_accuracy"],
    }
    return Judgement(classes, made, flags, summary)


@dataclass(frozen=True)
class _Copied:
    """Whether it is known what was learned from, rows of that by class, and which generated glitches are copies of it."""

    known: bool
    learned: Mapping[str, Rows]
    flags: Mapping[str, Flags]


def _learned(examples: Examples, names: list[str]) -> dict[str, Rows]:
    """Rows of each class that the generator learned from; none where it is not known."""
    seen = examples.learned.among(examples.ids)
    return {name: np.flatnonzero(seen & (examples.labels == name)) for name in names}


def _fitted(rows: Mapping[str, Floats]) -> Baseline:
    labels = [name for name, own in rows.items() for _ in own]
    return fit_baseline(np.concatenate(list(rows.values())), labels, strengths=(DEFAULT_STRENGTH,))


def _given(model: Baseline, rows: Floats, name: str) -> float:
    if not len(rows):
        return float("nan")
    return float((model.probabilities(rows).argmax(axis=1) == model.classes.index(name)).mean())


def _scores(what: str, model: Baseline, rows: Mapping[str, Floats]) -> dict[str, float]:
    truth: Codes = np.repeat([model.classes.index(name) for name in rows], [len(own) for own in rows.values()])
    predicted = model.probabilities(np.concatenate(list(rows.values()))).argmax(axis=1)
    scores = class_scores(confusion_matrix(truth, predicted, len(model.classes)))
    return {
        f"{what}_accuracy": float((truth == predicted).mean()),
        f"{what}_macro_f1": macro(scores.f1, scores.support),
    }


def _fidelity(
    name: str,
    vectors: Mapping[str, Floats],
    trained: Mapping[str, Floats],
    unseen: Mapping[str, Floats],
    copied: _Copied,
    *,
    by_real: Baseline,
    by_made: Baseline,
    seed: int,
) -> ClassFidelity:
    made, seen, held = vectors[name], trained[name], unseen[name]
    others = [other for other in trained if other != name]
    nearest = min(others, key=lambda other: float(np.square(trained[other].mean(axis=0) - seen.mean(axis=0)).sum()))
    count = min(len(made), len(seen), len(held), len(trained[nearest]))
    enough = count >= LEAST
    rng = np.random.default_rng((seed, 62))
    drawn = [rows[np.sort(rng.permutation(len(rows))[:count])] for rows in (held, made, seen, trained[nearest])]
    unknown = [float("nan")] * 3
    fid = [frechet_distance(drawn[0], rows) for rows in drawn[1:]] if enough else unknown
    kid = [kernel_distance(drawn[0], rows) for rows in drawn[1:]] if enough else unknown
    precision, recall = precision_recall(held, made) if enough else (float("nan"), float("nan"))
    real = np.concatenate([seen, held])
    return ClassFidelity(
        label=name,
        generated=len(made),
        learned=len(copied.learned[name]) if copied.known else None,
        held_out=len(held),
        compared=count,
        fid=fid[0],
        fid_floor=fid[1],
        fid_ceiling=fid[2],
        kid=kid[0],
        kid_floor=kid[1],
        kid_ceiling=kid[2],
        nearest_class=nearest,
        precision=precision,
        recall=recall,
        copied=float(copied.flags[name].mean()) if len(copied.learned[name]) else float("nan"),
        told_apart=two_sample_accuracy(real, made, seed=seed) if len(real) >= LEAST else float("nan"),
        given_class=_given(by_real, made, name),
        real_given_class=_given(by_real, held, name),
        found_by_generated=_given(by_made, held, name),
    )
