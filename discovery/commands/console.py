"""What the command line prints: tables and sentences, CSV or JSON on standard output, progress on standard error."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from discovery.commands.progress import Lines, teller, ticking
from discovery.commands.runlog import said
from discovery.commands.wrapping import fit_table
from embed.errors import InputError, StorageError

AT_ONCE_S = 0.3
"""Seconds within which work is over at once: no bar is shown for it."""
_AROUND = 3
"""Characters that a table's frame takes at each column."""


class Move(Protocol):
    """Sets how much is done, of how much, and optionally the name of the step."""

    def __call__(self, done: int, whole: int, what: str | None = None, /) -> None:
        """Set it."""


class Display(Protocol):
    """What is shown on a terminal while work runs."""

    def start(self) -> None:
        """Show it."""

    def stop(self) -> None:
        """Show its last state, and no more."""


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `discovery.cli`, which ends without an error; rich's own way is exit code 1."""
        raise BrokenPipeError


class Terminal:
    """Where a command prints.

    Parameters
    ----------
    as_json : bool
        Print one JSON object instead of tables and sentences.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = _Output(highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print a line, unless JSON is printed."""
        said.info("%s", text)
        if not self.as_json:
            with _output_errors():
                self._out.print(escape(text))

    def table(self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """Print a table, unless JSON is printed."""
        for row in (columns, *rows) if said.handlers else ():
            said.info("  %s", "  ".join(row))
        if self.as_json:
            return
        table = Table(title=escape(title), title_justify="left", header_style="bold", box=SIMPLE_HEAD)
        fitted = fit_table(columns, rows, self._out.width - _AROUND * len(columns) - 1)
        for column in fitted[0]:
            table.add_column(Text(column))
        for line in fitted[1:]:
            table.add_row(*map(Text, line))
        with _output_errors():
            self._out.print(table)

    def result(self, value: dict[str, Any]) -> None:
        """Print the result as one JSON object, if JSON is printed: null for NaN; characters that the output cannot hold are escaped."""
        if not self.as_json:
            return
        value = _known(value)
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        if _unencodable(text):
            text = json.dumps(value, indent=2, default=str)
        with _output_errors():
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def csv(self, text: str) -> None:
        """Print a table as CSV.

        Raises
        ------
        InputError
            See `check_csv`.
        """
        self.check_csv(text)
        with _output_errors():
            sys.stdout.write(text)
            sys.stdout.flush()

    def check_csv(self, text: str) -> None:
        """Refuse CSV that standard output cannot hold.

        Raises
        ------
        InputError
            When a character of it is not in the encoding of standard output.
        """
        character = _unencodable(text)
        if character:
            raise InputError(
                f"standard output has the encoding {sys.stdout.encoding}, which lacks {character!r}; set the environment variable PYTHONIOENCODING=utf-8"
            )

    @contextmanager
    def progress(self, what: str) -> Iterator[Move]:
        """Show progress on standard error, as a bar on a terminal and as lines elsewhere; yields the function that moves it."""
        tell = teller()
        lines = Lines(what, _log_line if tell or self._err.is_terminal else _print_line)
        if tell or not self._err.is_terminal:
            with ticking(lines, tell=tell):
                yield lines.move
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        bar = Progress(*columns, console=self._err, transient=False)
        with _after_a_moment(bar), ticking(lines):
            task, named = bar.add_task(what, total=None), what

            def move(done: int, whole: int, step: str | None = None, /) -> None:
                nonlocal task, named
                if step not in {None, named}:  # its count, its time and its rate begin anew
                    bar.remove_task(task)
                    task, named = bar.add_task(step, total=None), step
                bar.update(task, completed=done, total=whole or None)  # None leaves it as it is
                lines.move(done, whole, step)

            yield move

    @contextmanager
    def steps(self) -> Iterator[Callable[[str], None]]:
        """Show on standard error which step runs; yields the function that names it."""
        tell = teller()
        lines = Lines("read", _log_line if tell or self._err.is_terminal else _print_line)
        if tell or not self._err.is_terminal:
            with ticking(lines, tell=tell):
                yield lines.step
            return

        def step(name: str) -> None:
            status.update(name)
            lines.step(name)

        status = self._err.status("...")
        with _after_a_moment(status), ticking(lines):
            yield step


@contextmanager
def _after_a_moment(display: Display) -> Iterator[None]:
    """Show a bar or a spinner while the block runs, but none for a block that is over at once."""
    is_over, is_shown = Event(), Event()

    def show() -> None:
        if not is_over.wait(AT_ONCE_S):
            is_shown.set()
            display.start()

    thread = Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        if is_shown.is_set():
            display.stop()


def _log_line(line: str) -> None:
    said.info("%s", line)


def _print_line(line: str) -> None:
    _log_line(line)
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _known(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the same with None for NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {name: _known(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [_known(own) for own in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _unencodable(text: str) -> str:
    """Return the first character that standard output cannot hold, or an empty string."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""


@contextmanager
def _output_errors() -> Iterator[None]:
    """Turn a refused write to standard output into one clear error; a reader that has left stays a broken pipe."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(
            f"cannot write standard output: {error.strerror or error}; finished work is kept, run again with another output"
        ) from error
