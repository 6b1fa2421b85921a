"""From the pictures of a block of glitches to their vectors, in this process or in another: decoding in threads overlaps the network."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from embed.errors import StudyError
from embed.views.cache import ViewCache
from embed.views.encoding import network_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Flags, Pixels, Rows
    from embed.vectors.plan import Plan

AHEAD = 3
"""Batches that are decoded ahead of the network."""

TASKS = 16
"""In which threads decode a batch: a task for each glitch would cost more than reading it from the cache."""

LISTED = 256
"""Glitches whose views are asked of the study at once: a GPU is at work while the next are asked for."""


class Embedder:
    """The work of an embedding: what it holds is the same for all blocks.

    A copy in another process reads the cache of decoded views, and keeps nothing in it: one process alone writes a study.

    Parameters
    ----------
    plan : Plan
    cache : Path or None
        Folder of decoded views; None keeps nothing.
    report : callable, optional
        Called with how many glitches of a block were given to the network; copies do not call it.
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
        if "_pool" in self.__dict__:  # the threads first: they read from the cache
            self._pool.shutdown(cancel_futures=True)
        if "_cache" in self.__dict__:
            self._cache.close()

    @cached_property
    def _cache(self) -> ViewCache:
        plain = self._encoding.name == "plain"
        side, threads = self._encoding.side(self._spec.size), torch.get_num_threads() if self._keep else 1
        return ViewCache(self._folder, side, plain=plain, keep=self._keep, threads=threads)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads())

    def __call__(self, block: Iterable[Sequence[View]]) -> tuple[torch.Tensor, Flags, list[str]]:
        """Embed a block of glitches.

        Parameters
        ----------
        block : iterable of N sequences of View
            The views of each glitch, as `block_views` gives them; taken a batch at a time.

        Returns
        -------
        vectors : tensor of float32, shape (n, D)
            On the runtime's device; a GPU may still be at work on them.
        kept : ndarray of bool, shape (N,)
            Which glitches have a vector: those that could be decoded.
        reasons : list of N - n str
            Why the others have none.
        """
        kept: list[Flags] = [np.empty(0, bool)]
        reasons: list[str] = []
        vectors: list[torch.Tensor] = [torch.empty((0, self._spec.dimension), device=self._runtime.device)]
        done = 0
        for views, failures in self._batches(block):
            good = np.array([not failure for failure in failures])
            kept.append(good)
            reasons += filter(None, failures)
            if good.any():
                own = self._start(views)[: len(good)]
                vectors.append(own if good.all() else own[torch.from_numpy(good).to(own.device)])
            done += len(good)
            if self._report is not None:
                self._report(done)
        return torch.cat(vectors), np.concatenate(kept), reasons

    def _batches(self, block: Iterable[Sequence[View]]) -> Iterator[tuple[torch.Tensor, list[str]]]:
        """Yield the views of one batch after the other, as `_start` takes them, and why each glitch has none; `AHEAD` more are being decoded."""
        window: deque[tuple[torch.Tensor, list[Future[list[str]]]]] = deque()
        rest = iter(block)
        while glitches := list(islice(rest, self._runtime.batch)):
            window.append(self._decoding(glitches))
            if len(window) > AHEAD:
                yield _finished(*window.popleft())
        while window:
            yield _finished(*window.popleft())

    def _decoding(self, glitches: Sequence[Sequence[View]]) -> tuple[torch.Tensor, list[Future[list[str]]]]:
        """Have threads decode the views of one batch into memory that a GPU can copy from while it is at work."""
        batch, cache = self._runtime.batch, self._cache
        shape = (batch, len(self._encoding.durations), *cache.shape)
        views = torch.empty(shape, dtype=torch.uint8, pin_memory=self._runtime.device.type == "cuda")
        views[len(glitches) :] = 0
        pixels, size = views.numpy(), -(-batch // TASKS)
        return views, [
            self._pool.submit(_decode, cache, glitches[start : start + size], pixels[start : start + size])
            for start in range(0, len(glitches), size)
        ]

    def _start(self, views: torch.Tensor) -> torch.Tensor:
        """Run the network on one batch of the runtime's size; a GPU may still be at work when this returns."""
        spec = self._spec
        pictures = network_input(
            views, self._encoding, spec.size, mean=spec.mean, std=spec.std, device=self._runtime.device
        )
        vectors = self._runtime.start(pictures)
        if vectors.shape[1] != spec.dimension:
            raise StudyError(
                f"{spec.name} gave vectors of {vectors.shape[1]} numbers instead of {spec.dimension}; use timm and torchvision as in constraints.txt"
            )
        return vectors


def block_views(study: Study, glitches: Rows, durations: Sequence[float]) -> Iterator[list[View]]:
    """Yield each glitch's views of these durations, in their order; `LISTED` glitches' are asked of the study at once."""
    order = {duration: place for place, duration in enumerate(durations)}
    for start in range(0, len(glitches), LISTED):
        some = glitches[start : start + LISTED]
        wanted: dict[int, list[View]] = {glitch: [] for glitch in some.tolist()}
        for view in study.views(some):
            if view.duration in order:
                wanted[view.glitch].append(view)
        for views in wanted.values():
            yield sorted(views, key=lambda view: order[view.duration])


def _finished(views: torch.Tensor, tasks: list[Future[list[str]]]) -> tuple[torch.Tensor, list[str]]:
    return views, [reason for task in tasks for reason in task.result()]


def _decode(cache: ViewCache, glitches: Sequence[Sequence[View]], out: Pixels) -> list[str]:
    """Fill `out` (N, V, ...) with the views of N glitches; returns why each has none, empty for one that has."""
    for views in glitches:
        if len(views) != out.shape[1]:
            raise StudyError(
                f"a glitch has {len(views)} of {out.shape[1]} views: another program has changed the study; run `discover check`"
            )
    flat = out[: len(glitches)].reshape(-1, *cache.shape)
    why = iter(cache.fill(list(chain.from_iterable(glitches)), flat))
    reasons = [next(filter(None, list(islice(why, len(views)))), "") for views in glitches]
    for row, reason in enumerate(reasons):
        if reason:
            out[row] = 0
    return reasons
