"""The labelled glitches of a study as a training set: their classes, and the part of the split that each one is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.dataset.kinds import PART_NAMES
from embed.dataset.splits import TEST, TRAIN, VALIDATION, Split, make_split
from embed.errors import InputError
from embed.storage import digest
from embed.vectors.duplicates import duplicate_pairs, duplicate_similarity, merge_groups, same_pairs, twin_pairs
from embed.views.selection import wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from embed.dataset.kinds import Kind
    from embed.study.study import Study
    from embed.vectors.store import VectorStore
    from embed.views.encoding import Encoding
    from embed.views.selection import LeftOut


@dataclass(frozen=True)
class TrainingSet:
    """Labelled glitches.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study, ascending.
    ids : tuple of N str
    classes : tuple of K str
        Sorted.
    targets : ndarray of int64, shape (N,)
        0 to K - 1.
    split : Split
    """

    glitches: NDArray[np.int64]
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    targets: NDArray[np.int64]
    split: Split

    @property
    def parts(self) -> dict[str, str]:
        """The part of each id; glitches that were left out have none."""
        named = zip(self.ids, self.split.part.tolist(), strict=True)
        return {name: PART_NAMES[part] for name, part in named if part >= 0}

    @property
    def label_digest(self) -> str:
        """Hash of the (id, label) pairs that touch the weights: those trained on, and those that choose the epoch."""
        return digest([[self.ids[row], self.classes[self.targets[row]]] for row in self._seen()])

    @property
    def seen(self) -> int:
        """How many glitches touch the weights."""
        return len(self._seen())

    def _seen(self) -> list[int]:
        return sorted(np.flatnonzero(np.isin(self.split.part, (TRAIN, VALIDATION))), key=lambda row: self.ids[row])


@dataclass(frozen=True)
class Labelled:
    """Labelled glitches that have the views wanted, before they are split.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers, ascending.
    ids, labels, detectors, sample_types : tuple of N str
        Empty strings where unknown.
    times : ndarray of float64, shape (N,)
        GPS seconds, NaN where unknown.
    inputs : tuple of N bytes
        Hash of each glitch's files.
    left_out : tuple of LeftOut
        Labelled glitches without the views.
    """

    glitches: NDArray[np.int64]
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    detectors: tuple[str, ...]
    sample_types: tuple[str, ...]
    times: NDArray[np.float64]
    inputs: tuple[bytes, ...]
    left_out: tuple[LeftOut, ...]

    def only(self, glitches: NDArray[np.int64], left_out: Sequence[LeftOut] = ()) -> Labelled:
        """Some of them (row numbers, ascending)."""
        rows = np.flatnonzero(np.isin(self.glitches, glitches)).tolist()

        def take(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(names[row] for row in rows)

        return Labelled(
            self.glitches[rows],
            take(self.ids),
            take(self.labels),
            take(self.detectors),
            take(self.sample_types),
            self.times[rows],
            tuple(self.inputs[row] for row in rows),
            (*self.left_out, *left_out),
        )


def labelled_glitches(
    study: Study,
    encoding: Encoding,
    labels: Sequence[str] | None = None,
    extra: Mapping[int, str] | None = None,
) -> Labelled:
    """Collect the glitches to learn from.

    Parameters
    ----------
    study : Study
    encoding : Encoding
        The views that they need.
    labels : sequence of str, optional
        Only these classes; by default every label that a person or a file gave.
    extra : mapping, optional
        Row number -> label, for glitches without a label in the study: confident predictions of a model.

    Raises
    ------
    InputError
        When no glitch has a label given, or none of the labelled glitches has the views.
    """
    for label in labels or ():
        if label not in (extra or {}).values():
            study.members(label)  # says which labels there are
    table = study.glitches()
    if extra:
        rows = table.loc[list(extra)]
        given = rows[rows["label"] != ""]
        if len(given):
            name, label = given.iloc[0][["id", "label"]]
            raise InputError(f"{name} is labelled {label} already; extra labels are for glitches without")
        table.loc[rows.index, "label"] = list(extra.values())
    table = table[table["label"].isin(labels) if labels else table["label"] != ""]
    if not len(table):
        raise InputError("no glitch is labelled; add labels with `discover ingest PATH --labels CSV`")
    there, inputs, lacking = wanted(study, encoding)
    hashes = dict(zip(there.tolist(), inputs, strict=True))
    chosen = table[table.index.isin(there)]
    left_out = tuple(item for item in lacking if item.glitch in table.index)
    if not len(chosen):
        raise InputError(
            f"none of the {len(table)} labelled glitches has the views {encoding}; choose others with --views"
        )
    metadata = study.metadata()
    official = metadata.get("sample_type")
    kinds = ("",) * len(chosen) if official is None else tuple(official.loc[chosen.index].fillna("").astype(str))
    return Labelled(
        chosen.index.to_numpy(np.int64),
        tuple(chosen["id"]),
        tuple(chosen["label"]),
        tuple(chosen["ifo"]),
        kinds,
        chosen["gps"].to_numpy(np.float64),
        tuple(hashes[glitch].tobytes() for glitch in chosen.index),
        left_out,
    )


def choose_kind(labelled: Labelled, kind: Kind | None = None) -> Kind:
    """The split given; else Gravity Spy's own where every glitch has it, else grouped."""
    if kind is not None:
        return kind
    return "sample-type" if all(own in PART_NAMES for own in labelled.sample_types) else "grouped"


