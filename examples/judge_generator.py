"""Judge whether generated glitches help a classifier with rare classes, against what is simpler.

The classifier is logistic regression on vectors of a frozen network, at one resolution for all. Rare classes are filled up to --filled
glitches in five ways: not at all; by repeating them; by moved and dimmed copies; by a GAN; by the simulator. It is judged on
as many glitches of each class that none of this saw, by macro-F1 of all classes and of the rare ones; five seeds draw other examples.

Without --real the glitches are simulated: --n of Gravity Spy's 26 named classes to learn from, in the balance of the first observing
run (its table of counts; classes that it lacks at the catalogue's rates), the six rarest with 10, 20 and 50 examples, two each. The
simulator then is the most that generated glitches could bring, as the tested ones come from it too. With --real, a folder in Gravity
Spy's layout, 5 and 10 real glitches of each class are learned from, and other real ones tested.

--gan is a generator that is trained already, such as one of examples/train_generator.py: where it learned from more than the few
examples, it is the most that such a GAN could bring. Without it a GAN learns from each draw alone.

    python examples/train_generator.py --out gan --n 24000 --images 750000 --batch 128 --lr 0.002 --device cuda
    python examples/judge_generator.py --out judged
    python examples/judge_generator.py --out judged --real gravityspy --images 4800
    python examples/judge_generator.py --out judged-gan --gan gan/generator
"""

import argparse
import csv
import json
import math
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from embed import Study, ingest_folder
from embed.csvfile import write_csv
from embed.generator.examples import read_examples
from embed.generator.features import make_features
from embed.generator.model import GeneratorModel, architecture_facts, load_generator, save_generator
from embed.generator.networks import make_architecture
from embed.generator.options import CRITICS, FEATURES, GeneratorOptions
from embed.generator.pictures import Pictures
from embed.generator.rare import FewShot, draw_few, f1_scores, moved_copies
from embed.generator.source import SimulatorSource, resized
from embed.generator.steps import Recipe, Training
from embed.gravityspy import CLASS_LISTS
from embed.metrics.intervals import mean_interval
from embed.network.devices import choose_device
from embed.processors import usable_processors
from embed.simulator.families.catalogue import FAMILIES
from embed.simulator.rates import o1_rates
from embed.storage import write_array, write_text

WAYS = ("none", "oversampling", "classical", "progan", "simulator")
CLASSES = tuple(name for name in CLASS_LISTS["O4"] if name != "None_of_the_Above")
RARE = (10, 10, 20, 20, 50, 50)
"""Examples of the rarest classes; which has how many is drawn."""
FEW = (5, 10)
"""Real examples of each class."""
SPARE = 150
"""Glitches of a rare class, from which seeds draw."""
POOL, FILLED = 7001, 9001
"""Seeds of the simulated glitches and of those that fill; a generator is trained with others."""
BASES = ("none", "oversampling")
"""Ways over which gains are reported."""
COLUMNS = ("few", "seed", "way", "measure", "value")


@dataclass(frozen=True)
class Setting:
    """Examples to learn from: their name, the draw's seed, class -> examples, and the classes that are filled."""

    few: str
    seed: int
    counts: Mapping[str, int]
    rare: tuple[str, ...]

    def measures(self, f1: Mapping[str, float]) -> dict[str, float]:
        """Macro-F1 of all classes and of the rare, and the mean of the rare of each size; of real glitches, F1 of each class."""
        found = {"macro F1": float(np.mean(list(f1.values())))}
        if self.few != "o1":
            return found | {f"F1 of {name}": f1[name] for name in self.rare}
        found["F1 of the rare"] = float(np.mean([f1[name] for name in self.rare]))
        for size in sorted(set(RARE)):
            found[f"F1 of those with {size}"] = float(
                np.mean([f1[name] for name in self.rare if self.counts[name] == size])
            )
        return found


