"""What a check found of one part of a study."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from embed.storage import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FINE, DAMAGED, MISSING = "fine", "damaged", "missing"


REPAIR = "`discover check --repair` writes it again"
"""The remedy of what can be made again from what is whole."""


@dataclass(frozen=True)
class Finding:
    """One line of the result.

    Attributes
    ----------
    part : str
        What was checked, such as ``vectors NAME: graph.npz``.
    state : str
        `FINE`, `DAMAGED` or `MISSING`.
    what : str
        How it was checked, or what is wrong.
    remedy : str
        What to do; empty where all is fine.
    mend : callable, optional
        Makes the part again, and returns what was done.
    """

    part: str
    state: str
    what: str
    remedy: str = ""
    mend: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @property
    def is_fine(self) -> bool:
        """Whether nothing is wrong."""
        return self.state == FINE

    def row(self) -> dict[str, str | bool]:
        """Return the line as JSON values."""
        return {
            "part": self.part,
            "state": self.state,
            "what": self.what,
            "remedy": self.remedy,
            "repairable": self.mend is not None,
        }


def compared(path: Path, sha256: str, wrote: str) -> str:
    """Say what is wrong with a file whose hash is kept, as "has another hash than when `wrote`"; an empty string where nothing is."""
    try:
        own = file_digest(path)
    except OSError as error:  # a disk that fails
        return f"cannot be read ({error.strerror or error})"
    return "" if own == sha256 else f"has another hash than when {wrote}"
