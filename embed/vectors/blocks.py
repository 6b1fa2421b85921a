"""From the pictures of a block of glitches to their vectors, in this process or in another: decoding in threads overlaps the network."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.errors import InputError, StudyError
from embed.views.cache import ViewCache
from embed.views.encoding import network_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Flags, Rows, Vectors
    from embed.vectors.plan import Plan

AHEAD = 3
"""Batches that are decoded ahead of the network."""


class Embedder:
    """The work of an embedding: what it holds is the same for all blocks.

    A copy in another process reads the cache of decoded views, and keeps nothing in it: one process alone writes a study.

    Parameters
    ----------
    plan : Plan
    cache : Path or None
        Folder of decoded views; None keeps nothing.
    report : callable, optional
        Called with how many glitches of a block are done; copies do not call it.
    """

    def __init__(self, plan: Plan, cache: Path | None, report: Callable[[int], None] | None = None) -> None:
        self._runtime = plan.runtime
        self._encoding = plan.encoding
        self._spec = plan.network.backbone
        self._folder = cache
        self._report = report
        self._keep = True

    def __getstate__(self) -> dict[str, Any]:
        held = {name: value for name, value in self.__dict__.items() if name not in ("_cache", "_pool")}
        return held | {"_report": None, "_keep": False}

    def close(self) -> None:
        """Give memory, threads and the cache's file back."""
        self._runtime.close()
        if "_cache" in self.__dict__:
            self._cache.close()
            self._pool.shutdown()

    @cached_property
    def _cache(self) -> ViewCache:
        plain = self._encoding.name == "plain"
        return ViewCache(self._folder, self._encoding.side(self._spec.size), plain=plain, keep=self._keep)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads())

    def __call__(self, block: Sequence[Sequence[View]]) -> tuple[Vectors, Flags, list[str]]:
        """Embed a block of glitches.

        Parameters
        ----------
        block : sequence of N sequences of View
            The views of each glitch, as `block_views` orders them.

        Returns
        -------
        vectors : ndarray of float32, shape (n, D)
        kept : ndarray of bool, shape (N,)
            Which glitches have a vector: those that could be decoded.
        reasons : list of N - n str
            Why the others have none.
        """
        window: deque[Future[np.ndarray | str]] = deque()
        queue = iter(block)
        cache, pool, batch = self._cache, self._pool, self._runtime.batch
        kept = np.ones(len(block), bool)
        reasons: list[str] = []
        vectors: list[np.ndarray] = [np.empty((0, self._spec.dimension), np.float32)]
        waiting: list[np.ndarray] = []
        for row in range(len(block)):
            while len(window) < AHEAD * batch and (views := next(queue, None)) is not None:
                window.append(pool.submit(_decoded, cache, views))
            decoded = window.popleft().result()
            if isinstance(decoded, str):
                kept[row] = False
                reasons.append(decoded)
            else:
                waiting.append(decoded)
            if len(waiting) == batch or (row == len(block) - 1 and waiting):
                vectors.append(self._vectors(np.stack(waiting)))
                waiting.clear()
                if self._report is not None:
                    self._report(row + 1)
        return np.concatenate(vectors), kept, reasons

    def _vectors(self, views: np.ndarray) -> Vectors:
        """Run the network on one batch, filled up to the runtime's size."""
        spec, batch, device = self._spec, self._runtime.batch, self._runtime.device
        pictures = network_input(views, self._encoding, spec.size, mean=spec.mean, std=spec.std, device=device)
        filled = (
            torch.cat([pictures, pictures.new_zeros(batch - len(pictures), *pictures.shape[1:])])
            if len(pictures) < batch
            else pictures
        )
        vectors = self._runtime(filled)[: len(views)]
        if vectors.shape[1] != spec.dimension:
            raise StudyError(
                f"{spec.name} gave vectors of {vectors.shape[1]} numbers instead of {spec.dimension}; use timm and torchvision as in constraints.txt"
            )
        return vectors


def block_views(study: Study, glitches: Rows, durations: Sequence[float]) -> list[list[View]]:
    """Return each glitch's views of these durations, in their order."""
    wanted: dict[int, list[View]] = {glitch: [] for glitch in glitches.tolist()}
    order = {duration: place for place, duration in enumerate(durations)}
    for view in study.views(glitches):
        if view.duration in order:
            wanted[view.glitch].append(view)
    return [sorted(views, key=lambda view: order[view.duration]) for views in wanted.values()]


def _decoded(cache: ViewCache, views: Sequence[View]) -> np.ndarray | str:
    try:
        return np.stack([cache.get(view) for view in views])
    except InputError as error:
        return str(error)