def main() -> None:
    """Judge all ways with all seeds; finished ones are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("judged"), help="a folder, whose results are kept")
    parser.add_argument("--n", type=int, default=1600, help="simulated glitches to learn from (default: 1600)")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="real glitches, in Gravity Spy's layout")
    parser.add_argument("--gan", type=Path, metavar="FOLDER", help="a trained generator; by default one is trained")
    parser.add_argument("--filled", type=int, default=100, help="glitches of a filled class (default: 100)")
    parser.add_argument("--tested", type=int, default=40, help="tested glitches of each class (default: 40)")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--images", type=int, default=12_000, help="shown to a GAN (default: 12000)")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--critic", choices=CRITICS, default=GeneratorOptions.critic)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--features", choices=FEATURES, default="bundled", help="the network (default: bundled)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--workers", type=int, default=usable_processors(), help="processes that simulate")
    options = parser.parse_args()
    keep_options(options)
    device = choose_device(options.device)
    features = make_features(options.features, device)
    levels, labels = read_real(options) if options.real else read_simulated(options)
    vectors = features(levels)
    path = results(options)
    rows = read_rows(path)
    for seed in range(options.seeds):
        for setting in settings(labels, options, seed):
            draw = draw_few(labels, setting.counts, tested=options.tested, seed=seed)
            for line in draw.cut if seed == 0 else ():
                print(f"few {setting.few}: {line}", flush=True)
            for way in options.ways:
                place = (setting.few, str(seed), way)
                if place in {tuple(row[:3]) for row in rows}:
                    continue
                added, names = filled(way, (levels, labels), draw, setting, options)
                more = features(added) if len(added) else np.empty((0, vectors.shape[1]))
                learned = np.concatenate([vectors[draw.learned], more]), [*labels[draw.learned], *names]
                f1 = f1_scores(learned, (vectors[draw.tested], labels[draw.tested]))
                rows += [[*place, name, f"{value:.5f}"] for name, value in setting.measures(f1).items()]
                write_csv(path, COLUMNS, rows)
                print(*place, f"macro F1 {np.mean(list(f1.values())):.3f}", flush=True)
    report(rows, path.with_name(f"{path.stem}-table.csv"))


def results(options: argparse.Namespace) -> Path:
    """The table of results."""
    return options.out / ("judged-real.csv" if options.real else "judged.csv")


def keep_options(options: argparse.Namespace) -> None:
    """Write what the results in the folder depend on; refuse to go on there with other options."""
    free = ("out", "seeds", "ways", "device", "workers")
    own = {name: str(value) for name, value in sorted(vars(options).items()) if name not in free}
    path = results(options).with_suffix(".json")
    if path.exists():
        kept = json.loads(path.read_text("utf-8"))
        for name, value in own.items():
            if value != kept[name]:
                raise SystemExit(f"{path.stem}.csv in {options.out} was made with --{name} {kept[name]}, not {value}: give another --out")  # fmt: skip
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(own, indent=1))


def read_simulated(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Views (N, 3, R, R) and classes (N,) of simulated glitches: enough for every draw, kept for the next time."""
    folder = options.out / f"simulated-{options.n}-{options.tested}-{options.resolution}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "labels.npy").exists():
        counts = o1_counts(options.n)
        rare = rarest(counts)
        pool = {name: options.tested + (SPARE if name in rare else count) for name, count in counts.items()}
        job = partial(simulated, seed=POOL, side=options.resolution)
        with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as workers:
            parts = list(workers.map(job, pool, pool.values()))
        write_array(folder / "views.npy", np.concatenate(parts))
        write_array(folder / "labels.npy", np.repeat(list(pool), list(pool.values())))
    return np.load(folder / "views.npy"), np.load(folder / "labels.npy")


def simulated(name: str, count: int, *, seed: int, side: int) -> np.ndarray:
    """Simulated glitches of a class at a side."""
    torch.set_num_threads(1)
    return resized(SimulatorSource(torch.device("cpu")).sample(name, count, seed), side)


def o1_counts(n: int) -> dict[str, int]:
    """Glitches of each class among `n` of the first observing run, two at least."""
    others = np.array([FAMILIES[name].rate for name in CLASSES])
    rates = o1_rates(CLASSES, others).sum(axis=0)
    return {name: max(2, round(n * rate)) for name, rate in zip(CLASSES, rates / rates.sum(), strict=True)}


def rarest(counts: Mapping[str, int]) -> tuple[str, ...]:
    """As many of the rarest classes as `RARE` has sizes."""
    return tuple(sorted(counts, key=counts.__getitem__)[: len(RARE)])


