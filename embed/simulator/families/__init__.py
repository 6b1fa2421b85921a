"""The simulated glitch families: a waveform model each, and the catalogue that names them."""
