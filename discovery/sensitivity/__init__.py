"""How well a network finds signals in strain: sensitivity, false-alarm rate, sensitive distance, and their page."""
