"""From views to vectors, block by block: memory is bounded, a killed run resumes, and a cluster may compute the blocks."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from embed.errors import InputError, StudyError
from embed.fleet.spread import Spread, check_processor, here
from embed.storage import settle
from embed.study.study import Study
from embed.types import Flags, Progress, Rows, Step
from embed.vectors.blocks import Embedder, block_views
from embed.vectors.options import EmbeddingOptions
from embed.vectors.parts import blocks_of, drop_parts, has_parts, part_path, read_outcome, read_part, write_part
from embed.vectors.plan import Plan, make_plan
from embed.vectors.standing import finished_store, latest_choice, standing_vectors
from embed.vectors.store import MARK, StoreRows, VectorStore, write_store
from embed.views.cache import room_for
from embed.views.selection import LeftOut

PART = 512
"""Glitches in a part file: a killed run loses at most the part that is computed and the one that is written."""
CUDA_PART = 8192
"""The same on a GPU, which takes as long for them: it would stand still while a smaller part is written."""

WITNESSES = 200
"""Folders of which a cluster's machines must see a picture, before the first block."""


def embed(
    study: Study,
    options: EmbeddingOptions | None = None,
    *,
    retry: bool = False,
    command: str = "embed",
    step: Step = lambda _: None,
    progress: Progress | None = None,
    spread: Spread = here,
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
    step : callable, optional
        Receives the name of each step after the vectors are computed; see `embed.vectors.store.write_store`.
    progress : callable, optional
        Called with (glitches done, glitches in all).
    spread : Spread
        Where the blocks are computed: in this process, or on an `embed.fleet.cluster.Fleet`, with the same bytes.

    Returns
    -------
    VectorStore
        Finished, in the study.

    Raises
    ------
    InputError
        When the study has no views, or none that the encoding needs, or none can be decoded.
    WeightsError, DeviceError, StorageError, FleetError
        See `embed.errors`.
    """
    options = options or EmbeddingOptions()
    standing = standing_vectors(study, options, retry=retry)
    if standing is not None:
        if retry:
            _choose(study, standing, command)
        return standing
    plan = make_plan(study, options, (latest_choice(study) if options.asks_for_nothing else None) or {})
    check_processor(spread, plan.runtime.device.type)
    found = finished_store(study, plan.folder)
    if found is not None and found.passport["asked"] == plan.asked and not retry and not has_parts(plan.folder):
        return found
    with study.run(command, plan.choice):
        settle(plan.folder, MARK)
        found = finished_store(study, plan.folder)
        if found is not None and found.passport["asked"] == plan.asked and not found.passport["failed"]:
            drop_parts(plan.folder)
            return found
        return _make(study, plan, found, options, step=step, progress=progress, spread=spread)


def _choose(study: Study, store: VectorStore, command: str) -> None:
    """Make vectors that were made elsewhere those that later commands read."""
    facts = {name: str(store.passport[name]) for name in ("backbone", "weights", "views")}
    with study.run(command, {**facts, "store": store.name, "runtime": "none"}):
        pass


def _make(
    study: Study,
    plan: Plan,
    found: VectorStore | None,
    options: EmbeddingOptions,
    *,
    step: Step,
    progress: Progress | None,
    spread: Spread,
) -> VectorStore:
    old = _reusable(plan, found)
    todo = np.flatnonzero(old < 0)
    size = CUDA_PART if plan.runtime.device.type == "cuda" else PART
    blocks = [todo[block] for block in blocks_of(len(todo), size)]
    parts = {part_path(plan.folder, plan.glitches[rows], plan.inputs[rows]): rows for rows in blocks}
    _compute(study, plan, options, parts, progress=progress, spread=spread)
    kept = old >= 0
    left_out = list(plan.left_out)
    for path, rows in parts.items():
        good, reasons = read_outcome(path)
        kept[rows[good]] = True
        left_out += [
            LeftOut(int(glitch), reason) for glitch, reason in zip(plan.glitches[rows[~good]], reasons, strict=True)
        ]
    if not kept.any():
        raise InputError(f"none of the {len(kept)} glitches could be embedded; the first: {left_out[-1].reason}")
    kept_rows = StoreRows(plan.glitches[kept], plan.inputs[kept], _ids(study, plan.glitches[kept]))
    store = write_store(
        plan.folder,
        plan.passport,
        kept_rows,
        _vectors(found, parts, old),
        left_out=sorted(left_out),
        asked=plan.asked,
        failed=len(left_out) - len(plan.left_out),
        seed=options.seed,
        device=plan.runtime.device.type,
        step=step,
    )
    drop_parts(plan.folder)
    return store


def _compute(
    study: Study,
    plan: Plan,
    options: EmbeddingOptions,
    parts: dict[Path, Rows],
    *,
    progress: Progress | None,
    spread: Spread,
) -> None:
    """Write the parts that are not there yet."""
    missing = {path: plan.glitches[rows] for path, rows in parts.items() if not path.exists()}
    paths, durations = list(missing), plan.encoding.durations
    whole = len(plan.glitches)
    done = whole - sum(map(len, missing.values()))

    def report(more: int) -> None:
        if progress is not None:
            progress(done + more, whole)

    side, plain = plan.encoding.side(plan.network.backbone.size), plan.encoding.name == "plain"
    views = sum(map(len, parts.values())) * len(durations)
    cached = options.cache and room_for(study.folder, views, side, plain=plain)
    report(0)
    with (
        closing(Embedder(plan, study.folder / "cache" if cached else None, report)) as embedder,
        ThreadPoolExecutor(1) as writer,
    ):
        blocks = (block_views(study, glitches, durations) for glitches in missing.values())
        pictures = blocks if spread is here else map(list, blocks)  # another process cannot ask the study
        writing: Future[None] | None = None
        for number, part in spread(embedder, pictures, needs=_witnesses(study, missing)):
            if writing is not None:
                writing.result()
            writing = writer.submit(_write_part, paths[number], *part)  # while the network runs on
            done += len(missing[paths[number]])
            report(0)
        if writing is not None:
            writing.result()


def _write_part(path: Path, vectors: torch.Tensor, kept: Flags, reasons: list[str]) -> None:
    write_part(path, vectors.cpu().numpy(), kept, reasons)


def _witnesses(study: Study, missing: dict[Path, Rows]) -> Iterator[Path]:
    """Yield one picture of each folder that holds some, for the first `WITNESSES` folders."""
    folders: set[Path] = set()
    for glitches in missing.values():
        for view in study.views(glitches):
            path = Path(view.source)
            if path.parent not in folders:
                folders.add(path.parent)
                yield path
            if len(folders) == WITNESSES:
                return


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


def _vectors(found: VectorStore | None, parts: dict[Path, Rows], old: np.ndarray) -> Iterator[np.ndarray]:
    """The vectors in the glitches' order: old ones from the found store, new ones from the parts, which are in order too."""
    before = 0
    for path, rows in parts.items():
        vectors, good = read_part(path)
        if good.all() and len(rows) == rows[-1] + 1 - before:  # as they are: nothing to reuse, nothing left out
            yield vectors
            before = int(rows[-1]) + 1
            continue
        merged = np.arange(before, int(rows[-1]) + 1)
        is_new = np.isin(merged, rows)
        sources = np.flatnonzero(~np.isin(merged, rows[~good]))
        out = np.empty((len(sources), vectors.shape[1]), np.float32)
        out[is_new[sources]] = vectors
        if found is not None:
            out[~is_new[sources]] = found.vectors[old[merged[sources][~is_new[sources]]]]
        yield out
        before = int(rows[-1]) + 1
    rest = old[before:]
    for block in blocks_of(len(rest), PART):
        if found is None:
            raise StudyError(
                "vectors to reuse, and no store to take them from; delete the folder vectors/ and run `discover embed`"
            )
        yield found.vectors[rest[block]]
