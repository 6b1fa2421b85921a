"""The log file of a command that changes a study: what was typed, what it said and when, and where an error came from."""

from __future__ import annotations

import logging
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from discovery.commands.progress import duration
from embed.errors import DiscoverError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "logs"
"""In the study."""
said = logging.getLogger("discover.said")
"""What a command says goes here too: into the log file, never to the terminal a second time."""
said.propagate = False
said.setLevel(logging.INFO)


class _LogFile(logging.Handler):
    """Writes lines with their time (UTC) as they come; until there is a study they wait."""

    def __init__(self, study: Path, command: str) -> None:
        super().__init__(logging.INFO)
        self._study = study
        self._name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{command}-{os.getpid()}.log"
        self._waiting: list[str] = []
        self._file: TextIO | None = None
        self.problem = ""
        self.setFormatter(logging.Formatter("%(asctime)sZ %(message)s", "%Y-%m-%dT%H:%M:%S"))
        self.formatter.converter = time.gmtime  # type: ignore[union-attr] # just set

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if self.problem:
            return
        self._waiting.append(self.format(record) + "\n")
        try:
            if self._file is None:
                if not (self._study / "study.db").exists():
                    return
                folder = self._study / FOLDER
                folder.mkdir(exist_ok=True)
                self._file = (folder / self._name).open("w", encoding="utf-8", errors="backslashreplace")
            self._file.writelines(self._waiting)
            self._file.flush()
            self._waiting.clear()
        except (OSError, ValueError) as error:  # a library that sets up logging anew closes the file
            self.problem = str(error)

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None and not self.problem:
            self._file.close()
        super().close()


@contextmanager
def log_file(study: Path, command: str, typed: str) -> Iterator[None]:
    """Keep what a command says in ``logs/`` of the study while it runs; the study is not made for it.

    Parameters
    ----------
    study : Path
        Where the study is, or will be.
    command : str
        Its name, for the file's.
    typed : str
        The command line.
    """
    handler, began = _LogFile(study, command), time.monotonic()
    root = logging.getLogger()
    said.addHandler(handler)
    root.addHandler(handler)
    said.info("%s", typed)
    try:
        yield
        said.info("done after %s", duration(time.monotonic() - began))
        if handler.problem:  # a command that failed has said more about the same disk
            sys.stderr.write(f"the log file was not written ({handler.problem})\n")
    except DiscoverError as error:
        said.info("error after %s: %s", duration(time.monotonic() - began), error, exc_info=True)
        raise
    except BaseException as error:
        said.info("ended after %s by %s", duration(time.monotonic() - began), type(error).__name__, exc_info=True)
        raise
    finally:
        said.removeHandler(handler)
        root.removeHandler(handler)
        handler.close()
