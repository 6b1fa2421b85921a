"""Random numbers by counter: what is drawn for a glitch depends on the seed, the epoch and the glitch, and on nothing drawn before.

A generator with a state gives other numbers when batches are cut otherwise, when work is shared among processes, or when a run is
resumed. A hash of (key, stream, place) does not (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), and it is the
same on a CPU and a GPU, being whole-number arithmetic. The mixing is MurmurHash3's finaliser (Appleby 2011), keyed twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_WORD = 0xFFFFFFFF
_MANTISSA = 1 << 24


def draw_keys(seed: int, epoch: int, glitches: NDArray[np.int64], occurrences: NDArray[np.int64]) -> torch.Tensor:
    """Give each drawn glitch the key of its random numbers.

    Parameters
    ----------
    seed, epoch : int
    glitches : ndarray of int64, shape (B,)
        Row numbers in the study.
    occurrences : ndarray of int64, shape (B,)
        How often the glitch was drawn before in this epoch (sampling balanced by class draws some several times).

    Returns
    -------
    Tensor of int64, shape (B,), on the CPU
    """
    state = np.full(len(glitches), seed & (2**64 - 1), np.uint64)
    for part in (np.full(len(glitches), epoch), glitches, occurrences):
        state = _splitmix(state ^ part.astype(np.int64).view(np.uint64))
    return torch.from_numpy(state.view(np.int64))


def _splitmix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's step (Steele, Lea and Flood 2014, figure 16)."""
    z = state + np.uint64(_GOLDEN)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(keys: torch.Tensor, stream: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Draw uniform numbers.

    Parameters
    ----------
    keys : Tensor of int64, shape (B,)
        See `draw_keys`; on the device where the numbers are wanted.
    stream : int
        Their purpose: the streams of one key are independent.
    shape : tuple of int
        Of one key's numbers.

    Returns
    -------
    Tensor of float32, shape (B, *shape), on the keys' device
        Multiples of 2**-24 in [0, 1).
    """
    count = int(np.prod(shape, dtype=np.int64))
    place = torch.arange(count, dtype=torch.int32, device=keys.device)
    low = _int32(keys & _WORD)[:, None]
    high = _int32((keys >> 32) & _WORD)[:, None]
    mixed = _finalise(_finalise(place * _signed(0x9E3779B9) ^ low) ^ (high + _signed(stream * 0x632BE5AB)))
    return ((mixed >> 8) & (_MANTISSA - 1)).float().div_(_MANTISSA).view(len(keys), *shape)


def _finalise(word: torch.Tensor) -> torch.Tensor:
    """MurmurHash3's 32-bit finaliser; shifts are made unsigned by masks."""
    word = (word ^ ((word >> 16) & 0xFFFF)).mul_(_signed(0x85EBCA6B))
    word = (word ^ ((word >> 13) & 0x7FFFF)).mul_(_signed(0xC2B2AE35))
    return word ^ ((word >> 16) & 0xFFFF)


def _signed(word: int) -> int:
    """The 32-bit word read as two's complement."""
    word &= _WORD
    return word - (1 << 32) if word >> 31 else word


def _int32(words: torch.Tensor) -> torch.Tensor:
    return torch.where(words >> 31 == 1, words - (1 << 32), words).to(torch.int32)
