"""The kinds of splits and the number of folds; imports no numerical library, so that the command line starts quickly."""

from typing import Literal, get_args

from embed.errors import InputError

SplitKind = Literal["grouped", "random", "time"]
"""Respect groups; ignore them; or hold out blocks of time, with groups whole too."""
SPLIT_KINDS: tuple[SplitKind, ...] = get_args(SplitKind)
FOLDS = 5
"""Four fifths train, one fifth is tested, as in cleanlab's default."""


def check_splits(splits: int, folds: int = FOLDS) -> None:
    """Refuse fewer splits than folds.

    Raises
    ------
    InputError
        When some glitches would never be tested.
    """
    if splits < folds:
        raise InputError(
            f"{splits} splits are fewer than the {folds} that test every glitch once; give --splits {folds} or more"
        )
