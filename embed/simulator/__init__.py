"""A simulator of detector glitches: documented waveform models in coloured noise, seen through Gravity Spy's Q-transform.

>>> from embed.simulator import Population, simulate_batch
>>> glitches = simulate_batch(Population(n=2, seed=1, classes=("Blip", "Whistle")), shape=(64, 64))
>>> glitches.levels.shape
(2, 4, 64, 64)
"""

from typing import TYPE_CHECKING

from embed.lazy import lazy_names

if TYPE_CHECKING:
    from embed.simulator.families.catalogue import CLASSES, CONFUSABLE, FAMILIES, NONE_OF_THE_ABOVE, UNCATALOGUED
    from embed.simulator.families.family import Family, Range, Spread
    from embed.simulator.folder import simulate, write_study
    from embed.simulator.injection import BLOCK_S, Detector, Injection, detector, lay, strain_block, whitened_block
    from embed.simulator.loudest import Tile, loudest_tile
    from embed.simulator.noise import SAMPLE_RATE, Noise, design_psd, detector_noise, measured_noise
    from embed.simulator.options import DEMO_HIDDEN
    from embed.simulator.population import Entry, Population, demo_population
    from embed.simulator.simulation import Glitches, simulate_batch

_HOMES = {
    "BLOCK_S": "embed.simulator.injection",
    "CLASSES": "embed.simulator.families.catalogue",
    "CONFUSABLE": "embed.simulator.families.catalogue",
    "DEMO_HIDDEN": "embed.simulator.options",
    "Detector": "embed.simulator.injection",
    "Entry": "embed.simulator.population",
    "FAMILIES": "embed.simulator.families.catalogue",
    "Family": "embed.simulator.families.family",
    "Glitches": "embed.simulator.simulation",
    "Injection": "embed.simulator.injection",
    "NONE_OF_THE_ABOVE": "embed.simulator.families.catalogue",
    "Noise": "embed.simulator.noise",
    "Population": "embed.simulator.population",
    "Range": "embed.simulator.families.family",
    "SAMPLE_RATE": "embed.simulator.noise",
    "Spread": "embed.simulator.families.family",
    "Tile": "embed.simulator.loudest",
    "UNCATALOGUED": "embed.simulator.families.catalogue",
    "demo_population": "embed.simulator.population",
    "design_psd": "embed.simulator.noise",
    "detector": "embed.simulator.injection",
    "detector_noise": "embed.simulator.noise",
    "lay": "embed.simulator.injection",
    "loudest_tile": "embed.simulator.loudest",
    "measured_noise": "embed.simulator.noise",
    "simulate": "embed.simulator.folder",
    "simulate_batch": "embed.simulator.simulation",
    "strain_block": "embed.simulator.injection",
    "whitened_block": "embed.simulator.injection",
    "write_study": "embed.simulator.folder",
}

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
    "Spread",
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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
