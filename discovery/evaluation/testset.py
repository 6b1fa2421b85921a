"""Which glitches a classifier is judged on, and a split for a baseline without a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.evaluation.options import PARTS
from embed.dataset.kinds import PART_NAMES
from embed.dataset.splits import make_split
from embed.errors import InputError
from embed.vectors.duplicates import duplicate_pairs, duplicate_similarity, merge_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from embed.types import Flags, Rows
    from embed.vectors.store import VectorStore


@dataclass(frozen=True)
class TestSet:
    """The glitches that classifiers are judged on.

    Attributes
    ----------
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study, ascending.
    labels : ndarray of str, shape (N,)
        The given labels: the truth.
    left_out : tuple of (id, reason)
        Glitches of the part that cannot be judged.
    """

    glitches: Rows
    labels: np.ndarray
    left_out: tuple[tuple[str, str], ...]

    def without(self, lacking: Flags, reasons: Sequence[tuple[str, str]]) -> TestSet:
        """Leave out some of the glitches, each with its (id, reason)."""
        return TestSet(self.glitches[~lacking], self.labels[~lacking], (*self.left_out, *reasons))


def choose_test_set(
    glitches: pd.DataFrame, splits: Mapping[str, Mapping[str, str]], known: Mapping[str, Sequence[str]], part: str
) -> TestSet:
    """Choose the labelled glitches that are in the same part of every split.

    Parameters
    ----------
    glitches : DataFrame
        `Study.glitches`.
    splits : mapping of str to mapping
        Classifier -> id -> part.
    known : mapping of str to sequence of str
        Classifier -> its classes.
    part : {"test", "validation", "all"}
        ``all`` is every labelled glitch, training ones too.

    Raises
    ------
    InputError
        When there is no such glitch, or no label that every classifier knows.
    """
    if part not in PARTS:
        raise InputError(f"no part {part!r}; give {', '.join(PARTS)}")
    chosen = (glitches["label"] != "").to_numpy()
    if part != "all":
        for parts in splits.values():
            chosen = chosen & (glitches["id"].map(parts) == part).to_numpy()
    if not chosen.any():
        raise InputError(
            f"no labelled glitch of this study is in the {part} part of {' and '.join(splits)}; judge on every labelled glitch with --part all"
        )
    rows = glitches[chosen]
    left_out: list[tuple[str, str]] = []
    judged = np.ones(len(rows), bool)
    for name, classes in known.items():
        strange = ~rows["label"].isin(list(classes)).to_numpy() & judged
        left_out += [
            (identifier, f"its label {label!r} is no class of {name}")
            for identifier, label in rows.loc[strange, ["id", "label"]].itertuples(index=False)
        ]
        judged = judged & ~strange
    if not judged.any():
        raise InputError(
            f"none of the {len(rows)} labels ({', '.join(sorted(set(rows['label']))[:10])}) is a class of every classifier; train one on this study with `discover train`"
        )
    rows = rows[judged]
    return TestSet(rows.index.to_numpy(np.int64), rows["label"].to_numpy(np.str_), tuple(left_out))


def baseline_parts(glitches: pd.DataFrame, store: VectorStore, *, seed: int) -> dict[str, str]:
    """Split a study for a baseline where no model brings a split: stratified, near-duplicates together.

    Parameters
    ----------
    glitches : DataFrame
        `Study.glitches`.
    store : VectorStore
        Of a network that saw no label.
    seed : int

    Returns
    -------
    dict of str to str
        id -> train, validation or test.

    Raises
    ------
    InputError
        When no labelled glitch has a vector.
    """
    rows = glitches[(glitches["label"] != "").to_numpy() & np.isin(glitches.index, store.glitches)]
    if rows.empty:
        raise InputError("no labelled glitch has a vector; add labels with `discover ingest --labels`")
    codes = np.unique(rows["label"].to_numpy(np.str_), return_inverse=True)[1]
    places = store.rows(rows.index.to_numpy(np.int64))
    groups = merge_groups(len(rows), duplicate_pairs(store.graph, places, duplicate_similarity(store)))
    split = make_split(codes.astype(np.int64), "grouped", groups=groups, seed=seed)
    return {
        identifier: PART_NAMES[number]
        for identifier, number in zip(rows["id"], split.part.tolist(), strict=True)
        if number >= 0
    }
