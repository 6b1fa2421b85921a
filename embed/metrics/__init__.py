"""Pure judging of predictions: accuracy with intervals, calibration, ROC, and the logistic-regression baseline."""
