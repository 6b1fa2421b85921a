"""Cross-fitting: the network is fine-tuned for every fold and predicts the glitches of the fold that it did not see.

George, Shen and Huerta (2018) found mislabelled glitches this way: networks trained on random splits got them wrong repeatedly. It also
serves labels that the network of the vectors was trained on.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from audit.heldout.crossfit import HeldOut
from audit.heldout.splits import plan_splits
from embed.dataset.dataset import TrainingSet
from embed.dataset.splits import TEST, TRAIN, VALIDATION, Split
from embed.digits import counted
from embed.errors import InputError
from embed.fleet.spread import check_processor, here
from embed.network.model import load_model
from embed.network.names import WEIGHT_SOURCES
from embed.network.network import load_network
from embed.network.sources import is_model, model_folder
from embed.processors import usable_processors
from embed.storage import digest, write_array
from embed.training.checkpoint import drop_checkpoints
from embed.training.context import TrainingContext
from embed.training.loop import fit, make_classifier
from embed.training.recipe import make_recipe
from embed.training.scoring import judge
from embed.views.encoding import parse_encoding
from embed.views.loading import read_levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from audit.heldout.refitting import Refitting
    from audit.heldout.splits import SplitPlan
    from embed.fleet.spread import Spread
    from embed.network.network import Network
    from embed.study.study import Study
    from embed.types import Codes, Floats, Rows, Step
    from embed.views.encoding import Encoding
    from embed.views.loading import Levels

    _Fold = tuple[int, NDArray[np.int8]]

_INNER_FOLDS = 10
"""One fold in ten of the training rows chooses the epoch."""


def unseen_start(folder: Path, weights: str, *, trust: bool = False) -> tuple[str, str | None, str | None]:
    """Weights, backbone and views that cross-fitting starts from, for vectors of these weights.

    Parameters
    ----------
    folder : Path
        The study's.
    weights : str
        As on the command line. ``model:NAME`` stands for the weights that this model was fine-tuned from.
    trust : bool
        Accept weights of unknown origin.

    Returns
    -------
    weights : str
    backbone, views : str or None
        Of the model; None where the weights are not of a model.

    Raises
    ------
    InputError
        When the weights may have seen these labels and their origin is unknown.
    """
    if not is_model(weights):
        if trust or weights in WEIGHT_SOURCES:
            return weights, None, None
        raise InputError(
            f"--refit needs a start that saw none of these labels, and the origin of {weights!r} is unknown; give --weights {' or '.join(WEIGHT_SOURCES)}, a model of the study, or --trust-vectors"
        )
    model = load_model(model_folder(folder, weights))
    origin = str(model.card["weights"])
    if not trust and origin not in WEIGHT_SOURCES:
        raise InputError(
            f"model {model.name!r} was fine-tuned from {origin!r}, which may have seen these labels too; give --weights {' or '.join(WEIGHT_SOURCES)}"
        )
    return origin, model.network.backbone.name, str(model.encoding)


def refit_network(
    study: Study,
    glitches: Rows,
    codes: Codes,
    classes: tuple[str, ...],
    plan: SplitPlan,
    *,
    refitting: Refitting,
    step: Step = lambda _: None,
    spread: Spread = here,
) -> HeldOut:
    """Fine-tune the network for every split, and predict the rows that the split tests.

    An interrupted call resumes: finished splits are kept in the study until all are finished.

    Parameters
    ----------
    study : Study
    glitches : ndarray of int64, shape (N,)
        Row numbers in the study.
    codes : ndarray of int64, shape (N,)
        Their labels, 0 to K - 1.
    classes : tuple of str, length K
    plan : SplitPlan
    refitting : Refitting
    step : callable
        Receives a line after each split.
    spread : Spread
        Where the splits are trained: in this process, in `Refitting.processes`, or on an `embed.fleet.cluster.Fleet`, on one thread each.

    Returns
    -------
    HeldOut
        Of one labelling.

    Raises
    ------
    InputError, WeightsError, TrainingError, FleetError
        See `embed.training.loop.fit`, `embed.network.network.load_network` and `embed.fleet.cluster`.
    """
    check_processor(spread, refitting.device, "train")
    described = {**vars(refitting), "processes": 0, "classes": list(classes), "codes": codes.tolist()}
    folder = study.folder / "refit" / digest([described, glitches.tolist(), plan.fold.tolist()])[:12]
    parts = [split_parts(plan, split, codes, refitting.seed) for split in range(len(plan))]
    kept = [folder / f"split-{split:04d}.npy" for split in range(len(plan))]
    tested = [split for split, part in enumerate(parts) if (part == TEST).any()]
    todo = [split for split in tested if not kept[split].exists()]
    if todo:
        work = _work(study, glitches, codes, classes, refitting=refitting, folder=folder)
        done = len(parts) - len(todo)
        for number, logs in _predict_all(work, [(split, parts[split]) for split in todo], spread):
            write_array(kept[todo[number]], logs)
            drop_checkpoints(work.checkpoints(todo[number]))
            done += 1
            step(f"network refitted for {done} of {len(parts)} splits")
    held_out = HeldOut.empty(1, len(codes), len(classes))
    for split in tested:
        rows = np.flatnonzero(parts[split] == TEST)
        held_out.add(0, rows, np.load(kept[split]), codes[rows])
    drop_checkpoints(folder)
    return held_out


def split_parts(plan: SplitPlan, split: int, codes: Codes, seed: int) -> NDArray[np.int8]:
    """Parts of a split: one fold in ten of the training rows, stratified by class, becomes the validation part."""
    train = np.flatnonzero(plan.train(split))
    part = np.full(len(codes), -1, np.int8)
    part[train] = TRAIN
    seen = np.bincount(codes[train], minlength=codes.max() + 1)
    part[plan.test(split) & (seen[codes] > 0)] = TEST
    inner = plan_splits(np.unique(codes[train], return_inverse=True)[1], _INNER_FOLDS, folds=_INNER_FOLDS, seed=seed)
    for fold in range(_INNER_FOLDS):
        judged = train[inner.test(fold)]
        left = seen - np.bincount(codes[judged], minlength=len(seen))
        judged = judged[left[codes[judged]] > 0]
        if len(judged):
            part[judged] = VALIDATION
            return part
    raise InputError(
        f"split {split + 1} leaves {len(train)} glitches to train on, no two of one class; label more, or give --split random"
    )


def _predict_all(work: _Refit, parts: list[_Fold], spread: Spread) -> Iterator[tuple[int, Floats]]:
    processes = work.refitting.processes
    if spread is not here or processes <= 1:
        yield from spread(work, parts, needs=work.files())
        return
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(max(1, usable_processors() // processes),),
    ) as pool:
        yield from enumerate(pool.map(work, parts))


def _work(
    study: Study, glitches: Rows, codes: Codes, classes: tuple[str, ...], *, refitting: Refitting, folder: Path
) -> _Refit:
    """Load what all folds share; the pictures are decoded once, here."""
    network = load_network(refitting.backbone, refitting.weights)
    encoding = parse_encoding(refitting.views)
    ids = study.glitches().loc[glitches, "id"]
    levels, kept, broken = read_levels(study, glitches, encoding, network.backbone.size, device=torch.device("cpu"))
    if len(kept) < len(glitches):
        raise InputError(
            f"{counted(len(broken), 'glitch', 'glitches')} cannot be read any more, the first: {ids.loc[broken[0].glitch]}: {broken[0].reason}; restore the files, or embed again with --retry"
        )
    return _Refit(network, encoding, levels, (glitches, tuple(ids), classes, codes), refitting, folder)


@dataclass(frozen=True)
class _Refit:
    """The work of a refit: fine-tuning for a fold, and the logarithms of the probabilities of the n rows that it tests, shape (n, K).

    A copy in another process keeps the checkpoints of a fold to itself: one process alone writes a study.
    """

    network: Network
    encoding: Encoding
    levels: Levels
    labelled: tuple[Rows, tuple[str, ...], tuple[str, ...], Codes]
    refitting: Refitting
    folder: Path | None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"folder": None}

    def checkpoints(self, split: int) -> Path:
        """Folder of the checkpoints of a fold in this process."""
        assert self.folder is not None, "a copy has none in the study"
        return self.folder / f"split-{split:04d}.training"

    def files(self) -> list[Path]:
        """Return the file that the levels are mapped from, if there is one."""
        return [] if self.levels.path is None else [self.levels.path]

    def __call__(self, fold: _Fold) -> Floats:
        with ExitStack() as stack:
            own = (
                Path(stack.enter_context(TemporaryDirectory(prefix="refit-")))
                if self.folder is None
                else self.checkpoints(fold[0])
            )
            context = self._context(*fold)
            fitted = fit(context, own, resume=True)
            classifier = make_classifier(context)
            classifier.load_weights(fitted.weights)
            logits = torch.from_numpy(judge(context, classifier, context.training_set.split.rows(TEST)))
            return torch.log_softmax(logits, dim=1).numpy()

    def _context(self, number: int, part: NDArray[np.int8]) -> TrainingContext:
        refitting = self.refitting
        device = torch.device(refitting.device)
        if device.type == "cuda":
            device = torch.device("cuda", number % torch.cuda.device_count())
        recipe = make_recipe(encoding=self.encoding.name, normalised=self.network.normalised, epochs=refitting.epochs)
        glitches, ids, classes, codes = self.labelled
        training_set = TrainingSet(glitches, ids, classes, codes, Split(part, "grouped", len(part)))
        network = replace(self.network, module=deepcopy(self.network.module))  # the training changes it
        return TrainingContext(
            training_set, self.levels.on(device), network, self.encoding, recipe, refitting.seed, device
        )