def read_real(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Views (N, 3, R, R) and classes (N,) of the real glitches that have views of 1, 2 and 4 s."""
    folder = options.out / "real"
    with Study(folder, create=not folder.exists()) as study:
        with study.run("ingest"):
            ingest_folder(study, options.real)
        examples = read_examples(study, (), options.resolution)
    return examples.levels, examples.labels


def settings(labels: np.ndarray, options: argparse.Namespace, seed: int) -> list[Setting]:
    """What is drawn with a seed."""
    if options.real:
        names = tuple(map(str, np.unique(labels)))
        return [Setting(str(few), seed, dict.fromkeys(names, few), names) for few in FEW]
    counts = o1_counts(options.n)
    rare = rarest(counts)
    sizes = np.random.default_rng((seed, 72)).permutation(RARE).tolist()
    return [Setting("o1", seed, counts | dict(zip(rare, sizes, strict=True)), rare)]


def filled(
    way: str,
    pool: tuple[np.ndarray, np.ndarray],
    draw: FewShot,
    setting: Setting,
    options: argparse.Namespace,
) -> tuple[np.ndarray, list[str]]:
    """Pictures (M, 3, R, R) that fill the rare classes, and the class of each."""
    levels, labels = pool
    parts, names = [np.empty((0, *levels.shape[1:]), np.uint8)], []
    model = gan(pool, draw, setting, options) if way == "progan" else None
    for name in setting.rare:
        own = draw.learned[labels[draw.learned] == name]
        count = options.filled - len(own)
        if way == "none" or count <= 0:
            continue
        if way == "oversampling":
            parts.append(levels[np.resize(own, count)])
        elif way == "classical":
            parts.append(moved_copies(levels, np.resize(own, count), seed=setting.seed, device=torch.device("cpu")))
        elif model is not None:
            parts.append(resized(model.sample(name, count, FILLED + setting.seed), levels.shape[-1]))
        else:
            parts.append(simulated(name, count, seed=FILLED + setting.seed, side=levels.shape[-1]))
        names += [name] * count
    return np.concatenate(parts), names


def gan(
    pool: tuple[np.ndarray, np.ndarray], draw: FewShot, setting: Setting, options: argparse.Namespace
) -> GeneratorModel:
    """The generator that was given, or one that learned from the drawn examples alone."""
    (levels, labels), device = pool, choose_device(options.device)
    folder = options.gan or options.out / f"gan-{setting.few}-{setting.seed}"
    if not options.gan and not (folder / "generator.json").exists():
        classes, codes = np.unique(labels[draw.learned], return_inverse=True)
        pictures = Pictures(levels[draw.learned], codes.astype(np.int64), tuple(map(str, classes)))
        architecture = make_architecture(len(classes), levels.shape[-1], options.channels)
        recipe = Recipe(options.batch, options.lr, half=device.type == "cuda", critic=options.critic)
        training = Training(pictures, architecture, recipe, seed=setting.seed, device=device)
        steps = max(1, options.images // options.batch)
        for step in range(steps):
            training.step(step, step / steps)
        card = {
            "method": "progan",
            "classes": list(pictures.classes),
            "counts": dict(zip(pictures.classes, np.bincount(codes).tolist(), strict=True)),
            "resolution": architecture.resolution,
            "architecture": architecture_facts(architecture),
            "seed": setting.seed,
            "images": options.images,
            "trained_on": f"the {len(codes)} glitches of a draw",
        }
        save_generator(folder, training.mean.state_dict(), card)
    model = load_generator(folder, device)
    counts = model.card["counts"].values()
    print(f"progan: learned from {model.card['trained_on']}, {min(counts)} to {max(counts)} of each class", flush=True)
    return model


def read_rows(path: Path) -> list[list[str]]:
    """What is judged already."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def report(rows: list[list[str]], path: Path) -> None:
    """Print and write the mean over the seeds, Student's 95 % interval, the deviation between seeds, and paired gains."""
    values = {tuple(row[:4]): float(row[4]) for row in rows}
    seeds = sorted({row[1] for row in rows})
    table = []
    for few, way, measure in dict.fromkeys((row[0], row[2], row[3]) for row in rows):
        own = {seed: values[few, seed, way, measure] for seed in seeds if (few, seed, way, measure) in values}
        mean, low, high, deviation = mean_interval(list(own.values()))
        line = f"few {few:>3}  {way:13s}{measure:22s}{mean:.3f} ({low:.3f} to {high:.3f}), deviation {deviation:.3f}"
        figures = [mean, low, high, deviation]
        for base in BASES:
            pairs = [(own[seed], values.get((few, seed, base, measure), math.nan)) for seed in own]
            gain, low, high, _ = mean_interval([one - other for one, other in pairs])
            line += f"; over {base} {gain:+.3f} ({low:+.3f} to {high:+.3f})" if way != base else ""
            figures += [gain, low, high]
        table.append([few, way, measure, len(own), *(f"{value:.4f}" for value in figures)])
        print(f"{line}; {len(own)} seeds")
    heads = ["few", "way", "measure", "seeds", "mean", "low", "high", "deviation"]
    write_csv(path, [*heads, *(f"over_{base}{end}" for base in BASES for end in ("", "_low", "_high"))], table)


if __name__ == "__main__":
    main()
