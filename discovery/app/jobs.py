"""Long work in the background: the `discover` command in a process of its own, whose lines are shown and which can be stopped."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import deque
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from discovery.app.telling import MARK, VARIABLE
from embed.errors import ConflictError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 400
"""Lines kept of each job."""
KEPT = 20
"""Jobs kept."""
PATIENCE_S = 5.0
"""Seconds that a job has to end before it is killed."""


class Job:
    """One command.

    Parameters
    ----------
    number : int
    arguments : sequence of str
        What follows ``discover``.
    before : int or None
        Seconds that the last one like it took.
    """

    def __init__(self, number: int, arguments: Sequence[str], before: int | None = None) -> None:
        self.number = number
        self._before, self._began = before, time.monotonic()
        self.command = shlex.join(["discover", *arguments])
        self._lines: deque[str] = deque(maxlen=LINES)
        self._progress: dict[str, Any] | None = None
        self._cancelled = False
        self._process = subprocess.Popen(  # noqa: S603 - a list of words, and no shell
            [sys.executable, "-m", "discovery.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "160", VARIABLE: "json"},
            start_new_session=True,  # a process group of its own: its workers are stopped with it
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said, mark, state = line.rstrip().partition(MARK)
                if mark:
                    self._progress = _state(state)
                if said or not mark:
                    self._lines.append(said)
        self._process.wait()

    @property
    def state(self) -> str:
        """``running``, ``done``, ``stopped`` or ``failed``."""
        code = self._process.poll()
        if code is None or self._reader.is_alive():
            return "running"
        return "done" if code == 0 else "stopped" if self._cancelled else "failed"

    def facts(self) -> dict[str, Any]:
        """Return the job as JSON values: number, command, state, lines, seconds since it began, seconds that the last one took.

        While it runs also its progress: see `discovery.commands.progress.Lines.state`.
        """
        state = self.state
        return {
            "number": self.number,
            "command": self.command,
            "state": state,
            "lines": list(self._lines),
            "seconds": round(time.monotonic() - self._began, 1),
            "before": self._before,
            "progress": self._progress if state == "running" else None,
        }

    def stop(self) -> None:
        """Stop the command; finished work is kept."""
        self._cancelled = True
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                break
            try:
                os.killpg(self._process.pid, kind)
            except ProcessLookupError:
                break
            try:
                self._process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                continue
        self._reader.join(PATIENCE_S)


def _state(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:  # a line that another one cut
        return None
    return found if isinstance(found, dict) else None


class Jobs:
    """The jobs of one server: one runs at a time, since the study has one writer."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._lock = Lock()
        self._started = 0

    def start(self, arguments: Sequence[str], *, before: int | None = None) -> dict[str, Any]:
        """Start a command; `before` is how many seconds the last one like it took.

        Raises
        ------
        ConflictError
            While another job runs.
        """
        with self._lock:
            running = next((job for job in self._jobs if job.state == "running"), None)
            if running is not None:
                raise ConflictError(f"`{running.command}` is still running; wait for it, or stop it")
            self._started += 1
            job = Job(self._started, arguments, before)
            self._jobs = [*self._jobs, job][-KEPT:]
        return job.facts()

    def list(self) -> list[dict[str, Any]]:
        """Return all jobs, the latest last."""
        return [job.facts() for job in self._jobs]

    def stop(self, number: int) -> dict[str, Any]:
        """Stop a job.

        Raises
        ------
        InputError
            When there is none of this number.
        """
        job = next((job for job in self._jobs if job.number == number), None)
        if job is None:
            raise InputError(f"there is no job {number}; load the page again")
        job.stop()
        return job.facts()

    def close(self) -> None:
        """Stop what runs."""
        for job in self._jobs:
            if job.state == "running":
                job.stop()
