"""Progress of long work as plain lines, for a log file: what is done, how fast, and how long the rest will take; as JSON for a program that draws a bar."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from discovery.app.telling import MARK, VARIABLE

EVERY_S = 30.0
"""Seconds between two lines of one step, at least."""

SHORT_S = 2.0
"""Steps that end within this many seconds print nothing."""

Write = Callable[[str], object]
"""Called with a line, without its end."""


class Lines:
    """The lines of one piece of work, which may have several named steps.

    A step prints its first line after `SHORT_S`, then a line every `EVERY_S`, the first with a speed sooner, and one when it ends.

    Parameters
    ----------
    what : str
        The first step.
    write : callable
        Called with each line.
    clock : callable
        Returns the time in seconds.
    """

    def __init__(self, what: str, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._lock = Lock()
        self._start(what)

    def _start(self, what: str) -> None:
        self._what = what
        self._began = self._clock()
        self._due = self._began + SHORT_S
        self._done, self._whole = 0, 0
        self._origin: tuple[float, int] | None = None
        self._awaits_speed = False

    def step(self, what: str) -> None:
        """End the step that is running, and begin another."""
        with self._lock:
            self._end()
            self._start(what)

    def move(self, done: int, whole: int, what: str | None = None) -> None:
        """Set how much of the step is done, of how much; another name begins another step."""
        with self._lock:
            if what is not None and what != self._what:
                self._end()
                self._start(what)
            if self._origin is None:
                self._origin = self._clock(), done
            if self._awaits_speed and done > self._origin[1]:
                self._due, self._awaits_speed = self._clock(), False  # the speed is said as soon as it is known
            self._done, self._whole = done, whole
            self._print_if_due()

    def tick(self) -> None:
        """Print a line if one is due."""
        with self._lock:
            self._print_if_due()

    def end(self) -> None:
        """End the last step."""
        with self._lock:
            self._end()

    def state(self) -> dict[str, str | int | float | None]:
        """Return what runs, how much of it is done, of how much (0: not known), and the seconds so far and left (None: not known)."""
        with self._lock:
            now = self._clock()
            return {
                "what": self._what,
                "done": self._done,
                "whole": self._whole,
                "seconds": round(now - self._began, 1),
                "left": self._left(now),
            }

    def _left(self, now: float) -> float | None:
        rate, ahead = self._rate(now), self._whole - self._done
        return round(ahead / rate, 1) if rate and self._whole and ahead >= 0 else None

    def _print_if_due(self) -> None:
        now = self._clock()
        if now < self._due:
            return
        rate = self._rate(now)
        self._due = now + EVERY_S
        self._awaits_speed = bool(self._whole) and not rate
        left = self._left(now)
        rest = "" if left is None else f", {duration(left)} left"
        self._write(f"{self._what}: {self._amount()}{duration(now - self._began)} so far{_speed(rate)}{rest}")

    def _end(self) -> None:
        now = self._clock()
        if now - self._began >= SHORT_S:
            self._write(f"{self._what}: {self._amount()}{duration(now - self._began)}{_speed(self._rate(now))}")

    def _amount(self) -> str:
        return f"{self._done:,} of {self._whole:,}, " if self._whole else ""

    def _rate(self, now: float) -> float:
        """Items a second since the first call, which may have begun with finished ones; 0 where it is not known yet."""
        if self._origin is None or now <= self._origin[0]:
            return 0.0
        return max(self._done - self._origin[1], 0) / (now - self._origin[0])


def _speed(rate: float) -> str:
    if not rate:
        return ""
    return f", {rate:,.1f} a second" if rate >= 1 else f", {60 * rate:.1f} a minute"


def duration(seconds: float) -> str:
    """Write a duration in its two largest units.

    Examples
    --------
    >>> duration(7.4), duration(125), duration(7322)
    ('7 s', '2 min 5 s', '2 h 2 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def ticking(lines: Lines, every: float = 1.0, tell: Write | None = None) -> Iterator[None]:
    """Print the lines that are due while the block runs, also when the work calls nothing back for long; `tell` receives the state as JSON each time."""
    stop = Event()

    def run() -> None:
        while not stop.wait(every):
            lines.tick()
            if tell is not None:
                tell(json.dumps(lines.state()))

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
        lines.end()
    finally:
        stop.set()
        thread.join()


def teller() -> Write | None:
    """Return what tells progress to the program that started this one, if it asks for it: see `discovery.app.telling`."""
    return _tell if os.environ.get(VARIABLE) == "json" else None


def _tell(state: str) -> None:
    sys.stderr.write(f"{MARK}{state}\n")
    sys.stderr.flush()
