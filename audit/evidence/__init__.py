"""Doubt as a probability: evidence from held-out predictions and neighbours, calibrated on planted errors."""
