"""The options of an audit with their defaults; imports no numerical library, so that the command line starts quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.heldout.kinds import check_splits
from embed.errors import InputError

if TYPE_CHECKING:
    from audit.heldout.kinds import SplitKind


@dataclass(frozen=True)
class AuditOptions:
    """How labels are audited.

    Attributes
    ----------
    splits : int
        Train/test splits at most; fewer run where the ranking stops changing earlier.
    split : {"grouped", "random", "time"}
        See `audit.heldout.splits.plan_splits`.
    rate : float
        Share of right labels that the list may hold (false discovery rate).
    purge : float, optional
        Seconds around each tested row that time splits leave out of the training; `embed.dataset.splits.PURGE_SECONDS` when absent.
    stop_early : bool
        False: run all the splits.
    ridge : float, optional
        Of the heads; when absent, the ridge under which held-out labels are likeliest.
    duplicate_similarity : float, optional
        Cosine from which two rows are near-duplicates; `embed.vectors.duplicates.DUPLICATE_SIMILARITY` when absent.
    seed : int
        Same seed and device, same result.
    device : {"cpu", "cuda", "auto"}

    Raises
    ------
    InputError
        When the rate is not between 0 and 1, or the splits are fewer than the folds.
    """

    splits: int = 100
    split: SplitKind = "grouped"
    rate: float = 0.1
    purge: float | None = None
    stop_early: bool = True
    ridge: float | None = None
    duplicate_similarity: float | None = None
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_splits(self.splits)
        if not 0 < self.rate < 1:
            raise InputError(f"a false discovery rate of {self.rate}: give a number between 0 and 1, such as 0.1")


DEFAULTS = AuditOptions()
