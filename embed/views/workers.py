"""Views decoded in the threads that ask for them, and in processes where many are asked for by many threads.

Python's lock lets a few threads decode at once: beyond that, only processes use a machine's processors. They are joblib's:
they need no guard in the caller's script, and a parent that holds threads and a GPU may start them.
"""

from __future__ import annotations

from concurrent.futures import BrokenExecutor
from threading import Lock
from typing import TYPE_CHECKING

from embed.closing import Closing
from embed.errors import InputError
from embed.views.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from joblib.externals.loky import ProcessPoolExecutor

    from embed.study.records import View
    from embed.types import Pixels

FEW_THREADS = 4
"""So many threads, or fewer, decode as fast as processes."""

MANY_VIEWS = 1000
"""Views that threads decode before processes are started: at least as long as it takes to start them, a second or two."""

MOST_PROCESSES = 32
"""Each takes 130 MB."""

_IDLE = 30
"""Seconds after which an idle process ends; one whose parent was killed, half a minute later."""


class Workers(Closing):
    """Decode views, for several threads at once.

    Parameters
    ----------
    threads : int
        How many ask at once; more than `FEW_THREADS` get a process each, at most `MOST_PROCESSES`, once `MANY_VIEWS` were decoded.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._decoded = 0
        self._lock = Lock()
        self._processes: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the processes."""
        if self._processes is not None:
            self._processes.shutdown(kill_workers=True)

    def decode(self, views: Sequence[View], side: int) -> list[Pixels | InputError]:
        """Return what `embed.views.decoding.decode` returns for each view, or the error that it raises."""
        processes = self._many(len(views))
        if processes is None:
            return _decoded(views, side)
        try:
            return processes.submit(_decoded, views, side).result()
        except BrokenExecutor:  # the system has killed a process, for its memory perhaps
            return _decoded(views, side)

    def _many(self, more: int) -> ProcessPoolExecutor | None:
        if self._threads <= FEW_THREADS or not more:
            return None
        with self._lock:
            self._decoded += more
            if self._decoded > MANY_VIEWS and self._processes is None:
                self._processes = _start(min(self._threads, MOST_PROCESSES))
            return self._processes


def _decoded(views: Sequence[View], side: int) -> list[Pixels | InputError]:
    found: list[Pixels | InputError] = []
    for view in views:
        try:
            found.append(decode(view, side))
        except InputError as error:
            found.append(error)
    return found


def _start(number: int) -> ProcessPoolExecutor:
    from joblib.externals.loky import ProcessPoolExecutor  # noqa: PLC0415 - half a second

    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return ProcessPoolExecutor(number, timeout=_IDLE, env=one)
