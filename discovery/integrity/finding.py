"""What a check found of one part of a study."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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
