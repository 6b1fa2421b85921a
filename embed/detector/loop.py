"""The training loop: steps, checks on fixed fresh examples, checkpoints, until all examples were shown or nothing improves."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from embed.csvfile import write_csv
from embed.detector.examples import Batch, Examples
from embed.detector.feed import Feed, least_snr, worker_count
from embed.detector.model import BATCH, log_odds
from embed.detector.networks import make_network
from embed.detector.options import CHECKS, SIGNAL, DetectorOptions
from embed.detector.place import HISTORY
from embed.detector.precision import check_bfloat16
from embed.errors import TrainingError
from embed.metrics.roc import roc_curve
from embed.training.checkpoint import optimizer_tensors, restore_optimizer
from embed.training.distributed import Ranks, parallel, share_batch_norm
from embed.training.loop import make_optimizer
from embed.training.randomness import draw_keys
from embed.training.recipe import Recipe
from embed.training.schedule import best_epoch, learning_rate, should_stop
from embed.training.steps import read_step, write_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from embed.types import Progress

CHECK_BYTES = 1 << 26
CHECKED_SHARE, FEWEST_CHECKED, MOST_CHECKED = 0.02, 128, 2048
"""Fresh examples of a check: this share of the training's, within bounds, and bytes at most: all checks together cost less than it does."""
COLUMNS = (
    "examples",
    "least_snr",
    "learning_rate",
    "training_loss",
    "validation_loss",
    "validation_accuracy",
    "validation_auc",
)
WARMUP = 0.5
"""Checks' worth of steps over which the learning rate rises."""


