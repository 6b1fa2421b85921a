"""Names of the splits; nothing heavy is imported, so that help texts can list them."""

from typing import Literal, get_args

Kind = Literal["random", "grouped", "time", "sample-type"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""See `embed.dataset.splits.make_split`."""
PURGE_SECONDS = 60.0
"""Gap of a split by time: glitches that share a cause (one seismic spell, one whistle) come within a minute."""
