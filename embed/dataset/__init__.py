"""Labelled glitches as a training set, and honest splits of it."""
