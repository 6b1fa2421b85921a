"""What counts as a trigger when strain is searched; nothing heavy is imported, so that a command line can read it."""

SNR_THRESHOLD = 7.5
"""Gravity Spy's: its population is every Omicron trigger above it."""

DEAD_TIME = 0.5
"""s; the window in which a view's own search looks, so that two triggers never show the same tile."""
