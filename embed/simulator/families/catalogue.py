"""The catalogue of families: which classes can be simulated, under which names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.gravityspy import CLASS_LISTS, NONE_OF_THE_ABOVE
from embed.simulator.families import blips, bursts, chirps, lines, scattering, uncatalogued, whistles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from embed.simulator.families.family import Family

FAMILIES: Mapping[str, Family] = {
    family.name: family
    for module in (blips, bursts, chirps, lines, scattering, whistles, uncatalogued)
    for family in module.FAMILIES
}
"""Every family by name; None_of_the_Above is no family but a label for those that are in no catalogue."""

UNCATALOGUED = tuple(name for name, family in FAMILIES.items() if not family.catalogued)

CLASSES = CLASS_LISTS["O4"]
"""What `simulate` makes by default: the 27 classes of the fourth run's list."""

CONFUSABLE: Mapping[str, tuple[str, ...]] = {
    "1080Lines": ("1400Ripples", "Violin_Mode", "Scratchy"),
    "1400Ripples": ("1080Lines", "Violin_Mode"),
    "70Hz_Line": ("Power_Line", "Air_Compressor"),
    "Air_Compressor": ("Power_Line", "Low_Frequency_Lines"),
    "Blip": ("Tomte", "Koi_Fish", "Repeating_Blips", "Blip_Low_Frequency"),
    "Blip_Low_Frequency": ("Tomte", "Blip", "Low_Frequency_Burst"),
    "Chirp": ("Blip", "Whistle"),
    "Extremely_Loud": ("Koi_Fish", "Light_Modulation"),
    "Fast_Scattering": ("Scattered_Light", "Low_Frequency_Burst", NONE_OF_THE_ABOVE),
    "Helix": ("Scratchy", "Blip"),
    "High_Frequency_Burst": ("Blip", "No_Glitch"),
    "Koi_Fish": ("Extremely_Loud", "Tomte", "Blip"),
    "Light_Modulation": ("Extremely_Loud", "Koi_Fish", "Low_Frequency_Burst"),
    "Low_Frequency_Burst": ("Low_Frequency_Lines", "Scattered_Light", "Blip_Low_Frequency"),
    "Low_Frequency_Lines": ("Low_Frequency_Burst", "Scattered_Light"),
    "No_Glitch": ("Scratchy", "Low_Frequency_Burst", NONE_OF_THE_ABOVE),
    NONE_OF_THE_ABOVE: ("Scratchy", "Scattered_Light", "No_Glitch"),
    "Paired_Doves": ("Scattered_Light", "Chirp", "Repeating_Blips"),
    "Pizzicato": ("Violin_Mode", "Scratchy", "No_Glitch"),
    "Power_Line": ("Air_Compressor", "70Hz_Line", "Low_Frequency_Lines"),
    "Repeating_Blips": ("Blip", "Koi_Fish"),
    "Reverse_Chirp": ("Chirp", "Blip"),
    "Scattered_Light": ("Low_Frequency_Burst", "Low_Frequency_Lines", "Fast_Scattering"),
    "Scratchy": ("No_Glitch", "Helix", NONE_OF_THE_ABOVE),
    "Tomte": ("Koi_Fish", "Blip", "Blip_Low_Frequency"),
    "Violin_Mode": ("1080Lines", "1400Ripples", "Wandering_Line"),
    "Wandering_Line": ("Violin_Mode", "Whistle"),
    "Whistle": ("Wandering_Line", "Blip", "Chirp"),
}
"""Which label a wrong answer takes: the off-diagonal cells that stand out in the confusion matrices of Zevin et al. 2017
(figure 6) and Glanzer et al. 2023 (figure 3), likeliest first."""


def expanded(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, each once; ``O1``, ``O3`` and ``O4`` stand for a run's class list."""
    return tuple(dict.fromkeys(name for given in names for name in CLASS_LISTS.get(given, (given,))))


def check_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, `expanded`, after checking that each can be simulated.

    Raises
    ------
    InputError
        The list is empty, or a name is neither a run, a family nor None_of_the_Above.
    """
    chosen = expanded(names)
    known = {*FAMILIES, NONE_OF_THE_ABOVE}
    if not chosen:
        raise InputError("no class to simulate; name at least one, or leave the option out for all of them")
    for name in chosen:
        if name not in known:
            raise InputError(f"{name!r} cannot be simulated; choose from {', '.join((*CLASS_LISTS, *sorted(known)))}")
    return chosen