class Training:
    """A network in training.

    Parameters
    ----------
    options : DetectorOptions
    device : torch.device
    ranks : Ranks
        Processes that share each batch.
    half : bool
        Whether the network computes in bfloat16.

    Raises
    ------
    TrainingError
        When it does so wrongly, see `check_bfloat16`.
    """

    def __init__(self, options: DetectorOptions, device: torch.device, ranks: Ranks, *, half: bool) -> None:
        source = options.source
        self.options, self.device, self.ranks, self.half = options, device, ranks, half
        self.steps = options.examples // options.batch
        self.every = max(1, self.steps // CHECKS)
        self.checks = -(-self.steps // self.every)
        self.recipe = Recipe(
            epochs=self.checks,
            batch=options.batch,
            learning_rate=options.learning_rate,
            dropout=options.dropout,
            warmup=min(WARMUP, self.checks / 2),
            patience=options.patience,
            metric="loss",
        )
        network = make_network(
            options.network,
            len(source.ifos),
            source.samples,
            classes=len(source.classes),
            dropout=options.dropout,
            seed=options.seed,
        ).to(device)
        if half:
            check_bfloat16(network, len(source.ifos), source.samples)
        share_batch_norm(network, device, ranks)
        self.network = network
        self.optimizer = make_optimizer(network, self.recipe)
        self.wrapped = parallel(network, device, ranks)
        self.best: dict[str, torch.Tensor] = {}

    def step(self, number: int, strain: torch.Tensor, labels: torch.Tensor, rows: list[dict[str, Any]]) -> torch.Tensor:
        """Train on this process's share of a batch; the loss, summed over it, without a gradient, on the device."""
        options = self.options
        own = self.ranks.own(options.batch)
        numbers = np.arange(own.start, own.stop) + number * options.batch
        keys = draw_keys(options.seed, 0, numbers, np.zeros_like(numbers))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(number, rows)
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self._precision():
            logits = self.wrapped(strain.to(self.device, non_blocking=True), keys.to(self.device))
        loss = cross_entropy(logits.float(), labels.to(self.device), reduction="sum")
        (loss * (self.ranks.world / options.batch)).backward()
        self.optimizer.step()
        return loss.detach()

    def rate(self, number: int, rows: list[dict[str, Any]]) -> float:
        """Learning rate of a step."""
        return learning_rate(self.recipe, (number + 0.5) / self.every, rows)

    @torch.no_grad()
    def logits(self, strain: np.ndarray) -> torch.Tensor:
        """Outputs of the network as it is: float64 (n, classes), on the CPU."""
        self.network.eval()
        parts = []
        for start in range(0, len(strain), BATCH):
            with self._precision():
                some = self.network(torch.from_numpy(strain[start : start + BATCH]).to(self.device))
            parts.append(some.double().cpu())
        return torch.cat(parts)

    def _precision(self) -> Any:  # noqa: ANN401 - a context manager
        return torch.autocast(self.device.type, torch.bfloat16) if self.half else nullcontext()

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of the network's weights."""
        return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

    def state(self) -> dict[str, torch.Tensor]:
        """All that a resumed training needs, as named tensors."""
        return {
            **{f"weights/{name}": value for name, value in self.weights().items()},
            **{f"best/{name}": value for name, value in self.best.items()},
            **{f"optimizer/{name}": value for name, value in optimizer_tensors(self.optimizer).items()},
        }

    def restore(self, named: Mapping[str, torch.Tensor]) -> None:
        """Take over what `state` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "best": {}, "optimizer": {}}
        for key, value in named.items():
            part, name = key.split("/", 1)
            parts[part][name] = value
        self.network.load_state_dict(parts["weights"])
        restore_optimizer(self.optimizer, parts["optimizer"])
        self.best = parts["best"]


def fit(
    training: Training,
    facts: Mapping[str, Any],
    folder: Path,
    *,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> list[dict[str, Any]]:
    """Train, or continue from the latest checkpoint in the folder; the best weights are then in ``training.best``.

    Parameters
    ----------
    training : Training
    facts : mapping
        JSON values in which a checkpoint and its training must agree.
    folder : Path
        Of checkpoints.
    progress : callable, optional
        Called with (examples shown, examples at most).
    report : callable, optional
        Called with each row of the history.

    Returns
    -------
    list of dict
        The history; see `COLUMNS`.

    Raises
    ------
    TrainingError
        When a loss is not finite, or a checkpoint is damaged or another training's; finished checkpoints are kept.
    StorageError
        When the disk is full.
    """
    options, lead = training.options, training.ranks.lead
    found = read_step(folder, facts)
    step, rows = (0, []) if found is None else (found[0], found[2])
    if found is not None:
        training.restore(found[1])
    feed = Feed(options, training.steps, training.ranks)
    checked = check_batch(options)
    workers = worker_count(training.device) if options.workers is None else options.workers
    total = torch.zeros((), dtype=torch.float64, device=training.device)
    shown = 0
    if _is_over(training, step, rows):
        return rows
    for strain, labels in feed.from_step(step, workers):
        total += training.step(step, strain, labels, rows)
        step, shown = step + 1, shown + options.batch
        if progress is not None and lead:
            progress(step * options.batch, training.steps * options.batch)
        if step % training.every and step < training.steps:
            continue
        row = _row(training, step, float(training.ranks.summed(total)) / shown, checked, rows)
        rows.append(row)
        total, shown = torch.zeros_like(total), 0
        if best_epoch(rows, "loss") == len(rows) - 1:
            training.best = training.weights()
        if lead:
            write_csv(folder / HISTORY, COLUMNS, [[own[name] for name in COLUMNS] for own in rows])
            write_step(folder, step, training.state(), facts, rows)
        if report is not None:
            report(row)
        training.ranks.wait()
        if _is_over(training, step, rows):
            break
    return rows


def _is_over(training: Training, step: int, rows: list[dict[str, Any]]) -> bool:
    """Whether all was shown, or nothing has improved for long after the curriculum."""
    after = [row for row in rows if row["examples"] >= training.options.curriculum * training.options.examples]
    return step >= training.steps or (bool(after) and should_stop(training.recipe, after))


def check_batch(options: DetectorOptions) -> Batch:
    """Fresh examples by which the training is checked, the same at every check: none is ever trained on."""
    source = options.source
    most = min(MOST_CHECKED, CHECK_BYTES // (4 * len(source.ifos) * source.samples))
    count = min(most, max(FEWEST_CHECKED, round(CHECKED_SHARE * options.examples)))
    other = int(np.random.SeedSequence(options.seed, spawn_key=(19,)).generate_state(1, np.uint64)[0])
    return Examples(source, other).batch(range(count))


def _row(training: Training, step: int, loss: float, checked: Batch, rows: list[dict[str, Any]]) -> dict[str, Any]:
    logits = training.logits(checked.strain)
    labels = torch.from_numpy(checked.labels)
    judged = float(cross_entropy(logits, labels))
    if not (math.isfinite(loss) and math.isfinite(judged)):
        raise TrainingError(
            f"a loss is no number any more near step {step} (training {loss}, validation {judged}); the last checkpoint is kept: give a lower --lr with --replace, or --precision float32"
        )
    classes = training.options.source.classes
    curve = roc_curve(log_odds(logits.numpy(), classes), checked.labels == classes.index(SIGNAL))
    return {
        "examples": step * training.options.batch,
        "least_snr": round(least_snr(training.options, step - 1, training.steps), 3),
        "learning_rate": float(f"{training.rate(step - 1, rows):.6g}"),
        "training_loss": float(f"{loss:.6g}"),
        "validation_loss": float(f"{judged:.6g}"),
        "validation_accuracy": round(float((logits.argmax(1) == labels).double().mean()), 5),
        "validation_auc": round(curve.area, 5) if curve is not None else 0.0,
    }
