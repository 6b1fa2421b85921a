"""Which of the simulator's families are the third class; nothing heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.simulator.families.catalogue import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection

NOT_GLITCHES = ("Chirp", "No_Glitch")
"""Families that are signals, or nothing."""
GLITCH_FAMILIES = tuple(name for name in FAMILIES if name not in NOT_GLITCHES)
"""Those that occur, each as often as any other, where the sample rate shows them."""


def shown_families(without: Collection[str]) -> tuple[str, ...]:
    """Names of the families that occur, in the order of `GLITCH_FAMILIES`.

    Parameters
    ----------
    without : collection of str
        Those that are left out.

    Raises
    ------
    InputError
        A name is none of `GLITCH_FAMILIES`, or none would be left.
    """
    for name in without:
        if name not in GLITCH_FAMILIES:
            raise InputError(f"--without {name}: no such class of glitches; there are {', '.join(GLITCH_FAMILIES)}")
    shown = tuple(name for name in GLITCH_FAMILIES if name not in without)
    if not shown:
        raise InputError("--without: no class of glitches would be left; leave out --glitches instead")
    return shown
