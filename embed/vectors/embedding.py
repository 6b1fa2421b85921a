"""From views to vectors, block by block: memory is bounded, a killed run resumes, and a cluster may compute the blocks."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from embed.errors import InputError
from embed.fleet.spread import Spread, check_processor, here
from embed.storage import settle
from embed.study.study import Study
from embed.types import Flags, Progress, Rows, Step
from embed.vectors.blocks import Embedder, block_views
from embed.vectors.made import MadeVectors
from embed.vectors.options import EmbeddingOptions
from embed.vectors.parts import blocks_of, drop_parts, has_parts, part_path, read_outcome, write_part
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
        return _make(study, plan, options, step=step, progress=progress, spread=spread)


def _choose(study: Study, store: VectorStore, command: str) -> None:
    """Make vectors that were made elsewhere those that later commands read."""
    facts = {name: str(store.passport[name]) for name in ("backbone", "weights", "views")}
    with study.run(command, {**facts, "store": store.name, "runtime": "none"}):
        pass


def _make(
    study: Study, plan: Plan, options: EmbeddingOptions, *, step: Step, progress: Progress | None, spread: Spread
) -> VectorStore:
    failed = make_missing(study, plan, options, progress=progress, spread=spread)
    made = made_vectors(study, plan)
    places = made.places(plan.glitches, plan.inputs)
    kept = places >= 0
    if not kept.any():
        raise InputError(f"none of the {len(kept)} glitches could be embedded; the first: {failed[-1].reason}")
    places = places[kept]
    store = write_store(
        plan.folder,
        plan.passport,
        StoreRows(plan.glitches[kept], plan.inputs[kept], _ids(study, plan.glitches[kept])),
        (made.take(places[block]) for block in blocks_of(len(places), PART)),
        left_out=sorted([*plan.left_out, *failed]),
        asked=plan.asked,
        failed=len(failed),
        seed=options.seed,
        device=plan.runtime.device.type,
        step=step,
    )
    drop_parts(plan.folder)
    return store


def made_vectors(study: Study, plan: Plan) -> MadeVectors:
    """The vectors of a plan's passport that the study has."""
    return MadeVectors(plan.folder, finished_store(study, plan.folder), plan.network.backbone.dimension)


def make_missing(
    study: Study, plan: Plan, options: EmbeddingOptions, *, progress: Progress | None, spread: Spread = here
) -> list[LeftOut]:
    """Compute the vectors of a plan that the study has neither in the store nor in its parts, and write them as parts.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    plan : Plan
    options, progress, spread
        See `embed`.

    Returns
    -------
    list of LeftOut
        Glitches whose picture could not be decoded; they are tried again each time.
    """
    todo = np.flatnonzero(made_vectors(study, plan).places(plan.glitches, plan.inputs) < 0)
    size = CUDA_PART if plan.runtime.device.type == "cuda" else PART
    blocks = [todo[block] for block in blocks_of(len(todo), size)]
    parts = {part_path(plan.folder, plan.glitches[rows], plan.inputs[rows]): rows for rows in blocks}
    _compute(study, plan, options, parts, progress=progress, spread=spread)
    failed = []
    for path, rows in parts.items():
        good, reasons = read_outcome(path)
        failed += [
            LeftOut(int(glitch), reason) for glitch, reason in zip(plan.glitches[rows[~good]], reasons, strict=True)
        ]
        if not good.any():
            path.unlink()
    return failed


def _compute(
    study: Study,
    plan: Plan,
    options: EmbeddingOptions,
    parts: dict[Path, Rows],
    *,
    progress: Progress | None,
    spread: Spread,
) -> None:
    """Write the parts."""
    missing = {path: plan.glitches[rows] for path, rows in parts.items()}
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
            rows = parts[paths[number]]
            made_from = plan.glitches[rows], plan.inputs[rows]
            writing = writer.submit(_write_part, paths[number], made_from, *part)  # while the network runs on
            done += len(missing[paths[number]])
            report(0)
        if writing is not None:
            writing.result()


def _write_part(
    path: Path, made_from: tuple[Rows, np.ndarray], vectors: torch.Tensor, kept: Flags, reasons: list[str]
) -> None:
    write_part(path, *made_from, vectors.cpu().numpy(), kept=kept, reasons=reasons)


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


def _ids(study: Study, glitches: np.ndarray) -> list[str]:
    names = study.ids()
    return [names[glitch] for glitch in glitches.tolist()]
