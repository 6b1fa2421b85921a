"""The defaults of the list of odd glitches; this module imports nothing heavy."""

LISTED = 20
"""Odd glitches that are listed."""
UNKNOWN = "None_of_the_Above"
"""The label that says what a glitch is not: glitches with it are not known ones."""
