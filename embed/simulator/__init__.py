"""A simulator of detector glitches: documented waveform models in coloured noise, seen through Gravity Spy's Q-transform.

>>> from embed.simulator import Population, simulate_batch
>>> glitches = simulate_batch(Population(n=2, seed=1, classes=("Blip", "Whistle")), shape=(64, 64))
>>> glitches.levels.shape
(2, 4, 64, 64)
"""

from embed.simulator.families.catalogue import CLASSES, CONFUSABLE, FAMILIES, NONE_OF_THE_ABOVE, UNCATALOGUED
from embed.simulator.families.family import Family, Range
from embed.simulator.folder import simulate, write_study
from embed.simulator.injection import BLOCK_S, Detector, Injection, detector, lay, strain_block, whitened_block
from embed.simulator.loudest import Tile, loudest_tile
from embed.simulator.noise import SAMPLE_RATE, Noise, design_psd, detector_noise, measured_noise
from embed.simulator.population import DEMO_HIDDEN, Entry, Population, demo_population
from embed.simulator.simulation import Glitches, simulate_batch

__all__ = [
    "BLOCK_S",
    "CLASSES",
    "CONFUSABLE",
    "DEMO_HIDDEN",
    "FAMILIES",
    "NONE_OF_THE_ABOVE",
    "SAMPLE_RATE",
    "UNCATALOGUED",
    "Detector",
    "Entry",
    "Family",
    "Glitches",
    "Injection",
    "Noise",
    "Population",
    "Range",
    "Tile",
    "demo_population",
    "design_psd",
    "detector",
    "detector_noise",
    "lay",
    "loudest_tile",
    "measured_noise",
    "simulate",
    "simulate_batch",
    "strain_block",
    "whitened_block",
    "write_study",
]
