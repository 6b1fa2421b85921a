"""The glitch backbone that ships with the project: EfficientNet-Lite0 fine-tuned on simulated glitches of every named class.

It simulates glitches of Gravity Spy's 23 named classes (None_of_the_Above and what hides in it are never shown to the network),
fine-tunes the ImageNet weights on three durations as red, green and blue, where for part of the glitches one duration stands for
all three, and writes the network without its final layer, in half precision. Minutes on a GPU; on two CPU cores about an hour with
``--precision bfloat16``, where the processor computes in it. Stopped, it goes on where it was.

What is written is the mean of the fine-tuned weights and ImageNet's, batch normalisation measured anew: it knows the classes that it
was trained on nearly as well, and keeps new ones apart better (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").

``--hold-out FAMILY`` leaves families out, and ``judge_backbone.py`` measures how well the vectors keep apart what training never
showed.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import update_bn

from discovery.cli import main as discover
from embed import Study
from embed.augmentation import ROBUST, augment
from embed.backbones import load_network
from embed.chance import draw_keys
from embed.checkpoint import training_folder
from embed.encoding import compose
from embed.gravityspy import CLASSES
from embed.levels import read_levels
from embed.model import Model, load_model, model_folder, models
from embed.simulator import simulate
from embed.training import Request, train

FAMILIES = tuple(name for name in CLASSES if name != "None_of_the_Above")
FROZEN = ("conv_stem", "bn1", "blocks.0", "blocks.1")
"""Edges and blobs stay as ImageNet taught them: a third of a step's cost lies there."""
VIEWS = "1.0,2.0,4.0"
BATCH = 64
AUGMENTATION = replace(ROBUST, single=0.4)
"""For four glitches in ten one duration stands for all three, as where only one was published."""
MEASURED = 2048
"""Glitches that batch normalisation is measured on."""


def main() -> None:
    """Simulate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("backbone"), help="a folder for glitches, study and weights")
    parser.add_argument("--n", type=int, default=12000, help="glitches (default: 12000)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--contrastive", type=float, default=0.2, help="weight of the supervised-contrastive term")
    parser.add_argument(
        "--tuned", type=float, default=0.5, help="share of the fine-tuned weights in the mean; 1: these alone"
    )
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--hold-out", nargs="+", default=(), choices=FAMILIES, metavar="FAMILY")
    parser.add_argument("--name", default="glitch", help="of the model, and of the weights' file (default: glitch)")
    options = parser.parse_args()
    data, study = options.out / "glitches", options.out / "study"
    if not data.exists():
        print(f"simulating {options.n} glitches", flush=True)
        simulate(data, options.n, options.seed, classes=FAMILIES, equal=True)
    run("ingest", str(data), "--study", str(study))
    run("ingest", str(data / "metadata.csv"), "--study", str(study))
    fine_tune(study, options)
    model = load_model(model_folder(study, options.name))
    network = model.network.module
    if options.tuned < 1.0:
        average(network, load_network(weights="bundled").module, options.tuned)
        update_bn(pictures(study, model, options.seed), network)
    write_weights(network.eval(), options.out / f"{options.name}.safetensors")


def run(*arguments: str) -> None:
    """Run one command of ``discover``, shown as a user types it."""
    print(f"\n$ discover {' '.join(arguments)}", flush=True)
    code = discover(arguments)
    if code:
        sys.exit(code)


def fine_tune(folder: Path, options: argparse.Namespace) -> None:
    """Train, unless that is done; go on where it was, if it was stopped."""
    changes = {
        "epochs": options.epochs,
        "batch": BATCH,
        "warmup": min(1.0, options.epochs / 4),
        "contrastive": options.contrastive,
        "freeze": FROZEN,
        "precision": options.precision,
        "augmentation": AUGMENTATION,
    }
    with Study(folder) as study:
        if options.name in models(folder):
            print(f"\n{options.name} is trained already")
            return
        request = Request(
            name=options.name,
            weights="bundled",
            views=VIEWS,
            split="time",
            labels=tuple(name for name in FAMILIES if name not in options.hold_out),
            seed=options.seed,
            device=options.device,
            resume=training_folder(model_folder(folder, options.name)).exists(),
        )
        print(f"\ntraining {options.name}" + (", from where it was stopped" if request.resume else ""), flush=True)
        trained = train(study, request, changes=changes, report=show_epoch)
        for note in trained.notes:
            print(note)


def show_epoch(row: dict[str, object]) -> None:
    """Print one epoch's figures."""
    figures = ", ".join(f"{key} {value:.4f}" for key, value in row.items() if isinstance(value, float))
    print(f"epoch {row.get('epoch')}: {figures}", flush=True)


def average(network: nn.Module, start: nn.Module, tuned: float) -> None:
    """Move a fine-tuned network's weights towards those that it started from."""
    with torch.no_grad():
        for own, theirs in zip(network.parameters(), start.parameters(), strict=True):
            own.lerp_(theirs, 1.0 - tuned)


def pictures(folder: Path, model: Model, seed: int) -> Iterator[torch.Tensor]:
    """Batches of what the model was trained on, for its batch normalisation."""
    encoding, spec = model.encoding, model.network.backbone
    with Study(folder) as study:
        frame = study.glitches()
        trained = frame.index[frame["id"].map(model.parts) == "train"].to_numpy(np.int64)
        drawn = np.random.default_rng(seed).permutation(trained)[:MEASURED]
        levels, kept, _ = read_levels(study, drawn, encoding, spec.size, device=torch.device("cpu"))
        for rows in np.array_split(np.arange(len(kept)), max(1, len(kept) // BATCH)):
            keys = draw_keys(seed, 0, kept[rows], np.zeros(len(rows), np.int64))
            values = augment(levels.batch(rows), encoding.durations, AUGMENTATION, keys)
            yield compose(values, encoding, spec.size, spec.mean, spec.std)


def write_weights(network: nn.Module, path: Path) -> None:
    """Write a network without its final layer: matrices in half precision, the rest as it is."""
    state = network.state_dict()
    halved = {name: value.half() if value.ndim > 1 else value for name, value in state.items()}
    save_file({name: value.contiguous() for name, value in halved.items()}, path)
    size = path.stat().st_size / 2**20
    print(f"\n{path}: {size:.1f} MiB, for `discover embed --weights {path}`")


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
