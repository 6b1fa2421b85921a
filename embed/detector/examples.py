"""Labelled segments made on the fly: noise, noise with a signal, noise with a glitch in one detector."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from embed.detector.glitches import GlitchBank
from embed.detector.noise import INNER_SECONDS, NoiseSource, WhitenedBlock
from embed.detector.options import GLITCH, NOISE, SIGNAL
from embed.detector.signals import Binary, SignalSource
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from embed.detector.options import SourceOptions
    from embed.types import Codes, Floats

BLOCKS_KEPT = 4
"""Blocks of noise that are kept for the next batch."""
_EXAMPLE = 17
"""First number of the random streams of examples."""


@dataclass(frozen=True)
class Batch:
    """Labelled segments.

    Attributes
    ----------
    strain : ndarray of float32, shape (n, D, samples)
        Whitened.
    labels : ndarray of int64, shape (n,)
        Class numbers: 0 noise, 1 signal, 2 glitch.
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
        return np.sqrt(np.sum(self.snr**2, axis=1))


class Examples:
    """Labelled segments by number: no two numbers are alike, and nothing but the options, the seed and the number decides one.

    Parameters
    ----------
    options : SourceOptions
    seed : int
        Seeds that differ give independent examples.

    Raises
    ------
    InputError
        When spectra cannot be read, or lalsuite is asked for and absent.
    """

    def __init__(self, options: SourceOptions, seed: int) -> None:
        self.options, self.seed = options, seed
        self.noise = NoiseSource(options, seed)
        self.signals = SignalSource(options)
        self.bank = GlitchBank(options, seed)
        self._a_block = int(INNER_SECONDS / options.seconds)
        self._blocks: OrderedDict[int, WhitenedBlock] = OrderedDict()
        self._lock = Lock()

    def batch(
        self,
        numbers: Sequence[int],
        *,
        label: str | None = None,
        snr: tuple[float, float] | None = None,
        distance: Callable[[float], float] | None = None,
    ) -> Batch:
        """Make examples.

        Parameters
        ----------
        numbers : sequence of int
            From 0; consecutive ones are quickest, since those of 64 s share a block of noise.
        label : str, optional
            ``noise``, ``signal`` or ``glitch``: all of this class, instead of each of the options' classes as often as any other.
        snr : tuple of 2 float, optional
            Least and greatest network SNR of signals, instead of the options'; equal ones fix it.
        distance : callable, optional
            From the luminosity distance at which a signal has its SNR, Mpc, to the one at which it is put; called in the order of `numbers`.

        Returns
        -------
        Batch
        """
        names = (NOISE, SIGNAL, GLITCH)
        if label is not None and label not in names:
            raise InputError(f"no class {label!r}; give {', '.join(names)}")
        options, count = self.options, len(numbers)
        strain = np.empty((count, len(options.ifos), options.samples), np.float32)
        labels = np.zeros(count, np.int64)
        loud = np.zeros((count, len(options.ifos)))
        away = np.full(count, np.nan)
        binaries: list[Binary | None] = [None] * count
        families = [""] * count
        for row, number in enumerate(numbers):
            block = self._block(number // self._a_block)
            start = number % self._a_block * options.samples
            strain[row] = block.values[:, start : start + options.samples]
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_EXAMPLE, number)))
            drawn = int(rng.integers(len(options.classes)))
            labels[row] = drawn if label is None else names.index(label)
            if names[labels[row]] == SIGNAL:
                binaries[row] = binary = self.signals.draw(rng)
                wave, single = self.signals.whitened(binary, block)
                target = rng.uniform(*(options.snr if snr is None else snr))
                reach = float(np.sqrt(np.sum(single**2)) / target)
                away[row] = reach if distance is None else distance(reach)
                strain[row] += wave / away[row]
                loud[row] = single / away[row]
            elif names[labels[row]] == GLITCH:
                families[row], place, loud[row, place], shape = self.bank.draw(rng)
                strain[row, place] += shape
        return Batch(strain, labels, loud, away, tuple(binaries), tuple(families))

    def _block(self, number: int) -> WhitenedBlock:
        """A block of noise, from the latest ones where it is among them."""
        with self._lock:
            if number in self._blocks:
                self._blocks.move_to_end(number)
            else:
                self._blocks[number] = self.noise.block(number)
                while len(self._blocks) > BLOCKS_KEPT:
                    self._blocks.popitem(last=False)
            return self._blocks[number]
