"""The glitch backbone that ships with the project: EfficientNet-Lite0 fine-tuned on simulated glitches of every named class.

It simulates glitches of Gravity Spy's 26 named classes (None_of_the_Above and what hides in it are never shown to the network),
keeps four durations of each in one array, and fine-tunes the ImageNet weights on them as people use them: three durations as red,
green and blue, one of the four alone, or all four as a mosaic, drawn anew for each glitch in each epoch. Then the last
stages are blended into the vector (`embed.network.blend`), and the network is written without its final layer, in half precision.
Minutes on a GPU and sixteen cores; hours on two cores. Stopped, it goes on from the last part of the simulation, or the last epoch.

``--hold-out FAMILY`` leaves families out, and ``judge_held_out.py`` measures how well the vectors keep apart what training never
showed. ``--real FOLDER`` shows the network labelled real glitches too.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from embed.gravityspy import CLASS_LISTS, DURATIONS, class_name, other_view, parse_view_name
from embed.network.backbones import DEFAULT_BACKBONE, Backbone, find_backbone
from embed.network.blend import Blended, fit_blend
from embed.network.devices import choose_device
from embed.network.network import load_network
from embed.processors import usable_processors
from embed.simulator import Population, simulate_batch
from embed.training.augmentation import augment
from embed.training.classifier import Classifier, choose_trained, set_mode, summed_contrast, summed_cross_entropy
from embed.training.loop import make_optimizer
from embed.training.randomness import draw_keys, uniform
from embed.training.recipe import Recipe, make_recipe
from embed.training.schedule import learning_rate
from embed.training.variation import ROBUST
from embed.views.decoding import spectrogram_levels
from embed.views.encoding import Encoding, compose, parse_encoding

FAMILIES = tuple(name for name in CLASS_LISTS["O4"] if name != "None_of_the_Above")
FROZEN = ("conv_stem", "bn1", "blocks.0", "blocks.1")
"""Layers that keep ImageNet's weights (they find edges and blobs): training them takes a third of a step's cost."""
RGB, MOSAIC, SINGLE = (parse_encoding(views) for views in ("1.0,2.0,4.0", "0.5,1.0,2.0,4.0", "4.0"))
SHARES = (0.5, 0.4, 0.1)
"""Of three durations, of one alone, and of all four as a mosaic."""
BLURRED = 0.3
"""Share of the glitches whose pictures were made at a lower resolution, down to half."""
VARIATION = replace(ROBUST, single=0.0, shift=2.0, zoom=0.03, crop=0.01)
"""Larger moves along the frequency axis make 60 Hz look like 70 Hz."""
ENCODING_STREAM, BLUR_STREAM = 40, 41
SIDE = 224
PART = 256
"""Glitches that a process simulates at a time."""
MEASURED = 4000
"""Glitches on which the blend of the last stages is measured, by three durations and by one."""
JUDGED = 0.1
"""Share of the glitches, the latest, that training does not see and that its figures are from."""


@dataclass(frozen=True)
class Pictures:
    """Levels (N, 4, side, side) uint8 of the four durations of each glitch, and the class of each (N,)."""

    levels: np.ndarray
    classes: np.ndarray


def main() -> None:
    """Simulate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("backbone"), help="a folder for pictures and weights")
    parser.add_argument("--n", type=int, default=24000, help="glitches (default: 24000)")
    parser.add_argument(
        "--workers", type=int, default=usable_processors(), help="processes that simulate (default: a core each)"
    )
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--contrastive", type=float, default=0.2, help="weight of the supervised-contrastive term")
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int, default=73)
    parser.add_argument("--hold-out", nargs="+", default=(), choices=FAMILIES, metavar="FAMILY")
    parser.add_argument(
        "--real", type=Path, nargs="+", default=(), metavar="FOLDER", help="labelled real glitches, a folder a class"
    )
    parser.add_argument("--repeats", type=int, default=10, help="how often an epoch shows a real glitch (default: 10)")
    parser.add_argument("--name", default="glitch", help="of the weights' file (default: glitch)")
    options = parser.parse_args()
    if options.n < 2 * len(FAMILIES):
        parser.error(f"--n {options.n}: give at least {2 * len(FAMILIES)}, two of each class")
    path = options.out / f"{options.name}.safetensors"
    if path.exists():
        print(f"{path} is there already")
        return
    population = Population(options.n, options.seed, classes=FAMILIES, equal=True, label_noise=0.0)
    pictures = simulated_pictures(options.out, population, options.workers, options.device)
    real = [read_pictures(folder) for folder in options.real]
    classifier = fit(pictures, real, options)
    write_weights(blended(pictures, classifier, options), path)


