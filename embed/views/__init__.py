"""Spectrogram images decoded into levels, cached, and encoded for a network."""
