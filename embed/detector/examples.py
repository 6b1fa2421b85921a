"""Labelled segments made on the fly: noise, noise with a signal, noise with a glitch in one detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.detector.signals import Binary
    from embed.types import Codes, Floats


@dataclass(frozen=True)
class Batch:
    """Labelled segments.

    Attributes
    ----------
    strain : ndarray of float32, shape (n, D, samples)
        Whitened.
    labels : ndarray of int64, shape (n,)
        Class numbers, see `SourceOptions.classes`.
    snr : ndarray of float64, shape (n, D)
        Optimal SNR of a signal in each detector; that of a glitch's loudest tile in its detector; 0 elsewhere.
    distance : ndarray of float64, shape (n,)
        Luminosity distance of a signal, Mpc; NaN elsewhere.
    binaries : tuple of n Binary or None
    families : tuple of n str
        Of a glitch; empty elsewhere.
    """

    strain: NDArray[np.float32]
    labels: Codes
    snr: Floats
    distance: Floats
    binaries: tuple[Binary | None, ...]
    families: tuple[str, ...]

    @property
    def network_snr(self) -> Floats:
        """Root sum of squares over the detectors, float64 (n,)."""
        raise NotImplementedError


class Examples:
    """Labelled segments by number: no two numbers are alike, and nothing but the options, the seed and the number decides one.

    Parameters
    ----------
    options : SourceOptions
    seed : int
        Seeds that differ give independent examples.
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed

    def batch(
        self,
        numbers: Sequence[int],
        *,
        label: str | None = None,
        snr: tuple[float, float] | None = None,
        distance: Floats | None = None,
    ) -> Batch:
        """Make examples.

        Parameters
        ----------
        numbers : sequence of int
            Consecutive ones are quickest: 60 s of examples share a block of noise.
        label : str, optional
            All of this class, instead of each class as often as any other, by chance.
        snr : tuple of 2 float, optional
            Least and greatest network SNR of signals, instead of the options'; equal ones fix it.
        distance : ndarray of float64, shape (n,), optional
            Put signals at these luminosity distances, Mpc, instead of scaling them to an SNR.

        Returns
        -------
        Batch
        """
        raise NotImplementedError
