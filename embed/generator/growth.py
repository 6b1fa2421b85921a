"""The schedule of a training: which resolution is trained when, and how far it is faded in."""

from __future__ import annotations

from dataclasses import dataclass

FADE = 0.3
"""Share of a resolution's part in which it is faded in (half in Karras et al. 2018, whose trainings are sixty times as long)."""


@dataclass(frozen=True)
class Growth:
    """When the networks grow: each resolution is trained on twice as many pictures as the one before, so that the last one has half of all.

    Attributes
    ----------
    sides : tuple of int
        The resolutions, lowest first.

    Examples
    --------
    >>> Growth((4, 8)).at(0.5)
    (8, 0.8333333333333335)
    """

    sides: tuple[int, ...]

    def at(self, share: float) -> tuple[int, float]:
        """Return the resolution and its alpha, 0 to 1, after a share of all pictures."""
        whole = 2 ** len(self.sides) - 1
        place = min(len(self.sides), int(share * whole + 1).bit_length()) - 1
        start, length = (2**place - 1) / whole, 2**place / whole
        return self.sides[place], 1.0 if place == 0 else min(1.0, max(0.0, (share - start) / (length * FADE)))
