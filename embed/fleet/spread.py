"""The seam between a long work and where its parts run: the same function computes a part in this process and on a cluster.

A work is cut into parts without a look at the number of workers, and the caller alone writes what comes back. So the bytes are the
same wherever the parts run, and a run that was killed goes on from the parts that are written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

Part = TypeVar("Part")
Result = TypeVar("Result")


class Spread(Protocol):
    """Computes the parts of a work: `here`, or an `embed.fleet.cluster.Fleet`."""

    def __call__(
        self,
        work: Callable[[Part], Result],
        parts: Iterable[Part],
        *,
        needs: Iterable[Path] = (),
        in_order: bool = False,
    ) -> Iterator[tuple[int, Result]]:
        """Compute every part.

        Parameters
        ----------
        work : callable
            Of one part. What it holds is sent once to each process; its result depends on the part alone.
        parts : iterable
            Taken as they are needed.
        needs : iterable of Path
            Files that every machine must see, such as one picture of each folder; checked before the first part.
        in_order : bool
            Yield the parts in their order; otherwise each when it ends.

        Yields
        ------
        number : int
            Of the part, from 0.
        result : object

        Raises
        ------
        FleetError
            When the machines cannot be used.
        """


def here(
    work: Callable[[Part], Result],
    parts: Iterable[Part],
    *,
    needs: Iterable[Path] = (),  # noqa: ARG001 - this process sees its files
    in_order: bool = False,  # noqa: ARG001 - it is
) -> Iterator[tuple[int, Result]]:
    """Compute one part after the other in this process; see `Spread`."""
    yield from enumerate(map(work, parts))


def check_processor(spread: Spread, device: str, does: str = "compute") -> None:
    """Refuse a GPU on a cluster: its workers have a core each.

    Raises
    ------
    InputError
        When the parts do not run here, and `device` is not ``cpu``.
    """
    if spread is not here and device != "cpu":
        raise InputError(f"Ray's workers {does} on a processor core each, not on {device}; give --device cpu")
