"""Views decoded in the threads that ask for them, or by processes, when many threads ask for many views.

Python's lock lets a few threads decode at once: beyond that, only processes use a machine's processors. They are joblib's:
they need no guard in the caller's script, and a parent that holds threads and a GPU may start them.
"""

from __future__ import annotations

import logging
import signal
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from multiprocessing.resource_tracker import ensure_running
from threading import Lock
from typing import TYPE_CHECKING

from embed.closing import Closing
from embed.errors import InputError
from embed.views.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from joblib.externals.loky import ProcessPoolExecutor

    from embed.study.records import View
    from embed.types import Pixels

_log = logging.getLogger(__name__)

FEW_THREADS = 4
"""Python's lock lets about so many threads decode at once: more ask processes."""

MANY_VIEWS = 1000
"""Views that threads decode before processes are started: to decode them takes at least as long as to start those, a second or two."""

MOST_PROCESSES = 32
"""Each takes 130 MB."""

_IDLE = 300
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
        processes, self._processes, self._threads = self._processes, None, 0
        if processes is not None:
            processes.shutdown()

    def decode(self, views: Sequence[View], side: int) -> list[Pixels | InputError]:
        """Return what `embed.views.decoding.decode` returns for each view, or the InputError that it raises."""
        try:
            processes = self._many(len(views))
            if processes is not None:
                with _deaf():
                    asked = processes.submit(_decoded, views, side)
                return asked.result()
        except (BrokenExecutor, OSError) as error:
            # None starts, or the system has killed one, for its memory perhaps.
            self._threads = 0
            _log.warning("threads decode the other pictures: processes do not work here (%s)", error)
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


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep Ctrl-C from the processes that are started within, from their first moment on: it is for their parent, which ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(number: int) -> ProcessPoolExecutor:
    from joblib.externals.loky import ProcessPoolExecutor  # noqa: PLC0415 - half a second

    ensure_running()  # Python's tracker, which hears Ctrl-C again where it starts (3.11): not within `_deaf`
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return ProcessPoolExecutor(number, timeout=_IDLE, env=one)
