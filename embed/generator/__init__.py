"""Generated glitches: a progressive GAN trained on a study's labelled glitches, and the simulator behind the same interface."""
