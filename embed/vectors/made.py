"""The vectors that a study has of one passport: those of the finished store, and those of the parts beside it."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embed.vectors.parts import part_files, place_of_vectors, read_rows, read_some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from embed.types import Flags, Rows, Vectors
    from embed.vectors.archive import StoredArray
    from embed.vectors.store import VectorStore


class _Source(NamedTuple):
    """One file of vectors: the glitches of its rows, what their vectors are made from, and what reads some rows."""

    glitches: Rows
    inputs: NDArray[np.uint8]
    read: Callable[[Rows], Vectors]


class MadeVectors:
    """Vectors found by their glitch and by the hash of what they are made from: one that was made from another picture is none.

    Parameters
    ----------
    folder : Path
        The store's place, whether or not there is one.
    store : VectorStore or None
        The finished store, if there is one.
    dimension : int
        Of the vectors.

    Raises
    ------
    StudyError
        When a part is damaged.
    """

    def __init__(self, folder: Path, store: VectorStore | None, dimension: int) -> None:
        self._dimension = dimension
        self._sources: list[_Source] = []
        if store is not None:
            vectors = store.vectors  # open from now on: another command may replace the store
            self._sources.append(_Source(store.glitches, store.inputs, lambda rows: np.asarray(vectors[rows])))
        checked = cache(place_of_vectors)  # each part is read whole once
        for path in part_files(folder):
            with suppress(FileNotFoundError):  # as below
                self._sources.append(_Source(*read_rows(path), partial(_rows_of, checked, path)))
        self._starts = np.cumsum([0, *(len(source.glitches) for source in self._sources)])

    def places(self, glitches: Rows, inputs: NDArray[np.uint8]) -> Rows:
        """Where the vectors of N glitches are, as `take` reads it.

        Parameters
        ----------
        glitches : ndarray of int64, shape (N,)
            Row numbers in the study, ascending.
        inputs : ndarray of uint8, shape (N, 32)
            What the vectors are to be made from.

        Returns
        -------
        ndarray of int64, shape (N,)
            -1 where there is none.
        """
        found = np.full(len(glitches), -1, np.int64)
        if not len(glitches):
            return found
        for start, source in zip(self._starts.tolist(), self._sources, strict=False):
            there = np.minimum(np.searchsorted(glitches, source.glitches), len(glitches) - 1)
            same: Flags = glitches[there] == source.glitches
            same[same] = (inputs[there[same]] == source.inputs[same]).all(axis=1)
            found[there[same]] = start + np.flatnonzero(same)
        return found

    def take(self, places: Rows) -> Vectors:
        """Read vectors: ndarray of float32, shape (N, D).

        Raises
        ------
        FileNotFoundError
            When another command has removed a part meanwhile: it joined it to others, or made the store whole.
        """
        out = np.empty((len(places), self._dimension), np.float32)
        numbers = np.searchsorted(self._starts, places, side="right") - 1
        for number in np.unique(numbers).tolist():
            rows = numbers == number
            out[rows] = self._sources[number].read(places[rows] - self._starts[number])
        return out


def _rows_of(checked: Callable[[Path], StoredArray], path: Path, rows: Rows) -> Vectors:
    return read_some(path, checked(path), rows)
