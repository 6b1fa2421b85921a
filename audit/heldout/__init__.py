"""Predictions of every glitch by classifiers that have not seen it: splits, features, heads, refitted networks."""
