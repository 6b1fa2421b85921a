"""The defaults of the list of odd glitches; this module imports nothing heavy."""

from embed.gravityspy import NONE_OF_THE_ABOVE

LISTED = 20
"""Odd glitches that are listed."""
UNKNOWN = NONE_OF_THE_ABOVE
"""The label that says what a glitch is not: glitches with it are not known ones."""
