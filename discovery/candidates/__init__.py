"""Candidate classes of a study: clusters, maps, similar glitches, and their report."""
