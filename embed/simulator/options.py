"""Defaults of a simulation, and what the demonstration holds; nothing heavy is imported, so that a command line can read them."""

from typing import Final

DESIGN: Final = "design"
"""Noise of the detectors' design sensitivity, unlike noise that is measured from strain files."""
CATALOGUE: Final = "catalogue"
"""Rates of the classes as the catalogue of families has them."""
SCHEDULES: Final = (CATALOGUE, "o1")
"""Where rates of the classes and their changes in time come from."""
LABEL_NOISE = 0.0
"""Share of wrong labels."""
DEMO_HIDDEN = ("Reverse_Chirp", "Triangle_Sweep", "Harmonic_Comb")
"""Families to be discovered in the demonstration."""
DEMO_LABEL_NOISE = 0.05
"""Share of wrong labels in the demonstration, for the audit to find."""
