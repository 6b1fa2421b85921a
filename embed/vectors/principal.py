"""Leading eigenvectors: the one solver behind every principal component of this project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import scipy.linalg

if TYPE_CHECKING:
    from embed.types import Floats


def leading_eigenvectors(products: Floats, count: int) -> tuple[Floats, Floats]:
    """Solve for the largest eigenvalues of a symmetric matrix; exact, and nothing is drawn at random.

    Parameters
    ----------
    products : ndarray of float64, shape (M, M)
        Finite, as the products of centred rows or columns are; its contents may be overwritten.
    count : int
        At most so many; all when M is smaller.

    Returns
    -------
    values : ndarray of float64, shape (min(count, M),)
        Descending; rounding may leave the last ones a little below zero.
    vectors : ndarray of float64, shape (M, min(count, M))
        In columns; the sign of a column is arbitrary.
    """
    size = len(products)
    values, vectors = scipy.linalg.eigh(
        products, subset_by_index=(max(0, size - count), size - 1), overwrite_a=True, check_finite=False
    )
    return values[::-1].copy(), vectors[:, ::-1].copy()
