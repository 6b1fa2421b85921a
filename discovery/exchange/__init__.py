"""A study's glitches and results in the formats of other tools."""
