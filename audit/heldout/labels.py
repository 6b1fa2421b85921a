"""Labels as class numbers, and the checks of every audit's input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from embed.types import Codes, Floats

SUM_TOLERANCE = 0.01
"""Published scores are rounded: a row's sum may differ from one by this much."""


def encode_labels(labels: ArrayLike) -> tuple[tuple[str, ...], Codes]:
    """Number the classes in alphabetical order.

    Parameters
    ----------
    labels : array_like, shape (N,)
        Text or integers, none missing.

    Returns
    -------
    classes : tuple of str
    codes : ndarray of int64, shape (N,)

    Raises
    ------
    InputError
        No labels, missing labels, labels that are not one a row, or only one class.
    """
    given = np.asarray(labels, dtype=object)
    if given.ndim != 1 or not len(given):
        raise InputError(f"labels have shape {given.shape}; give one label for each glitch")
    missing = np.array([value is None or value != value or str(value) == "" for value in given])  # noqa: PLR0124 - NaN
    if missing.any():
        raise InputError(
            f"{int(missing.sum())} of {len(given)} labels are missing, the first in row {int(missing.argmax())}; leave these glitches out"
        )
    names, codes = np.unique(given.astype(str), return_inverse=True)
    if len(names) < 2:
        raise InputError(
            f"all {len(given)} labels are {str(names[0])!r}: a wrong label shows only against another class; audit two classes or more"
        )
    return tuple(str(name) for name in names), codes.astype(np.int64)


def check_rows(
    count: int, *, vectors: int | None = None, ids: Sequence[str] | None = None, groups: ArrayLike | None = None
) -> None:
    """Refuse labels without vectors, vectors without labels, ids that repeat, and ids or groups of another number.

    Raises
    ------
    InputError
    """
    if vectors is not None and vectors != count:
        more = (
            f"{vectors - count} vectors have no label"
            if vectors > count
            else f"{count - vectors} labels have no vector"
        )
        raise InputError(f"{vectors} vectors for {count} labels: {more}; give one each, in the same order")
    if ids is not None:
        if len(ids) != count:
            raise InputError(f"{len(ids)} ids for {count} labels: give one each")
        names, times = np.unique(np.asarray(ids, dtype=str), return_counts=True)
        if (times > 1).any():
            raise InputError(
                f"id {str(names[times > 1][0])!r} is in {int(times[times > 1][0])} rows: give one row for each glitch"
            )
    if groups is not None and len(np.asarray(groups)) != count:
        raise InputError(f"{len(np.asarray(groups))} groups for {count} labels: give one each")


def check_probabilities(probabilities: ArrayLike, classes: Sequence[str], columns: Sequence[str]) -> Floats:
    """Put another classifier's probabilities into the order of the labels' classes.

    Parameters
    ----------
    probabilities : array_like, shape (N, M)
    classes : sequence of str
        Of the labels.
    columns : sequence of str
        Class of each column; columns of classes that are no label are dropped.

    Returns
    -------
    ndarray of float64, shape (N, K)
        Rows sum to one.

    Raises
    ------
    InputError
        Values that are no probabilities, rows that do not sum to one, a label without a column, or two columns of one name.
    """
    given = np.asarray(probabilities, np.float64)
    if given.ndim != 2 or given.shape[1] != len(columns):
        raise InputError(f"probabilities have shape {given.shape} for {len(columns)} classes; give one column a class")
    if len(set(columns)) < len(columns):
        raise InputError(
            f"two columns of the probabilities are called {next(c for c in columns if list(columns).count(c) > 1)!r}; drop one"
        )
    lacking = sorted(set(classes) - set(columns))
    if lacking:
        raise InputError(
            f"the probabilities have no column {lacking[0]!r}, which {'is a label' if len(lacking) == 1 else f'with {len(lacking) - 1} others is a label'}; their columns are {', '.join(columns)}"
        )
    if not np.isfinite(given).all() or (given < 0).any():
        row = int(np.flatnonzero(~np.isfinite(given).all(1) | (given < 0).any(1))[0])
        raise InputError(
            f"row {row} of the probabilities holds a value that is no probability; give numbers from 0 to 1"
        )
    sums = given.sum(1)
    off = np.abs(sums - 1) > SUM_TOLERANCE
    if off.any():
        row = int(off.argmax())
        raise InputError(
            f"{int(off.sum())} rows of the probabilities do not sum to 1, the first is row {row} with {sums[row]:.4f}"
        )
    chosen = given[:, [list(columns).index(name) for name in classes]]
    left = 1e-9 + chosen.sum(1, keepdims=True)
    return chosen / left
