"""Judge whether generated glitches help a classifier with rare classes, against what is simpler.

Of simulated glitches, rare classes keep 10, 20 or 50 examples, the others --common. Rare ones are filled up to --common in five ways:
not at all; by repeating them; by moved and dimmed copies; by a progressive GAN that learned from the same few examples; by the
simulator itself, which no study has: the most that generated glitches could bring, as the tested ones come from it too. The classifier
is logistic regression on vectors of the shipped network, at the GAN's resolution for all; it is judged on glitches that none of this
saw. Five seeds draw other rare classes and examples; intervals are Student's t over the seeds, differences are paired.

    python examples/train_generator.py --out judged --n 8000 --images 128     # views.npy and labels.npy, once
    python examples/judge_generator.py --out judged --images 200000 --device cuda
"""

import argparse
import csv
import zlib
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from embed.csvfile import write_csv
from embed.generator.features import make_features
from embed.generator.model import draw_latents
from embed.generator.networks import Architecture
from embed.generator.options import DURATIONS, FEATURES
from embed.generator.pictures import Pictures, levels_of
from embed.generator.source import SimulatorSource, resized
from embed.generator.steps import Recipe, Training
from embed.metrics.accuracy import class_scores, confusion_matrix
from embed.metrics.baseline import DEFAULT_STRENGTH, fit_baseline
from embed.network.devices import choose_device
from embed.training.augmentation import augment
from embed.training.randomness import draw_keys
from embed.training.variation import ROBUST

METHODS = ("none", "oversampling", "classical", "progan", "simulator")
RARE = (10, 20, 50)
"""Examples of a rare class."""
EACH = 2
"""Rare classes of each size."""
COLUMNS = ("seed", "method", "macro_f1", "rare_f1", *(f"f1_of_{size}" for size in RARE))


