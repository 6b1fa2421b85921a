"""Names of the splits; nothing heavy is imported, so that help texts can list them."""

from typing import Literal, get_args

from embed.gravityspy import SAMPLE_TYPES

Kind = Literal["random", "grouped", "time", "sample-type"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""See `embed.dataset.splits.make_split`."""
PART_NAMES = SAMPLE_TYPES
"""Of a split; they are those of Gravity Spy's own."""
PURGE_SECONDS = 60.0
"""Gap of a split by time: glitches that share a cause (one seismic spell, one whistle) come within a minute."""
