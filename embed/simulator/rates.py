"""How often each class occurred in each week of the first observing run: `--rates o1` draws from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEK_S: Final = 7 * 86400.0
O1_START: Final = 1126400000.0
"""GPS of the first week's start, that of O1 as Gravity Spy bounds it."""

O1_WEEKS: Final = {
    "1080Lines": (0, 1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "1400Ripples": (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 79),
    "Air_Compressor": (39, 11, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0),
    "Blip": (92, 126, 92, 86, 68, 55, 62, 83, 55, 159, 294, 154, 61, 110, 38, 115, 60, 32),
    "Chirp": (0, 6, 21, 29, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "Extremely_Loud": (56, 40, 29, 36, 27, 31, 16, 18, 32, 15, 24, 18, 7, 22, 9, 24, 27, 15),
    "Helix": (0, 2, 0, 264, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "Koi_Fish": (48, 52, 45, 50, 39, 22, 39, 33, 25, 49, 92, 52, 28, 34, 23, 45, 15, 13),
    "Light_Modulation": (36, 92, 6, 28, 8, 14, 1, 26, 7, 3, 1, 1, 3, 3, 42, 0, 125, 1),
    "Low_Frequency_Burst": (1, 5, 1, 4, 0, 6, 35, 15, 21, 28, 30, 19, 17, 62, 97, 119, 41, 23),
    "Low_Frequency_Lines": (1, 0, 0, 0, 1, 6, 20, 22, 30, 30, 20, 18, 27, 61, 64, 37, 91, 63),
    "No_Glitch": (2, 4, 0, 0, 1, 1, 1, 1, 1, 1, 1, 3, 17, 1, 0, 3, 2, 0),
    "None_of_the_Above": (4, 8, 2, 2, 5, 12, 2, 14, 16, 6, 11, 6, 4, 13, 6, 13, 6, 18),
    "Paired_Doves": (0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 15, 0, 0, 0, 0, 0),
    "Power_Line": (44, 32, 29, 32, 35, 31, 42, 51, 63, 11, 28, 36, 10, 3, 0, 0, 0, 0),
    "Repeating_Blips": (6, 9, 4, 3, 2, 3, 4, 3, 1, 4, 7, 6, 1, 2, 2, 7, 26, 1),
    "Scattered_Light": (0, 3, 0, 4, 1, 1, 5, 3, 27, 5, 18, 34, 87, 99, 61, 57, 8, 10),
    "Scratchy": (2, 27, 22, 18, 55, 44, 54, 7, 6, 5, 0, 0, 1, 0, 10, 1, 11, 2),
    "Tomte": (3, 7, 4, 2, 7, 5, 5, 8, 4, 5, 7, 6, 8, 13, 2, 2, 1, 1),
    "Violin_Mode": (0, 0, 0, 0, 0, 133, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "Wandering_Line": (3, 12, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0),
    "Whistle": (0, 12, 0, 2, 29, 0, 0, 3, 0, 3, 18, 0, 9, 4, 0, 5, 44, 0),
}  # fmt: skip
"""Glitches of each class in each of O1's 18 weeks, counted in Gravity Spy's published labels (6,575 glitches, CC-BY-4.0)."""

O1_SPAN: Final = (O1_START, O1_START + WEEK_S * len(O1_WEEKS["Blip"]))
"""GPS start and end of those weeks."""


def o1_rates(names: tuple[str, ...], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates of classes in the weeks of O1.

    Parameters
    ----------
    names : tuple of C str
        Classes and families.
    others : ndarray of float64, shape (C,)
        For what the run did not have: the rate in per cent of all its glitches, the same in every week.

    Returns
    -------
    ndarray of float64, shape (weeks, C)
        Glitches a week.
    """
    total = np.sum(list(O1_WEEKS.values()), axis=0, dtype=np.float64)
    columns = [
        np.array(O1_WEEKS[name], np.float64) if name in O1_WEEKS else 0.01 * share * total
        for name, share in zip(names, others, strict=True)
    ]
    return np.stack(columns, axis=1)
