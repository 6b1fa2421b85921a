"""Waveforms of binary black holes in the frequency domain: lalsimulation's IMRPhenomD, or a bundled model where lalsuite is absent."""
