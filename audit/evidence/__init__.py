"""The probability that a label is wrong: evidence from held-out predictions and neighbours, calibrated on planted errors."""
