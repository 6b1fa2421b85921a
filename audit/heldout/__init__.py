"""Predictions for every glitch by classifiers that were not trained on it: splits, features, heads, refitted networks."""
