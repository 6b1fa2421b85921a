"""The glitch backbone that ships with the project: EfficientNet-Lite0 fine-tuned on simulated glitches of every named class.

It simulates glitches of Gravity Spy's 26 named classes (None_of_the_Above and what hides in it are never shown to the network),
fine-tunes the ImageNet weights on three durations as red, green and blue, where for part of the glitches one duration replaces
all three, and writes the network without its final layer, in half precision. Minutes on a GPU; on two CPU cores about an hour with
``--precision bfloat16``, where the processor computes in it. A stopped training is resumed.

``--hold-out FAMILY`` leaves families out, and ``judge_backbone.py`` measures how well the vectors keep apart what training never
showed.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from discovery.cli import main as discover
from embed import Study
from embed.gravityspy import CLASS_LISTS
from embed.network.model import load_model
from embed.network.sources import model_folder, models
from embed.simulator import simulate
from embed.training.options import TrainingOptions
from embed.training.place import training_folder
from embed.training.trainer import train
from embed.training.variation import ROBUST

FAMILIES = tuple(name for name in CLASS_LISTS["O4"] if name != "None_of_the_Above")
FROZEN = ("conv_stem", "bn1", "blocks.0", "blocks.1")
"""Layers that keep ImageNet's weights (they find edges and blobs): training them takes a third of a step's cost."""
VIEWS = "1.0,2.0,4.0"
SINGLE = 0.4
"""Share of the glitches of which one duration replaces all three, as where only one was published."""


def main() -> None:
    """Simulate, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("backbone"), help="a folder for glitches, study and weights")
    parser.add_argument("--n", type=int, default=12000, help="glitches (default: 12000)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--contrastive", type=float, default=0.2, help="weight of the supervised-contrastive term")
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
    write_weights(model_folder(study, options.name), options.out / f"{options.name}.safetensors")


def run(*arguments: str) -> None:
    """Run one command of ``discover``, shown as a user types it."""
    print(f"\n$ discover {' '.join(arguments)}", flush=True)
    code = discover(arguments)
    if code:
        sys.exit(code)


def fine_tune(folder: Path, options: argparse.Namespace) -> None:
    """Train, unless that is done; resume a stopped training."""
    changes = {
        "epochs": options.epochs,
        "batch": 64,
        "warmup": min(1.0, options.epochs / 4),
        "contrastive": options.contrastive,
        "freeze": FROZEN,
        "precision": options.precision,
        "augmentation": replace(ROBUST, single=SINGLE),
    }
    with Study(folder) as study:
        if options.name in models(folder):
            print(f"\n{options.name} is trained already")
            return
        training = TrainingOptions(
            name=options.name,
            weights="bundled",
            views=VIEWS,
            split="time",
            labels=tuple(name for name in FAMILIES if name not in options.hold_out),
            seed=options.seed,
            device=options.device,
            resume=training_folder(model_folder(folder, options.name)).exists(),
        )
        print(f"\ntraining {options.name}" + (", from where it was stopped" if training.resume else ""), flush=True)
        trained = train(study, training, changes=changes, report=show_epoch)
        for note in trained.notes:
            print(note)


def show_epoch(row: dict[str, object]) -> None:
    """Print one epoch's figures."""
    figures = ", ".join(f"{key} {value:.4f}" for key, value in row.items() if isinstance(value, float))
    print(f"epoch {row.get('epoch')}: {figures}", flush=True)


def write_weights(folder: Path, path: Path) -> None:
    """Write a model's network without its final layer: matrices in half precision, the rest as it is."""
    state = load_model(folder).network.module.state_dict()
    halved = {name: value.half() if value.ndim > 1 else value for name, value in state.items()}
    save_file({name: value.contiguous() for name, value in halved.items()}, path)
    size = path.stat().st_size / 2**20
    print(f"\n{path}: {size:.1f} MiB, for `discover embed --weights {path}`")


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
