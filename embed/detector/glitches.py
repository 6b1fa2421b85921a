"""A bank of the simulator's glitches, whitened, from which the third class is drawn."""
