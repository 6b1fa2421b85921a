"""From views to vectors: decoding in threads overlaps the network, memory is bounded, and a killed run goes on where it was."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import PIL
import timm
import torch

from embed.backbones import DEFAULT_BACKBONE, WEIGHT_SOURCES, Network, load_network
from embed.devices import choose_device
from embed.encoding import Encoding, network_input, parse_encoding, richest
from embed.errors import InputError, StudyError
from embed.runtime import Runtime, make_runtime
from embed.study import Study, View
from embed.vectors import (
    LeftOut,
    Passport,
    VectorStore,
    blocks_of,
    drop_parts,
    part_path,
    read_part,
    settle,
    stores,
    write_part,
    write_store,
)
from embed.viewcache import ViewCache, room_for
from embed.views import VIEWS_VERSION

PART = 512
"""Glitches a part file: what a killed run loses at most."""

AHEAD = 3
"""Batches that are decoded ahead of the network."""

DEFAULT_WEIGHTS = "bundled"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Settings:
    """What is asked of an embedding; None takes the study's latest store's choice, or else the default.

    Attributes
    ----------
    backbone : str or None
        See `embed.backbones.find_backbone`.
    weights : str or None
        ``imagenet``, ``bundled`` or a file.
    views : str or None
        See `embed.encoding.parse_encoding`; by default the richest encoding that every glitch has.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    runtime : str
        ``auto``, ``torch`` or ``onnx``.
    seed : int
        Of an approximate index; an exact one does not depend on it.
    cache : bool
        Keep decoded views for a second network.
    """

    backbone: str | None = None
    weights: str | None = None
    views: str | None = None
    device: str = "auto"
    runtime: str = "auto"
    seed: int = 0
    cache: bool = True

    @property
    def asks_for_nothing(self) -> bool:
        """Whether the study's latest vectors will do, wherever they were made."""
        return (self.backbone, self.weights, self.views, self.device, self.runtime) == (
            None,
            None,
            None,
            "auto",
            "auto",
        )


def embed(
    study: Study, settings: Settings = Settings(), *, retry: bool = False, progress: Progress | None = None
) -> VectorStore:
    """Give every glitch its vector, and the vectors their index and graph; what is there already is not computed again.

    Parameters
    ----------
    study : Study
        Written to, as a run of its own, unless the vectors are there already.
    settings : Settings
        Network, weights, views, device.
    retry : bool
        Log a run even when all is there, and decode again what could not be decoded when the store was made.
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
    latest = _latest_choice(study) if settings.asks_for_nothing else None
    if latest is not None and not retry:
        store = _finished(study, study.folder / "vectors" / latest["store"])
        if store is not None and store.passport["asked"] == _asked(*_wanted(study, parse_encoding(latest["views"]))):
            return store
    plan = _plan(study, settings, latest or {})
    found = _finished(study, plan.folder)
    if found is not None and found.passport["asked"] == plan.asked and not retry:
        return found
    with study.run("embed", plan.choice):
        settle(plan.folder)
        found = _finished(study, plan.folder)
        if found is not None and found.passport["asked"] == plan.asked and not found.passport["failed"]:
            return found
        return _make(study, plan, found, settings, progress)


def _finished(study: Study, folder: Path) -> VectorStore | None:
    return next((store for store in stores(study.folder) if store.folder == folder), None)


@dataclass(frozen=True)
class _Plan:
    """What is to be embedded, and with what."""

    network: Network
    runtime: Runtime
    encoding: Encoding
    passport: Passport
    folder: Path
    glitches: np.ndarray
    inputs: np.ndarray
    left_out: list[LeftOut]
    choice: dict[str, str]

    @property
    def asked(self) -> str:
        return _asked(self.glitches, self.inputs, self.left_out)


def _asked(glitches: np.ndarray, inputs: np.ndarray, left_out: list[LeftOut]) -> str:
    """Hash of the glitches and their inputs, and of the glitches that are left out."""
    lacking = np.array([item.glitch for item in left_out], np.int64)
    return hashlib.sha256(glitches.tobytes() + inputs.tobytes() + lacking.tobytes()).hexdigest()


def _plan(study: Study, settings: Settings, latest: dict[str, str]) -> _Plan:
    backbone = settings.backbone or latest.get("backbone") or DEFAULT_BACKBONE
    weights = settings.weights or latest.get("weights") or DEFAULT_WEIGHTS
    views = settings.views or latest.get("views")
    encoding = parse_encoding(views) if views else _richest(study)
    device = choose_device(settings.device)
    network = load_network(backbone, weights)
    runtime = make_runtime(
        network,
        device,
        latest.get("runtime", "auto") if device.type == "cpu" and settings.runtime == "auto" else settings.runtime,
    )
    spec = network.backbone
    passport = Passport(
        backbone=spec.name,
        architecture=f"{spec.library}:{spec.architecture}",
        weights=network.weights,
        weights_sha256=network.weights_sha256,
        views=str(encoding),
        views_version=VIEWS_VERSION,
        size=spec.size,
        mean=spec.mean,
        std=spec.std,
        runtime=runtime.name,
        device=device.type,
        versions={"pillow": PIL.__version__, "timm": timm.__version__, "torch": torch.__version__},
    )
    glitches, inputs, left_out = _wanted(study, encoding)
    if not len(glitches):
        raise InputError(
            f"no glitch has the views {encoding} ({len(left_out)} glitches lack them); choose others with --views"
        )
    where = weights if weights in WEIGHT_SOURCES else str(Path(weights).absolute())
    choice = {
        "backbone": spec.name,
        "weights": where,
        "views": str(encoding),
        "store": passport.name,
        "runtime": runtime.kind,
    }
    folder = study.folder / "vectors" / passport.name
    return _Plan(network, runtime, encoding, passport, folder, glitches, inputs, left_out, choice)


def _latest_choice(study: Study) -> dict[str, str] | None:
    """What the latest finished `embed` run used: ``backbone``, ``weights``, ``views``, ``runtime`` and the ``store`` it made."""
    row = study.connection.execute(
        "SELECT arguments FROM runs WHERE command = 'embed' AND outcome = 'done' ORDER BY run DESC LIMIT 1"
    ).fetchone()
    return json.loads(row[0]) if row else None


def _richest(study: Study) -> Encoding:
    (glitches,) = study.connection.execute("SELECT count(DISTINCT glitch) FROM views").fetchone()
    if glitches == 0:
        raise InputError(f"the study {study.folder} holds no images yet; bring some in with `discover ingest PATH`")
    return richest(study.durations(), glitches)


def _wanted(study: Study, encoding: Encoding) -> tuple[np.ndarray, np.ndarray, list[LeftOut]]:
    """Glitches that have every view of the encoding, a hash of each one's files, and those that lack some."""
    glitches: list[int] = []
    inputs = bytearray()
    left_out: list[LeftOut] = []
    rows = study.connection.execute("SELECT glitch, duration, sha256 FROM views ORDER BY glitch, duration")
    for glitch, group in groupby(rows, key=itemgetter(0)):
        hashes = {duration: sha256 for _, duration, sha256 in group}
        lacking = [duration for duration in encoding.durations if duration not in hashes]
        if lacking:
            left_out.append(
                LeftOut(
                    glitch, "no view " + ", ".join(f"{duration} s" if duration else "(plain)" for duration in lacking)
                )
            )
        else:
            glitches.append(glitch)
            inputs += hashlib.sha256("".join(hashes[duration] for duration in encoding.durations).encode()).digest()
    return np.array(glitches, np.int64), np.frombuffer(bytes(inputs), np.uint8).reshape(-1, 32), left_out


