"""Binary black holes: drawn, projected on the detectors, scaled to a network SNR, whitened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.types import Floats


@dataclass(frozen=True)
class Binary:
    """A binary black hole.

    Attributes
    ----------
    masses : tuple of 2 float
        Solar masses in the detector frame, the heavier first.
    spins : tuple of 2 float
        Along the orbital momentum.
    latitude, longitude : float
        Of the source over the Earth at the merger, radians; longitude east of Greenwich.
    inclination, polarisation, phase : float
        Radians.
    merger : float
        When the merger arrives at the first detector, s after the segment's start.
    """

    masses: tuple[float, float]
    spins: tuple[float, float]
    latitude: float
    longitude: float
    inclination: float
    polarisation: float
    phase: float
    merger: float


class SignalSource:
    """Whitened signals.

    Parameters
    ----------
    options : SourceOptions
        Detectors, sample rate, length, masses, spin, placement and waveform.
    """

    def __init__(self, options: SourceOptions) -> None:
        self.options = options

    def draw(self, rng: np.random.Generator) -> Binary:
        """Draw a binary: masses uniform, sky position isotropic, inclination uniform in its cosine."""
        raise NotImplementedError

    def whitened(self, binary: Binary, filters: Floats) -> tuple[NDArray[np.float64], Floats]:
        """A binary at 1 Mpc through the whitening filters.

        Parameters
        ----------
        binary : Binary
        filters : ndarray of float64, shape (D, taps)
            See `embed.detector.noise.WhitenedBlock`.

        Returns
        -------
        strain : ndarray of float64, shape (D, samples)
            The segment, whitened; divide by a luminosity distance in Mpc.
        snr : ndarray of float64, shape (D,)
            Optimal SNR of the whole signal above 20 Hz in each detector at 1 Mpc; the network's is their root sum of squares.
        """
        raise NotImplementedError
