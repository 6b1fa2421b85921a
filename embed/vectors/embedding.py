"""From views to vectors: decoding in threads overlaps the network, memory is bounded, and a killed run resumes."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from embed.errors import InputError, StudyError
from embed.storage import settle
from embed.study.records import View
from embed.study.study import Study
from embed.types import Progress, Rows
from embed.vectors.options import EmbeddingOptions
from embed.vectors.parts import blocks_of, drop_parts, has_parts, part_path, read_part, write_part
from embed.vectors.plan import Plan, make_plan
from embed.vectors.standing import finished_store, latest_choice, standing_vectors
from embed.vectors.store import MARK, StoreRows, VectorStore, write_store
from embed.views.cache import ViewCache, room_for
from embed.views.encoding import network_input
from embed.views.selection import LeftOut

PART = 512
"""Glitches in a part file: a killed run loses at most these."""

AHEAD = 3
"""Batches that are decoded ahead of the network."""


def embed(
    study: Study,
    options: EmbeddingOptions | None = None,
    *,
    retry: bool = False,
    command: str = "embed",
    progress: Progress | None = None,
) -> VectorStore:
    """Compute every glitch's vector, the index and the neighbour graph; existing vectors, also those made elsewhere, are reused.

    Parameters
    ----------
    study : Study
        A run is recorded in it, unless the vectors exist already.
    options : EmbeddingOptions, optional
        Network, weights, views, device; by default as embedded last, or else the defaults.
    retry : bool
        Record a run even when nothing is missing, and try again to decode the views that could not be decoded before.
    command : str
        The name of the run: only vectors made by ``embed`` are used by later commands by default.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    VectorStore
        Finished, in the study.

    Raises
    ------
    InputError
        When the study has no views, or none that the encoding needs, or none can be decoded.
    WeightsError, DeviceError, StorageError
        See the modules of these names.
    """
    options = options or EmbeddingOptions()
    standing = standing_vectors(study, options, retry=retry)
    if standing is not None:
        if retry:
            _choose(study, standing, command)
        return standing
    plan = make_plan(study, options, (latest_choice(study) if options.asks_for_nothing else None) or {})
    found = finished_store(study, plan.folder)
    if found is not None and found.passport["asked"] == plan.asked and not retry and not has_parts(plan.folder):
        return found
    with study.run(command, plan.choice):
        settle(plan.folder, MARK)
        found = finished_store(study, plan.folder)
        if found is not None and found.passport["asked"] == plan.asked and not found.passport["failed"]:
            drop_parts(plan.folder)
            return found
        return _make(study, plan, found, options, progress)


def _choose(study: Study, store: VectorStore, command: str) -> None:
    """Make vectors that were made elsewhere those that later commands read."""
    facts = {name: str(store.passport[name]) for name in ("backbone", "weights", "views")}
    with study.run(command, {**facts, "store": store.name, "runtime": "none"}):
        pass


def _make(
    study: Study, plan: Plan, found: VectorStore | None, options: EmbeddingOptions, progress: Progress | None
) -> VectorStore:
    old = _reusable(plan, found)
    todo = np.flatnonzero(old < 0)
    plain = plan.encoding.name == "plain"
    side = plan.encoding.side(plan.network.backbone.size)
    cached = options.cache and room_for(study.folder, len(todo) * len(plan.encoding.durations), side, plain=plain)
    paths: list[Path] = []
    left_out = list(plan.left_out)
    kept = old >= 0
    with (
        ViewCache(study.folder / "cache" if cached else None, side, plain=plain) as cache,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        done = int(kept.sum())
        for block in blocks_of(len(todo), PART):
            rows = todo[block]
            path = part_path(plan.folder, plan.glitches[rows], plan.inputs[rows])
            paths.append(path)
            if not path.exists():
                report = partial(_report, progress, len(kept), done)
                write_part(path, *_run(study, plan, plan.glitches[rows], cache=cache, pool=pool, report=report))
            _, good, reasons = read_part(path)
            kept[rows[good]] = True
            left_out += [
                LeftOut(int(glitch), reason) for glitch, reason in zip(plan.glitches[rows[~good]], reasons, strict=True)
            ]
            done += len(rows)
            _report(progress, len(kept), done, 0)
    plan.runtime.close()
    if not kept.any():
        raise InputError(f"none of the {len(kept)} glitches could be embedded; the first: {left_out[-1].reason}")
    kept_rows = StoreRows(plan.glitches[kept], plan.inputs[kept], _ids(study, plan.glitches[kept]))
    store = write_store(
        plan.folder,
        plan.passport,
        kept_rows,
        _blocks(found, paths, old, todo),
        left_out=sorted(left_out),
        asked=plan.asked,
        failed=len(left_out) - len(plan.left_out),
        seed=options.seed,
        device=plan.runtime.device.type,
    )
    drop_parts(plan.folder)
    return store


def _report(progress: Progress | None, whole: int, before: int, more: int) -> None:
    if progress is not None:
        progress(before + more, whole)


def _reusable(plan: Plan, found: VectorStore | None) -> np.ndarray:
    """Row in the found store of each glitch whose input is unchanged, else -1."""
    if found is None:
        return np.full(len(plan.glitches), -1)
    rows = found.rows(plan.glitches)
    same = (found.inputs[rows] == plan.inputs).all(axis=1) & (rows >= 0)
    return np.where(same, rows, -1)


def _ids(study: Study, glitches: np.ndarray) -> list[str]:
    names = study.ids()
    return [names[glitch] for glitch in glitches.tolist()]


def _blocks(found: VectorStore | None, paths: list[Path], old: np.ndarray, todo: np.ndarray) -> Iterator[np.ndarray]:
    """The vectors in the glitches' order: old ones from the found store, new ones from the parts, which are in order too."""
    for path, block in zip(paths, blocks_of(len(todo), PART), strict=True):
        rows = todo[block]
        before = 0 if block.start == 0 else int(todo[block.start - 1]) + 1
        vectors, good, _ = read_part(path)
        merged = np.arange(before, int(rows[-1]) + 1)
        is_new = np.isin(merged, rows)
        sources = np.flatnonzero(~np.isin(merged, rows[~good]))
        out = np.empty((len(sources), vectors.shape[1]), np.float32)
        out[is_new[sources]] = vectors
        if found is not None:
            out[~is_new[sources]] = found.vectors[old[merged[sources][~is_new[sources]]]]
        yield out
    rest = old[int(todo[-1]) + 1 :] if len(todo) else old
    for block in blocks_of(len(rest), PART):
        if found is None:
            raise StudyError(
                "vectors to reuse, and no store to take them from; delete the folder vectors/ and run `discover embed`"
            )
        yield found.vectors[rest[block]]