def _make(
    study: Study, plan: _Plan, found: VectorStore | None, settings: Settings, progress: Progress | None
) -> VectorStore:
    old = _reusable(plan, found)
    todo = np.flatnonzero(old < 0)
    plain = plan.encoding.name == "plain"
    side = plan.encoding.side(plan.network.backbone.size)
    cached = settings.cache and room_for(study.folder, len(todo) * len(plan.encoding.durations), side, plain=plain)
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
                tell = partial(_tell, progress, len(kept), done)
                write_part(path, *_run(study, plan, plan.glitches[rows], cache, pool, tell))
            _, good, reasons = read_part(path)
            kept[rows[good]] = True
            left_out += [
                LeftOut(int(glitch), reason) for glitch, reason in zip(plan.glitches[rows[~good]], reasons, strict=True)
            ]
            done += len(rows)
            _tell(progress, len(kept), done, 0)
    if not kept.any():
        raise InputError(f"none of the {len(kept)} glitches could be embedded; the first: {left_out[-1].reason}")
    ids = _ids(study, plan.glitches[kept])
    blocks = _blocks(found, paths, old, todo)
    store = write_store(
        plan.folder,
        plan.passport,
        plan.glitches[kept],
        plan.inputs[kept],
        ids,
        blocks,
        sorted(left_out),
        asked=plan.asked,
        failed=len(left_out) - len(plan.left_out),
        seed=settings.seed,
        device=plan.runtime.device.type,
    )
    drop_parts(plan.folder)
    return store


def _tell(progress: Progress | None, whole: int, before: int, more: int) -> None:
    if progress is not None:
        progress(before + more, whole)


def _reusable(plan: _Plan, found: VectorStore | None) -> np.ndarray:
    """Row in the found store of each glitch whose input is unchanged, else -1."""
    if found is None:
        return np.full(len(plan.glitches), -1)
    rows = found.rows(plan.glitches)
    same = (found.inputs[rows] == plan.inputs).all(axis=1) & (rows >= 0)
    return np.where(same, rows, -1)


def _ids(study: Study, glitches: np.ndarray) -> list[str]:
    names = dict(study.connection.execute("SELECT glitch, id FROM glitches"))
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
    plan: _Plan,
    glitches: np.ndarray,
    cache: ViewCache,
    pool: ThreadPoolExecutor,
    tell: Callable[[int], None],
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
            tell(row + 1)
    empty = np.empty((0, plan.network.backbone.dimension), np.float32)
    return np.concatenate([empty, *vectors]), kept, reasons


def _decoded(cache: ViewCache, views: list[View]) -> np.ndarray | str:
    try:
        return np.stack([cache.get(view) for view in views])
    except InputError as error:
        return str(error)


def _vectors(plan: _Plan, views: np.ndarray) -> np.ndarray:
    """Run the network on one batch, filled up to the runtime's size."""
    spec, batch = plan.network.backbone, plan.runtime.batch
    pictures = network_input(views, plan.encoding, spec.size, spec.mean, spec.std, plan.runtime.device)
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
