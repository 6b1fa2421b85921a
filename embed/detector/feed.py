"""Batches of examples, made ahead in other processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, Dataset

from embed.detector.examples import Examples
from embed.processors import usable_processors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embed.detector.options import DetectorOptions
    from embed.training.distributed import Ranks

_AHEAD = 4
"""Batches that each process makes ahead."""


class Feed(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A process's share of each step's examples.

    Parameters
    ----------
    options : DetectorOptions
    steps : int
        Of the whole training.
    ranks : Ranks
    """

    def __init__(self, options: DetectorOptions, steps: int, ranks: Ranks) -> None:
        self.options, self.steps, self.ranks = options, steps, ranks
        self._examples = Examples(options.source, options.seed)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Strain, float32 (b, D, samples), and labels, int64 (b,), of a step."""
        own = self.ranks.own(self.options.batch)
        snr = (least_snr(self.options, step, self.steps), self.options.source.snr[1])
        first = step * self.options.batch
        batch = self._examples.batch(range(first + own.start, first + own.stop), snr=snr)
        return torch.from_numpy(batch.strain), torch.from_numpy(batch.labels)

    def from_step(self, step: int, workers: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Batches of the steps from one on, in order."""
        return iter(
            DataLoader(
                self,
                batch_size=None,
                sampler=range(step, self.steps),
                num_workers=workers,
                prefetch_factor=_AHEAD if workers else None,
                multiprocessing_context="fork" if workers else None,
            )
        )


def least_snr(options: DetectorOptions, step: int, steps: int) -> float:
    """Least SNR of the signals of a step: over the curriculum it falls from the greatest one to its own."""
    least, most = options.source.snr
    share = step / (options.curriculum * steps) if options.curriculum else 1.0
    return most + (least - most) * min(share, 1.0)


def worker_count(device: torch.device) -> int:
    """Processes that make examples where none are asked for: one beside a CPU's training, all cores but one beside a GPU's."""
    return 1 if device.type == "cpu" else max(1, usable_processors() - 1)