def _run(
    study: Study,
    plan: Plan,
    glitches: Rows,
    *,
    cache: ViewCache,
    pool: ThreadPoolExecutor,
    report: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Vectors of a block of glitches, which of them could be decoded, and why the others could not."""
    wanted: dict[int, list[View]] = {glitch: [] for glitch in glitches.tolist()}
    for view in study.views(glitches):
        if view.duration in plan.encoding.durations:
            wanted[view.glitch].append(view)
    order = {duration: place for place, duration in enumerate(plan.encoding.durations)}
    window: deque[Future[np.ndarray | str]] = deque()
    queue = iter(sorted(views, key=lambda view: order[view.duration]) for views in wanted.values())
    batch = plan.runtime.batch
    kept = np.ones(len(glitches), bool)
    reasons: list[str] = []
    vectors: list[np.ndarray] = []
    waiting: list[np.ndarray] = []
    for row in range(len(glitches)):
        while len(window) < AHEAD * batch and (views := next(queue, None)) is not None:
            window.append(pool.submit(_decoded, cache, views))
        decoded = window.popleft().result()
        if isinstance(decoded, str):
            kept[row] = False
            reasons.append(decoded)
        else:
            waiting.append(decoded)
        if len(waiting) == batch or (row == len(glitches) - 1 and waiting):
            vectors.append(_vectors(plan, np.stack(waiting)))
            waiting.clear()
            report(row + 1)
    empty = np.empty((0, plan.network.backbone.dimension), np.float32)
    return np.concatenate([empty, *vectors]), kept, reasons


def _decoded(cache: ViewCache, views: list[View]) -> np.ndarray | str:
    try:
        return np.stack([cache.get(view) for view in views])
    except InputError as error:
        return str(error)


def _vectors(plan: Plan, views: np.ndarray) -> np.ndarray:
    """Run the network on one batch, filled up to the runtime's size."""
    spec, batch = plan.network.backbone, plan.runtime.batch
    pictures = network_input(views, plan.encoding, spec.size, mean=spec.mean, std=spec.std, device=plan.runtime.device)
    filled = (
        torch.cat([pictures, pictures.new_zeros(batch - len(pictures), *pictures.shape[1:])])
        if len(pictures) < batch
        else pictures
    )
    vectors = plan.runtime(filled)[: len(views)]
    if vectors.shape[1] != spec.dimension:
        raise StudyError(
            f"{spec.name} gave vectors of {vectors.shape[1]} numbers instead of {spec.dimension}; use timm and torchvision as in constraints.txt"
        )
    return vectors
