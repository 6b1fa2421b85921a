"""What makes an evaluation look better than it is, or limits it: leaks, near-duplicates, glitches left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.digits import counted
from embed.network.names import WEIGHT_SOURCES
from embed.vectors.duplicates import has_near_duplicate
from embed.vectors.store import VectorStore, stores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from discovery.evaluation.testset import TestSet
    from embed.types import Flags


def frozen_store(folder: Path) -> VectorStore | None:
    """Return the study's vectors of a network that saw no label, those of most glitches; near-duplicates are found by them."""
    found = [store for store in stores(folder) if store.passport["weights"] in WEIGHT_SOURCES]
    return max(found, key=lambda store: int(store.passport["rows"]), default=None)


def cautions(
    glitches: pd.DataFrame,
    test_set: TestSet,
    trained_on: Mapping[str, frozenset[str]],
    right: Mapping[str, Flags],
    *,
    part: str,
    store: VectorStore | None,
) -> tuple[str, ...]:
    """List what a reader of the figures must know.

    Parameters
    ----------
    glitches : DataFrame
        `Study.glitches`.
    test_set : TestSet
        N glitches.
    trained_on : mapping of str to frozenset of str
        Classifier -> ids of the glitches of its training, and of the training of any model it began from.
    right : mapping of str to ndarray of bool, shape (N,)
        Classifier -> whether it is right.
    part : str
        Of the split.
    store : VectorStore or None
        By which near-duplicates are found; see `frozen_store`.
    """
    notes: list[str] = []
    ids = glitches.loc[test_set.glitches, "id"]
    if part == "validation":
        notes.append(
            "The validation part chose the best epoch: these figures flatter the models; --part test does not."
        )
    for name, training in trained_on.items():
        seen = int(ids.isin(training).sum())
        if seen:
            notes.append(
                f"Leak: {seen:,} of the {len(ids):,} judged glitches were in the training of {name} (or of a model it began from): its figures are no measure of new glitches."
            )
        if store is not None and not seen:
            close = has_near_duplicate(
                store, test_set.glitches, glitches.index[glitches["id"].isin(training)].to_numpy()
            )
            if close.any() and not close.all():
                without = float(right[name][~close].mean())
                notes.append(
                    f"{int(close.sum()):,} judged glitches have a near-duplicate in the training of {name}; without them it is right on {100 * without:.2f} %. A grouped split keeps near-duplicates together."
                )
    if store is None:
        notes.append(
            "Near-duplicates between training and judged glitches were not looked for: the study has no vectors of a network that saw no labels; `discover embed --weights bundled` makes them."
        )
    if test_set.left_out:
        notes.append(
            f"{counted(len(test_set.left_out), 'glitch was', 'glitches were')} left out, the first: {': '.join(test_set.left_out[0])}."
        )
    return tuple(notes)
