"""From a study's labelled glitches to a generator in it."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch

from embed.generator.examples import Examples, read_examples
from embed.generator.learned import PARTS, write_learned
from embed.generator.loop import HISTORY, SAMPLES, Plan, fit
from embed.generator.model import GeneratorModel, architecture_facts, load_generator, save_generator
from embed.generator.networks import make_architecture
from embed.generator.place import CARD, generator_folder, read_card
from embed.generator.steps import Recipe, Training
from embed.network.devices import choose_device
from embed.storage import beside, move_into_place, settle, storage_errors
from embed.training.distributed import Ranks, join_ranks, leave_ranks
from embed.training.place import check_same_card, training_folder
from embed.training.recipe import in_bfloat16
from embed.training.steps import drop_finished, stopped_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embed.generator.options import GeneratorOptions
    from embed.study.study import Study
    from embed.types import Progress


def train_generator(
    study: Study,
    options: GeneratorOptions,
    *,
    decoded: Progress | None = None,
    progress: Progress | None = None,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> GeneratorModel:
    """Train a GAN on a study's labelled glitches, or continue a training that was stopped.

    It sees the training part of the study's split alone, so that held-out glitches can judge it, and what is trained with it. Under
    torchrun every process calls this, and shares the batches; the first one writes.

    Parameters
    ----------
    study : Study
    options : GeneratorOptions
    decoded : callable, optional
        Called with (glitches decoded, glitches in all).
    progress : callable, optional
        Called with (steps done, steps in all).
    report : callable, optional
        Called with each row of the history.

    Returns
    -------
    GeneratorModel
        In ``generators/<name>/`` of the study.

    Raises
    ------
    InputError
        When a class has too few examples, or there is another generator of this name.
    TrainingError, DeviceError, StorageError
        See `embed.generator.loop.fit` and the modules of these names.
    """
    folder = generator_folder(study.folder, options.name)
    ranks, device = join_ranks(choose_device(options.device))
    try:
        with study.run("generator train", {"name": options.name}) if ranks.lead else nullcontext():
            with ranks.lead_first():
                if ranks.lead:
                    settle(folder, CARD)
                examples = read_examples(
                    study, options.classes, options.resolution, seed=options.seed, progress=decoded
                )
            ranks.wait()
            return _train(folder, examples, options, ranks, device, progress=progress, report=report)
    finally:
        leave_ranks(ranks)


def _train(
    folder: Path,
    examples: Examples,
    options: GeneratorOptions,
    ranks: Ranks,
    device: torch.device,
    *,
    progress: Progress | None,
    report: Callable[[dict[str, Any]], None] | None,
) -> GeneratorModel:
    pictures = examples.pictures()
    architecture = make_architecture(len(pictures.classes), options.resolution, options.channels)
    half = in_bfloat16(options.precision, device.type)
    facts = {
        "classes": list(pictures.classes),
        "pictures": pictures.digest,
        "resolution": options.resolution,
        "architecture": architecture_facts(architecture),
        "images": options.images,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
        "critic": options.critic,
        "precision": "bfloat16" if half else "float32",
        "seed": options.seed,
    }
    stopped = training_folder(folder)
    what = f"generator {folder.name!r}"
    if folder.exists() and check_same_card(read_card(folder), facts, what, replace=options.replace):
        if ranks.lead:
            drop_finished(stopped, facts)
        return load_generator(folder, device)
    if ranks.lead and options.replace and stopped_facts(stopped) != facts:
        shutil.rmtree(stopped, ignore_errors=True)
    ranks.wait()
    recipe = Recipe(options.batch, options.learning_rate, half, options.critic)
    training = Training(pictures, architecture, recipe, seed=options.seed, device=device, ranks=ranks)
    plan = Plan(-(-options.images // options.batch), facts)
    with torch.backends.cudnn.flags(benchmark=True):
        rows = fit(training, pictures, plan, stopped, progress=progress, report=report)
    if ranks.lead:
        counts = {name: int((pictures.codes == code).sum()) for code, name in enumerate(pictures.classes)}
        card = facts | {
            "method": "progan",
            "counts": counts,
            "trained_on": f"{len(pictures.codes)} glitches of the training part ({PARTS})",
            "last": rows[-1],
            "device": device.type,
            "processes": ranks.world,
            "versions": {"torch": torch.__version__},
        }
        _save(folder, stopped, training, card, examples)
    ranks.wait()
    return load_generator(folder, device)


def _save(folder: Path, stopped: Path, training: Training, card: dict[str, Any], examples: Examples) -> None:
    new, _ = beside(folder)
    shutil.rmtree(new, ignore_errors=True)
    with storage_errors(new):
        shutil.copytree(stopped / SAMPLES, new / SAMPLES)
        shutil.copyfile(stopped / HISTORY, new / HISTORY)
    write_learned(new, examples.ids, examples.part.tolist())
    save_generator(new, training.mean.state_dict(), card, training.critic.state_dict())
    move_into_place(folder)
    shutil.rmtree(stopped, ignore_errors=True)
