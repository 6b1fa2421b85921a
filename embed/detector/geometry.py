"""Where the detectors stand and how they respond: antenna patterns and light-travel times, in coordinates fixed to the Earth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embed.types import Floats

LIGHT_M_S: Final = 299792458.0


@dataclass(frozen=True)
class Site:
    """A detector on the Earth.

    Attributes
    ----------
    vertex : tuple of 3 float
        Metres from the Earth's centre, in WGS-84: towards Greenwich on the equator, 90 degrees east of it, and the North Pole.
    x_arm, y_arm : tuple of 3 float
        Unit vectors along the arms.
    """

    vertex: tuple[float, float, float]
    x_arm: tuple[float, float, float]
    y_arm: tuple[float, float, float]


SITES: Final[Mapping[str, Site]] = {
    "H1": Site(
        (-2161414.92636, -3834695.17889, 4600350.22664),
        (-0.22389266154, 0.79983062746, 0.55690487831),
        (-0.91397818574, 0.02609403989, -0.40492342125),
    ),
    "L1": Site(
        (-74276.0447238, -5496283.71971, 3224257.01744),
        (-0.95457412153, -0.14158077340, -0.26218911324),
        (0.29774156894, -0.48791033647, -0.82054461286),
    ),
}
"""LIGO-P000006-D-E (Althouse et al.), as LALDetectors.h has them."""


def antenna_response(ifo: str, latitude: float, longitude: float, polarisation: float) -> tuple[float, float]:
    """Response of a detector to the two polarisations of a wave.

    Parameters
    ----------
    ifo : str
        A name of `SITES`.
    latitude, longitude : float
        Of the point on the Earth above which the source stands: its declination, and its right ascension less Greenwich's sidereal time; radians.
    polarisation : float
        Angle psi, radians.

    Returns
    -------
    tuple of 2 float
        F+ and Fx, from -1 to 1 (Anderson et al. 2001, PRD 63 042003, appendix B).
    """
    site = SITES[ifo]
    x_arm, y_arm = np.array(site.x_arm), np.array(site.y_arm)
    tensor = 0.5 * (np.outer(x_arm, x_arm) - np.outer(y_arm, y_arm))
    east = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    north = np.array([-np.sin(latitude) * np.cos(longitude), -np.sin(latitude) * np.sin(longitude), np.cos(latitude)])
    x = -np.cos(polarisation) * east + np.sin(polarisation) * north
    y = np.sin(polarisation) * east + np.cos(polarisation) * north
    return float(x @ tensor @ x - y @ tensor @ y), float(x @ tensor @ y + y @ tensor @ x)


def arrival_delay(ifo: str, latitude: float, longitude: float) -> float:
    """How much later than the Earth's centre a wave reaches a detector, s; negative where earlier. See `antenna_response`."""
    return float(-_direction(latitude, longitude) @ np.array(SITES[ifo].vertex) / LIGHT_M_S)


def _direction(latitude: float, longitude: float) -> Floats:
    """Unit vector towards the source: float64 (3,)."""
    across = np.cos(latitude)
    return np.array([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)])