def find_groups(labelled: Labelled, store: VectorStore | None = None) -> NDArray[np.int64]:
    """Number the sets of duplicates: same files, one detector within half a second, near-duplicates of the graph if one is given."""
    pairs = [same_pairs(labelled.inputs), twin_pairs(labelled.times, labelled.detectors)]
    if store is not None:
        pairs.append(duplicate_pairs(store.graph, store.rows(labelled.glitches), duplicate_similarity(store)))
    return merge_groups(len(labelled.glitches), *pairs)


def make_training_set(
    labelled: Labelled, kind: Kind, groups: NDArray[np.int64], *, seed: int = 0, always_train: Sequence[int] = ()
) -> TrainingSet:
    """Split labelled glitches into training, validation and test.

    Parameters
    ----------
    labelled : Labelled
    kind : str
        See `embed.dataset.splits.make_split`.
    groups : ndarray of int64, shape (M,)
        See `find_groups`; of the glitches that are not in `always_train`, which the split ignores.
    seed : int
    always_train : sequence of int
        Row numbers of glitches that are always trained on: their labels are a model's, and cannot test anything.

    Raises
    ------
    InputError
        When all labels are the same, a class has one example, or the training part lacks a class.
    """
    classes, targets, counts = np.unique(labelled.labels, return_inverse=True, return_counts=True)
    lonely = classes[counts == 1].tolist()
    if lonely and len(classes) > 1:
        raise InputError(
            f"one example only of {', '.join(map(repr, lonely))}: a class needs two, to be trained on and to be tested; label more, or name the classes to train with --labels"
        )
    own = np.isin(labelled.glitches, np.asarray(always_train, np.int64))
    part = np.zeros(len(targets), np.int8)
    rest = np.flatnonzero(~own)
    split = make_split(
        targets[rest].astype(np.int64),
        kind,
        groups=groups,
        times=labelled.times[rest],
        sample_types=[labelled.sample_types[row] for row in rest],
        seed=seed,
    )
    part[rest] = split.part
    missing = classes[np.bincount(targets[part == TRAIN], minlength=len(classes)) == 0].tolist()
    if missing:
        raise InputError(
            f"the split {kind!r} leaves nothing of {', '.join(map(repr, missing))} to train on; label more, or give --split grouped"
        )
    return TrainingSet(
        labelled.glitches,
        labelled.ids,
        tuple(str(name) for name in classes),
        targets.astype(np.int64),
        Split(part, split.kind, split.groups),
    )


def untested_classes(training_set: TrainingSet) -> list[str]:
    """Classes of which the test part has nothing."""
    tested = np.bincount(training_set.targets[training_set.split.rows(TEST)], minlength=len(training_set.classes))
    return [name for name, count in zip(training_set.classes, tested, strict=True) if count == 0]