def simulated_pictures(folder: Path, population: Population, workers: int, device: str) -> Pictures:
    """Simulate on several processes into files, a part each; parts that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(0, population.n, PART)
    paths = [folder / f"part-{population.seed}-{population.n}-{start:06d}.npy" for start in starts]
    lacking = [(start, path) for start, path in zip(starts, paths, strict=True) if not path.exists()]
    if lacking:
        print(f"simulating {population.n} glitches", flush=True)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(partial(simulate_part, population, device), *zip(*lacking, strict=True)))
    levels = np.concatenate([np.load(path) for path in paths])
    return Pictures(levels, np.array([population.entry(number).truth for number in range(population.n)]))


def simulate_part(population: Population, device: str, start: int, path: Path) -> None:
    """Simulate one part and keep its pictures at the network's side."""
    torch.set_num_threads(1)
    numbers = range(start, min(start + PART, population.n))
    glitches = simulate_batch(population, numbers=numbers, device=choose_device(device))
    scaled = [[scaled_view(view) for view in views] for views in glitches.levels]
    partial_file = path.with_suffix(".partial.npy")
    np.save(partial_file, np.array(scaled))
    partial_file.replace(path)


def scaled_view(view: np.ndarray) -> np.ndarray:
    """A view (H, W) at the network's side."""
    return np.asarray(Image.fromarray(view).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def read_pictures(folder: Path) -> Pictures:
    """Read the real glitches that have all four durations; the class is the folder's name."""
    levels, classes = [], []
    for path in sorted(folder.rglob("*.png")):
        name = parse_view_name(path)
        if name is not None and name.duration == DURATIONS[-1]:
            views = [other_view(path, duration) for duration in DURATIONS]
            if all(view.exists() for view in views) and class_name(path.parent.name) in FAMILIES:
                levels.append([spectrogram_levels(view.read_bytes(), SIDE) for view in views])
                classes.append(class_name(path.parent.name))
    if not levels:
        raise SystemExit(
            f"{folder} has no pictures of {', '.join(map(str, DURATIONS))} s in folders named after classes"
        )
    return Pictures(np.array(levels), np.array(classes))


def fit(pictures: Pictures, real: list[Pictures], options: argparse.Namespace) -> Classifier:
    """Fine-tune on all but the latest glitches, which its figures are from; resume a stopped training."""
    device = choose_device(options.device)
    network = load_network(weights="bundled")
    names = np.array([name for name in FAMILIES if name not in options.hold_out])
    recipe = make_recipe(
        "default",
        encoding=RGB.name,
        normalised=network.normalised,
        epochs=options.epochs,
        batch=options.batch,
        warmup=min(1.0, options.epochs / 4),
        contrastive=options.contrastive,
        freeze=FROZEN,
        precision=options.precision,
        augmentation=VARIATION,
    )
    judged = round(len(pictures.classes) * (1.0 - JUDGED))
    levels = np.concatenate([pictures.levels, *(part.levels for part in real)]) if real else pictures.levels
    classes = np.concatenate([pictures.classes, *(part.classes for part in real)])
    shown = np.flatnonzero(np.isin(classes, names))
    trained = shown[(shown < judged) | (shown >= len(pictures.classes))]
    often = np.where(trained < len(pictures.classes), 1, options.repeats)
    tested = shown[(shown >= judged) & (shown < len(pictures.classes))]
    torch.manual_seed(options.seed)
    classifier = Classifier(
        network.module, network.backbone.dimension, len(names), dropout=recipe.dropout, seed=options.seed
    )
    classifier = classifier.to(device).to(memory_format=torch.channels_last)
    optimizer = make_optimizer(classifier, recipe)
    store = torch.from_numpy(levels).to(device) if device.type == "cuda" else torch.from_numpy(levels)
    targets = torch.from_numpy(np.searchsorted(np.sort(names), classes)).to(device)
    work = Work(store, targets, network.backbone, recipe, options.seed)
    checkpoint = options.out / f"{options.name}.checkpoint.pt"
    done = restore(checkpoint, classifier, optimizer)
    for epoch in range(done, recipe.epochs):
        loss = run_epoch(work, classifier, optimizer, np.repeat(trained, often), epoch)
        keep(checkpoint, classifier, optimizer, epoch + 1)
        print(f"epoch {epoch + 1}: loss {loss:.4f}", flush=True)
    for encoding, choice in (("three durations", 0), ("one duration", 1), ("four as a mosaic", 2)):
        print(f"{encoding}: top-1 {accuracy(work, classifier, tested, choice):.4f} of {len(tested)}", flush=True)
    checkpoint.unlink(missing_ok=True)
    return classifier


@dataclass(frozen=True)
class Work:
    """Pictures (N, 4, side, side) uint8 and their targets (N,) int64, the network's input, the recipe and the seed."""

    levels: torch.Tensor
    targets: torch.Tensor
    backbone: Backbone
    recipe: Recipe
    seed: int

    def pictures(self, rows: np.ndarray, keys: torch.Tensor, choice: int | None = None) -> torch.Tensor:
        """The network's input (B, 3, side, side): varied and in a drawn encoding, or as they are in the one chosen."""
        levels = self.levels[torch.from_numpy(rows).to(self.levels.device)].to(self.targets.device)
        draws = uniform(keys, ENCODING_STREAM, (2,))
        if choice is None:
            values = blurred(augment(levels, DURATIONS, VARIATION, keys), keys)
            kinds = torch.searchsorted(
                torch.tensor(SHARES).cumsum(0)[:2].contiguous(), draws[:, 0].contiguous(), right=True
            )
        else:
            values, kinds = levels.float(), torch.full((len(rows),), choice)
        pictures = values.new_empty(len(rows), 3, SIDE, SIDE)
        alone = (draws[:, 1] * len(DURATIONS)).long().clamp(max=len(DURATIONS) - 1).to(values.device)
        for kind, encoding in enumerate((RGB, SINGLE, MOSAIC)):
            chosen = torch.nonzero(kinds == kind)[:, 0].to(values.device)
            if len(chosen):
                pictures[chosen] = self.arranged(values[chosen], alone[chosen], encoding)
        return pictures.contiguous(memory_format=torch.channels_last)

    def arranged(self, values: torch.Tensor, alone: torch.Tensor, encoding: Encoding) -> torch.Tensor:
        """Four durations (B, 4, side, side) in one encoding; `alone` (B,) says which one stands alone."""
        if encoding == RGB:
            values = values[:, 1:]
        elif encoding == SINGLE:
            values = values[torch.arange(len(values), device=values.device), alone][:, None]
        else:
            values = torch.nn.functional.avg_pool2d(values, 2)
        return compose(values, encoding, SIDE, self.backbone.mean, self.backbone.std)


def blurred(values: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
    """Lower the resolution of some glitches' pictures (B, 4, side, side)."""
    draws = uniform(keys, BLUR_STREAM, (2,))
    for step in range(4):
        smaller = SIDE // 2 + step * SIDE // 8
        rows = torch.nonzero((draws[:, 0] < BLURRED) & ((draws[:, 1] * 4).long() == step))[:, 0].to(values.device)
        if len(rows):
            small = torch.nn.functional.interpolate(values[rows], smaller, mode="bilinear", antialias=True)
            values[rows] = torch.nn.functional.interpolate(small, SIDE, mode="bilinear")
    return values


def arithmetic(work: Work) -> torch.autocast:
    """The recipe's arithmetic."""
    device, chosen = work.targets.device.type, work.recipe.precision
    half = chosen == "bfloat16" or (chosen == "auto" and device == "cuda")
    return torch.autocast(device, torch.bfloat16, enabled=half)


def run_epoch(
    work: Work, classifier: Classifier, optimizer: torch.optim.Optimizer, rows: np.ndarray, epoch: int
) -> float:
    """Train on each row once; returns the mean loss."""
    recipe = work.recipe
    choose_trained(classifier, 1.0, recipe.freeze)
    set_mode(classifier, frozen_statistics=False)
    order = np.random.default_rng((work.seed, epoch)).permutation(len(rows))
    steps = len(rows) // recipe.batch or 1
    total = torch.zeros((), device=work.targets.device)
    for step, places in enumerate(np.array_split(order, steps)):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, epoch + (step + 0.5) / steps, [])
        batch = rows[places]
        keys = draw_keys(work.seed, epoch, batch, places)
        targets = work.targets[torch.from_numpy(batch).to(work.targets.device)]
        pictures = work.pictures(batch, keys)
        with arithmetic(work):
            vectors, logits = classifier(pictures, keys)
        loss = summed_cross_entropy(logits.float(), targets, recipe.label_smoothing)
        if recipe.contrastive:
            every = torch.arange(len(targets), device=targets.device)
            loss = loss + recipe.contrastive * summed_contrast(vectors, every, vectors, targets, recipe.temperature)
        optimizer.zero_grad(set_to_none=True)
        (loss / len(targets)).backward()
        optimizer.step()
        total += loss.detach()
    return float(total) / len(rows)


def accuracy(work: Work, classifier: Classifier, rows: np.ndarray, choice: int) -> float:
    """Share of the rows that the classifier names rightly in one encoding."""
    classifier.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(rows), work.recipe.batch):
            batch = rows[start : start + work.recipe.batch]
            keys = draw_keys(work.seed, 0, batch, batch)
            pictures = work.pictures(batch, keys, choice)
            with arithmetic(work):
                _, logits = classifier(pictures)
            right += int((logits.argmax(dim=1) == work.targets[torch.from_numpy(batch).to(logits.device)]).sum())
    return right / max(len(rows), 1)


