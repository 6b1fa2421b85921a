"""From vectors and labels to the labels that are probably wrong."""
