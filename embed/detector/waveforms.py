"""Waveforms of binary black holes in the frequency domain: lalsimulation's IMRPhenomD, or a bundled model where lalsuite is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from embed.detector.options import IMR
from embed.simulator.families.chirps import SUN_S, merging_at_zero

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOWEST_HZ = 20.0
"""Where waveforms begin."""
MPC_S = 1.029271250e14
"""A megaparsec, in light seconds."""
MARGIN = 1.2
"""Of the duration over its leading order."""


def duration(masses: tuple[float, float]) -> float:
    """About how long the waveform is from `LOWEST_HZ` to its end, s: the leading order of the inspiral, and a margin."""
    chirp = chirp_mass(masses) * SUN_S
    return MARGIN * 5.0 / 256.0 * (np.pi * LOWEST_HZ) ** (-8.0 / 3.0) * chirp ** (-5.0 / 3.0)


def chirp_mass(masses: tuple[float, float]) -> float:
    """(m1 m2)^(3/5) / (m1 + m2)^(1/5)."""
    one, other = masses
    return float((one * other) ** 0.6 / (one + other) ** 0.2)


def waveform(
    name: str, masses: tuple[float, float], spins: tuple[float, float], bins: int, step: float
) -> NDArray[np.complex128]:
    """The dominant mode, (2, 2), of a binary at 1 Mpc.

    Parameters
    ----------
    name : str
        ``IMRPhenomD`` or ``bundled``, see `SourceOptions.chosen_waveform`.
    masses : tuple of 2 float
        Detector frame, solar masses, the heavier first.
    spins : tuple of 2 float
        Aligned, dimensionless; the bundled model has none, and leaves them out.
    bins : int
        Of the grid, from 0 Hz to the Nyquist frequency.
    step : float
        Hz between them.

    Returns
    -------
    ndarray of complex128, shape (bins,)
        In 1/Hz; the merger is at time 0, give or take some milliseconds. With inclination i the polarisations are h+ = (1 + cos^2 i) / 2 times this, hx = -1j cos i times this.

    Notes
    -----
    IMRPhenomD: Khan et al. 2016, PRD 93 044007. Bundled: Ajith et al. 2008, PRD 77 104017, scaled at low frequency to the leading order,
    sqrt(5/24) pi^(-2/3) M_c^(5/6) f^(-7/6) / distance; its SNR exceeds IMRPhenomD's by up to 30 %, so that distances are larger.
    """
    return _imr_phenom_d(masses, spins, bins, step) if name == IMR else _bundled(masses, bins, step)


def _imr_phenom_d(
    masses: tuple[float, float], spins: tuple[float, float], bins: int, step: float
) -> NDArray[np.complex128]:
    lalsimulation, lal = _lal()
    series = lalsimulation.SimIMRPhenomDGenerateFD(
        0.0, LOWEST_HZ, step, masses[0] * lal.MSUN_SI, masses[1] * lal.MSUN_SI, spins[0], spins[1],
        LOWEST_HZ, (bins - 1) * step, 1e6 * lal.PC_SI, None, lalsimulation.NoNRT_V,
    )  # fmt: skip
    found = np.zeros(bins, np.complex128)
    data = series.data.data[:bins]
    found[: len(data)] = data
    return found


def _lal() -> tuple[Any, Any]:
    import lal  # noqa: PLC0415 - an extra
    import lalsimulation  # noqa: PLC0415

    return lalsimulation, lal


def _bundled(masses: tuple[float, float], bins: int, step: float) -> NDArray[np.complex128]:
    total = sum(masses)
    symmetric = masses[0] * masses[1] / total**2
    first = int(np.ceil(LOWEST_HZ / step))
    f = np.arange(first, bins, dtype=np.float64) * step
    amplitude, phase = merging_at_zero(f, total, symmetric)
    leading = np.sqrt(5.0 / 24.0) * np.pi ** (-2.0 / 3.0) * (chirp_mass(masses) * SUN_S) ** (5.0 / 6.0) / MPC_S
    scale = leading * f[0] ** (-7.0 / 6.0) / amplitude[0]
    found = np.zeros(bins, np.complex128)
    found[first:] = scale * amplitude * np.exp(1j * phase)
    return found
