"""The vectors of some of a study's glitches: only those are computed that the study does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import StudyError
from embed.storage import settle
from embed.vectors.embedding import made_vectors, make_missing
from embed.vectors.parts import join_parts
from embed.vectors.plan import Plan, make_plan
from embed.vectors.store import MARK

if TYPE_CHECKING:
    from embed.study.study import Study
    from embed.types import Flags, Progress, Rows, Vectors
    from embed.vectors.options import EmbeddingOptions
    from embed.views.selection import LeftOut


class SomeVectors:
    """Vectors of the glitches that were asked for, read as needed.

    Parameters
    ----------
    study : Study
    plan : Plan
    asked : ndarray of int64, shape (A,)
        Row numbers that were asked for, ascending.
    failed : list of LeftOut
        Those whose picture could not be decoded.

    Attributes
    ----------
    passport : dict
        How they were made: the fields of `embed.vectors.passport.Passport`.
    asked : ndarray of int64, shape (A,)
    glitches : ndarray of int64, shape (N,)
        Those that have a vector, ascending.
    left_out : list of LeftOut
        Those that have none, and why, but for glitches without any view.
    """

    def __init__(self, study: Study, plan: Plan, asked: Rows, failed: list[LeftOut]) -> None:
        self._study, self._plan = study, plan
        self.passport: dict[str, Any] = plan.passport.facts
        self.asked = asked
        self.left_out = sorted([*plan.left_out, *failed])
        self._find()
        self.glitches: Rows = plan.glitches[self._places >= 0]

    def has(self, glitches: Rows) -> Flags:
        """Which glitches have a vector here."""
        return np.isin(glitches, self.glitches)

    def of(self, glitches: Rows) -> Vectors:
        """Vectors of glitches that have one here, in the order given: ndarray of float32, shape (n, D).

        Raises
        ------
        StudyError
            When there is none, for instance since another command has changed the study.
        """
        try:
            return self._take(glitches)
        except FileNotFoundError:  # another command has joined parts, or made the store whole
            self._find()
            return self._take(glitches)

    def _take(self, glitches: Rows) -> Vectors:
        places = np.full(len(glitches), -1, np.int64)
        known = np.isin(glitches, self._plan.glitches)
        places[known] = self._places[np.searchsorted(self._plan.glitches, glitches[known])]
        if (places < 0).any():
            raise StudyError(
                f"{int((places < 0).sum())} of {len(glitches)} glitches have no vector of {self.passport['weights']}, or no longer, if another command has changed the study; run again"
            )
        return self._made.take(places)

    def _find(self) -> None:
        self._made = made_vectors(self._study, self._plan)
        self._places = self._made.places(self._plan.glitches, self._plan.inputs)


def embed_some(
    study: Study,
    options: EmbeddingOptions,
    glitches: Rows,
    *,
    command: str,
    progress: Progress | None = None,
) -> SomeVectors:
    """Compute the vectors of some glitches that the study does not have yet; neither index nor graph is made.

    Those of a finished store and of the parts beside it are reused; what is computed is kept in parts, from which a later call, or
    the embedding of all glitches, goes on.

    Parameters
    ----------
    study : Study
        A run is recorded in it, unless it has all the vectors.
    options : EmbeddingOptions
        Network, weights, views, device: the latest embedding's choices do not count.
    glitches : ndarray of int64, shape (N,)
        Row numbers.
    command : str
        The name of the run.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Raises
    ------
    WeightsError, DeviceError, StorageError, StudyError
        See `embed.errors`.
    """
    asked = np.unique(np.asarray(glitches, np.int64))
    plan = make_plan(study, options, {}, asked)
    failed: list[LeftOut] = []
    if (made_vectors(study, plan).places(plan.glitches, plan.inputs) < 0).any():
        with study.run(command, plan.choice):
            settle(plan.folder, MARK)
            failed = make_missing(study, plan, options, progress=progress)
            join_parts(plan.folder)
    return SomeVectors(study, plan, asked, failed)