def main() -> None:
    """Judge all methods with all seeds; finished ones are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("generator"), help="a folder with views.npy and labels.npy")
    parser.add_argument("--common", type=int, default=150, help="examples of the other classes (default: 150)")
    parser.add_argument("--tested", type=int, default=60, help="tested glitches of each class (default: 60)")
    parser.add_argument("--images", type=int, default=200_000, help="shown to the GAN (default: 200000)")
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--features", choices=FEATURES, default="bundled", help="the network (default: bundled)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    options = parser.parse_args()
    if not (options.out / "labels.npy").exists():
        parser.error(f"{options.out} holds no labels.npy; make it with examples/train_generator.py --out {options.out}")
    levels, labels = np.load(options.out / "views.npy"), np.load(options.out / "labels.npy")
    device = choose_device(options.device)
    features = make_features(options.features, device)
    vectors = features(levels)
    path = options.out / "judged.csv"
    rows = read_rows(path)
    for seed in range(options.seeds):
        study = Study(levels, vectors, labels, seed, common=options.common, tested=options.tested)
        for method in options.methods:
            if (str(seed), method) in {(row[0], row[1]) for row in rows}:
                continue
            added, names = fill(method, study, options, device)
            more = features(added) if len(added) else np.empty((0, vectors.shape[1]))
            rows.append([str(seed), method, *(f"{value:.5f}" for value in study.judged(more, names))])
            write_csv(path, COLUMNS, rows)
            print(*rows[-1], flush=True)
    report(rows, options.methods)


class Study:
    """One draw of rare classes and examples."""

    def __init__(
        self, levels: np.ndarray, vectors: np.ndarray, labels: np.ndarray, seed: int, *, common: int, tested: int
    ) -> None:
        rng = np.random.default_rng((seed, 71))
        self.levels, self.vectors, self.labels, self.common, self.seed = levels, vectors, labels, common, seed
        self.classes = np.unique(labels)
        rare = rng.choice(self.classes, EACH * len(RARE), replace=False).reshape(len(RARE), EACH)
        self.sizes = {str(name): size for size, own in zip(RARE, rare, strict=True) for name in own}
        trained, judged = [], []
        for name in self.classes:
            rows = rng.permutation(np.flatnonzero(labels == name))
            trained.append(rows[tested : tested + self.sizes.get(str(name), common)])
            judged.append(rows[:tested])
        self.trained, self.tested = np.concatenate(trained), np.concatenate(judged)

    def judged(self, more: np.ndarray, names: list[str]) -> list[float]:
        """Macro-F1, that of the rare classes, and that of each size, with more training vectors (M, D) of some classes."""
        vectors = np.concatenate([self.vectors[self.trained], more])
        model = fit_baseline(vectors, [*self.labels[self.trained], *names], strengths=(DEFAULT_STRENGTH,))
        truth = np.searchsorted(model.classes, self.labels[self.tested])
        predicted = model.probabilities(self.vectors[self.tested]).argmax(axis=1)
        f1 = np.nan_to_num(class_scores(confusion_matrix(truth, predicted, len(model.classes))).f1)
        sizes = np.array([self.sizes.get(name, 0) for name in model.classes])
        return [f1.mean(), f1[sizes > 0].mean(), *(f1[sizes == size].mean() for size in RARE)]


def fill(method: str, study: Study, options: argparse.Namespace, device: torch.device) -> tuple[np.ndarray, list[str]]:
    """Pictures (M, 3, R, R) that fill the rare classes, and the class of each."""
    parts, names = [np.empty((0, *study.levels.shape[1:]), np.uint8)], []
    training = progan(study, options, device) if method == "progan" else None
    for name, size in study.sizes.items():
        count = study.common - size
        if method == "none" or count <= 0:
            continue
        own = study.trained[study.labels[study.trained] == name]
        rows = np.resize(own, count)
        if method == "oversampling":
            parts.append(study.levels[rows])
        elif method == "classical":
            parts.append(moved(study.levels[rows], rows, study.seed, device))
        elif training is not None:
            parts.append(generated(training, int(np.searchsorted(study.classes, name)), count, study.seed))
        else:
            seed = zlib.crc32(f"{study.seed} {name}".encode()) >> 8
            parts.append(resized(SimulatorSource().sample(name, count, seed), study.levels.shape[-1]))
        names += [name] * count
    return np.concatenate(parts), names


def moved(levels: np.ndarray, rows: np.ndarray, seed: int, device: torch.device) -> np.ndarray:
    """Classical augmentation, as `discover train` does it."""
    before = np.array([int((rows[:place] == row).sum()) for place, row in enumerate(rows)])
    keys = draw_keys(seed, 0, rows, before)
    values = augment(torch.from_numpy(levels).to(device), DURATIONS, ROBUST, keys)
    return values.round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def progan(study: Study, options: argparse.Namespace, device: torch.device) -> Training:
    """A GAN of all classes, trained on the study's examples alone."""
    codes = np.searchsorted(study.classes, study.labels[study.trained]).astype(np.int64)
    pictures = Pictures(study.levels[study.trained], codes, tuple(map(str, study.classes)))
    architecture = Architecture(len(study.classes), study.levels.shape[-1], options.channels)
    recipe = Recipe(options.batch, options.lr, half=device.type == "cuda")
    training = Training(pictures, architecture, recipe, seed=study.seed, device=device)
    steps = max(1, options.images // options.batch)
    for step in range(steps):
        training.step(step, step / steps)
    return training


def generated(training: Training, code: int, count: int, seed: int) -> np.ndarray:
    """Glitches of one class."""
    side = training.architecture.resolution
    latents = draw_latents(training.architecture.latent, count, seed, code).to(training.device)
    with torch.no_grad():
        return levels_of(training.mean(latents, torch.full((count,), code, device=training.device), side))


def read_rows(path: Path) -> list[list[str]]:
    """What is judged already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def report(rows: list[list[str]], methods: tuple[str, ...]) -> None:
    """Print the means over the seeds, with 95 % intervals, and the paired differences to no filling."""
    table = {(row[0], row[1]): np.array(row[2:], float) for row in rows}
    for method in methods:
        own = np.array([values for (_, name), values in table.items() if name == method])
        pairs = np.array([own - table[seed, "none"] for (seed, name), own in table.items() if name == method and (seed, "none") in table])  # fmt: skip
        figures = [f"{COLUMNS[2 + k]} {interval(own[:, k])}" for k in range(own.shape[1])]
        gain = f"; rare F1 against none {interval(pairs[:, 1])}" if len(pairs) and method != "none" else ""
        print(f"{method} ({len(own)} seeds): {', '.join(figures)}{gain}")


def interval(values: np.ndarray) -> str:
    """Mean and 95 % interval of Student's t."""
    if len(values) < 2:
        return f"{values.mean():.3f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} ({values.mean() - half:.3f} to {values.mean() + half:.3f})"


if __name__ == "__main__":
    main()
