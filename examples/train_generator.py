"""A generator of glitches, trained on simulated ones of Gravity Spy's 26 named classes; minutes on a GPU.

It simulates glitches on all cores, or reads ``views.npy`` (uint8, N x 3 x R x R: levels at 1, 2 and 4 s) and ``labels.npy`` (N names)
where --out holds them, and trains a GAN (`embed.generator`) until all pictures were shown, or the time is over: whichever
is sooner sets the pace at which it grows (`--critic own`). Every --every seconds it writes into --out, each file whole or not at all:

    generator/             the generator, in the layout of a study's generators/NAME; where it simulated what it learned from, it says so
    critic.safetensors     the critic, in half precision
    samples.png            a row of generated glitches for each class, beside real.png
    history.csv            losses, and the spread of generated glitches relative to that of real ones

    python examples/train_generator.py --out generator --n 8000 --images 3000000 --seconds 200 --batch 128 --lr 0.002 --device cuda
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from embed.csvfile import write_csv
from embed.generator.history import History, sample_grid
from embed.generator.learned import PARTS, write_learned
from embed.generator.model import architecture_facts, save_generator
from embed.generator.networks import make_architecture
from embed.generator.options import CRITICS, DURATIONS, GeneratorOptions
from embed.generator.pictures import Pictures
from embed.generator.sheet import write_sheet
from embed.generator.steps import Recipe, Training
from embed.gravityspy import CLASS_LISTS
from embed.network.devices import choose_device
from embed.processors import usable_processors
from embed.storage import write_array, write_bytes

FAMILIES = tuple(name for name in CLASS_LISTS["O4"] if name != "None_of_the_Above")
PART = 64
"""Glitches that a process simulates at a time."""
SHOWN = 4
"""Glitches of each class on a sheet."""


def main() -> None:
    """Simulate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("generator"), help="a folder for views, weights and samples")
    parser.add_argument("--n", type=int, default=8000, help="glitches to simulate (default: 8000)")
    parser.add_argument("--images", type=int, default=1_000_000, help="real pictures shown (default: 1000000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="time of the training (default: no limit)")
    parser.add_argument("--every", type=float, default=15.0, help="seconds between two writings (default: 15)")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--channels", type=int, default=64, help="most feature maps (default: 64)")
    parser.add_argument("--critic", choices=CRITICS, default=GeneratorOptions.critic)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=0.002)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--workers", type=int, default=usable_processors(), help="processes that simulate")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.n < 10 * len(FAMILIES):
        parser.error(f"--n {options.n}: give at least {10 * len(FAMILIES)}, about ten of each class")
    options.out.mkdir(parents=True, exist_ok=True)
    train(read_pictures(options), options)


def read_pictures(options: argparse.Namespace) -> Pictures:
    """Read the views that are there, or simulate them."""
    views, labels = options.out / "views.npy", options.out / "labels.npy"
    if not labels.exists():
        started = time.monotonic()
        levels, names = simulated(options)
        write_array(views, levels)
        write_array(labels, names)
        write_learned(options.out, (), ())  # no glitch of a study is among them
        print(f"simulated {len(names)} glitches in {time.monotonic() - started:.0f} s", flush=True)
    classes, codes = np.unique(np.load(labels), return_inverse=True)
    return Pictures(np.load(views), codes.astype(np.int64), tuple(map(str, classes)))


def simulated(options: argparse.Namespace) -> tuple[np.ndarray, np.ndarray]:
    """Views (N, 3, R, R) and classes (N,), simulated on several processes."""
    job = partial(simulate_part, options.n, options.seed, options.resolution)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(job, range(0, options.n, PART)))
    return np.concatenate([levels for levels, _ in parts]), np.concatenate([names for _, names in parts])


def simulate_part(n: int, seed: int, resolution: int, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Simulate one part at the resolution of a picture, and keep it as a network would read it."""
    from embed.generator.source import resized  # noqa: PLC0415 - none is needed where the views are there
    from embed.simulator.population import Population  # noqa: PLC0415
    from embed.simulator.simulation import simulate_batch  # noqa: PLC0415

    torch.set_num_threads(1)
    population = Population(n, seed, classes=FAMILIES, equal=True)
    numbers = range(start, min(start + PART, n))
    glitches = simulate_batch(population, numbers=numbers, durations=DURATIONS, device="cpu")
    return resized(glitches.levels, resolution), np.array([entry.truth for entry in glitches.entries])


def train(pictures: Pictures, options: argparse.Namespace) -> None:
    """Train until the pictures or the time are used up, writing all along."""
    device = choose_device(options.device)
    architecture = make_architecture(len(pictures.classes), pictures.levels.shape[-1], options.channels)
    recipe = Recipe(options.batch, options.lr, half=device.type == "cuda", critic=options.critic)
    torch.backends.cudnn.benchmark = True
    training = Training(pictures, architecture, recipe, seed=options.seed, device=device)
    steps = max(1, options.images // options.batch)
    history = History(training, pictures)
    write_real(pictures, options)
    started = written = time.monotonic()
    number = 0
    while True:
        share = max(number / steps, (time.monotonic() - started) / options.seconds)
        over = share >= 1
        if number and (over or time.monotonic() - written > options.every):
            row = history.row(number, min(share, 1.0))
            write(training, pictures, history, options, share=min(share, 1.0))
            spent = time.monotonic() - started
            print(f"{spent:.0f} s, {number / spent:.1f} steps/s: {row}", flush=True)
            written = time.monotonic()
        if over:
            return
        history.add(training.step(number, share))
        number += 1


def write_real(pictures: Pictures, options: argparse.Namespace) -> None:
    """Write the sheet of real glitches."""
    rows = [np.flatnonzero(pictures.codes == code) for code in range(len(pictures.classes))]
    levels = np.array([pictures.levels[np.resize(own, SHOWN)] for own in rows])
    write_sheet(options.out / "real.png", levels, pictures.classes)


def write(
    training: Training, pictures: Pictures, history: History, options: argparse.Namespace, *, share: float
) -> None:
    """Write the generator, the critic, samples and losses."""
    classes = pictures.classes
    write_sheet(options.out / "samples.png", sample_grid(training, SHOWN, share), classes)
    write_csv(options.out / "history.csv", tuple(history.rows[0]), [list(row.values()) for row in history.rows])
    critic = {name: value.detach().cpu().half().contiguous() for name, value in training.critic.state_dict().items()}
    write_bytes(options.out / "critic.safetensors", save(critic))
    counts = np.bincount(pictures.codes, minlength=len(classes)).tolist()
    card = {
        "method": "progan",
        "classes": list(classes),
        "counts": dict(zip(classes, counts, strict=True)),
        "resolution": training.architecture.resolution,
        "architecture": architecture_facts(training.architecture),
        "seed": options.seed,
        "images": history.rows[-1]["images"],
        "share": share,
        "trained_on": f"{len(pictures.codes)} simulated glitches",
        "batch": options.batch,
        "learning_rate": options.lr,
        "history": history.rows[-1:],
        "device": training.device.type,
        "versions": {"torch": torch.__version__},
    }
    if (options.out / PARTS).exists():
        write_bytes(options.out / "generator" / PARTS, (options.out / PARTS).read_bytes())
    save_generator(options.out / "generator", training.mean.state_dict(), card)


if __name__ == "__main__":
    main()