def keep(path: Path, classifier: Classifier, optimizer: torch.optim.Optimizer, epochs: int) -> None:
    """Write what a stopped training resumes from."""
    torch.save({"weights": classifier.weights(), "optimizer": optimizer.state_dict(), "epochs": epochs}, path)


def restore(path: Path, classifier: Classifier, optimizer: torch.optim.Optimizer) -> int:
    """Read it; returns the epochs that are done."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    classifier.load_weights(state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    print(f"going on after epoch {state['epochs']}", flush=True)
    return int(state["epochs"])


def blended(pictures: Pictures, classifier: Classifier, options: argparse.Namespace) -> Blended:
    """The network with its last stages blended in, by axes measured on glitches of the classes that it learned."""
    device, backbone = choose_device(options.device), find_backbone(DEFAULT_BACKBONE)
    known = np.flatnonzero(~np.isin(pictures.classes, options.hold_out))[:MEASURED]
    network = Blended(classifier.trunk).to(device).eval()
    work = Work(
        torch.from_numpy(pictures.levels),
        torch.zeros(1, device=device),
        backbone,
        make_recipe("default", encoding=RGB.name, normalised=True),
        options.seed,
    )
    found, lengths = [], []
    with torch.inference_mode():
        for choice in (0, 1):
            for start in range(0, len(known), options.batch):
                batch = known[start : start + options.batch]
                seen = work.pictures(batch, draw_keys(options.seed, 0, batch, batch), choice)
                found.append(network.features(seen).cpu().numpy())
                if not start:
                    lengths.append(classifier.trunk(seen).norm(dim=1).cpu().numpy())
    weight, bias = fit_blend(np.concatenate(found), backbone.dimension, float(np.concatenate(lengths).mean()))
    with torch.no_grad():
        network.blend.weight.copy_(torch.from_numpy(weight))
        network.blend.bias.copy_(torch.from_numpy(bias))
    return network


def write_weights(network: Blended, path: Path) -> None:
    """Write a network: matrices in half precision, the rest as it is."""
    halved = {
        name: (value.half() if value.ndim > 1 else value).cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(halved, path)
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB, for `discover embed --weights {path}`")


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
