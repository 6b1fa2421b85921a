"""The O1 paper on Gravity Spy's published training set: networks pre-trained on ImageNet, fine-tuned and compared.

After George, Shen & Huerta (2018, Phys. Rev. D 97, 101501). It reads the training set's HDF5 file (3.1 GB, from Zenodo record 1476551; downloaded
when no file is given), trains each network with the preset ``o1-paper`` on Gravity Spy's own split, and prints the paper's tables: accuracy
by network with the ensemble and the logistic-regression baseline (Table I), and by class (Table A1). Hours on a GPU, days without;
``--networks efficientnet_lite0 --weights bundled --epochs 10`` is quicker and downloads no weights.
"""

import argparse
import hashlib
import json
import sys
import urllib.request
from pathlib import Path

import pandas as pd

from discovery.cli import main as discover
from embed import Study
from embed.network.sources import model_folder, models
from embed.training.options import TrainingOptions
from embed.training.place import training_folder
from embed.training.trainer import train

RECORD = "https://zenodo.org/api/records/1476551"
FILE = "trainingsetv1d1.h5"
NETWORKS = ("inception_v3", "resnet50", "vgg16", "vgg19")
CHUNK = 1 << 20
SECONDS = 60


def main() -> None:
    """Get the training set, train, evaluate, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, metavar="HDF5", help="the training set (default: downloaded into --out)")
    parser.add_argument("--out", type=Path, default=Path("o1_paper"), help="a folder for the study and the results")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help=f"default: {' '.join(NETWORKS)}")
    parser.add_argument("--weights", default="imagenet", help="where the networks start from (default: imagenet)")
    parser.add_argument(
        "--views", default="2.0", help="2.0, augmented, or 1.0,2.0,4.0 as red, green, blue (default: 2.0)"
    )
    parser.add_argument("--epochs", type=int, help="default: the paper's 100")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = options.data or download(options.out / FILE)
    study = options.out / "study"
    run("ingest", str(data), "--study", str(study))
    names = []
    for network in options.networks:
        names.append(f"o1-{network.replace(':', '-')}")
        fine_tune(study, names[-1], network, options)
    results = options.out / "results"
    run(
        "evaluate", *names, "--study", str(study), "--out", str(results), "--seed", str(options.seed), "--device", options.device,
        "--baseline", "--backbone", options.networks[0], "--weights", options.weights,
        *(["--ensemble"] if len(names) > 1 else []),
    )  # fmt: skip
    print_tables(results)


def run(*arguments: str) -> None:
    """Run one command of ``discover``, shown as a user types it."""
    print(f"\n$ discover {' '.join(arguments)}", flush=True)
    code = discover(arguments)
    if code:
        sys.exit(code)


def fine_tune(study: Path, name: str, network: str, options: argparse.Namespace) -> None:
    """Train one network, unless that is done; resume a stopped training."""
    with Study(study) as opened:
        if name in models(opened.folder):
            print(f"\n{name} is trained already")
            return
        stopped = training_folder(model_folder(opened.folder, name)).exists()
        training = TrainingOptions(
            name=name,
            backbone=network,
            weights=options.weights,
            views=options.views,
            preset="o1-paper",
            split="sample-type",
            seed=options.seed,
            device=options.device,
            resume=stopped,
        )
        print(f"\ntraining {name}" + (", from where it was stopped" if stopped else ""), flush=True)
        changes = {} if options.epochs is None else {"epochs": options.epochs}
        trained = train(opened, training, changes=changes, report=show_epoch)
        for note in trained.notes:
            print(note)


def show_epoch(row: dict[str, object]) -> None:
    """Print one epoch's figures."""
    figures = ", ".join(f"{key} {value:.4f}" for key, value in row.items() if isinstance(value, float))
    print(f"epoch {row.get('epoch')}: {figures}", flush=True)


def download(path: Path, record: str = RECORD) -> Path:
    """Fetch a file of a Zenodo record: a partial download is continued, and the record's MD5 sum must agree.

    Parameters
    ----------
    path : Path
        Where it is saved; its name must be that of the file in the record.
    record : str
        The record's address in Zenodo's API.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(record, timeout=SECONDS) as answer:  # noqa: S310 - an https address, written above
        files = {item["key"]: item for item in json.load(answer)["files"]}
    if path.name not in files:
        sys.exit(f"{record} has no {path.name}, only {', '.join(sorted(files))}; give --data")
    item = files[path.name]
    part = path.with_name(f"{path.name}.part")
    done = part.stat().st_size if part.exists() else 0
    if done < item["size"]:
        request = urllib.request.Request(  # noqa: S310 - named by the record
            item["links"]["self"], headers={"Range": f"bytes={done}-"} if done else {}
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - named by the record
            continued = done > 0 and answer.status == 206  # a server may send it all again
            with part.open("ab" if continued else "wb") as file:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    print(
                        f"\r{path.name}: {file.tell() / 2**20:,.0f} of {item['size'] / 2**20:,.0f} MiB",
                        end="",
                        flush=True,
                    )
        print()
    with part.open("rb") as file:
        found = "md5:" + hashlib.file_digest(file, "md5").hexdigest()
    if found != item["checksum"]:
        part.unlink()
        sys.exit(f"{path.name} is damaged ({found}, the record says {item['checksum']}); run this again")
    part.rename(path)
    return path


def print_tables(results: Path) -> None:
    """Print the paper's Tables I and A1."""
    figures = pd.read_csv(results / "metrics.csv").set_index("classifier")
    shown = figures[["top1", "top1_low", "top1_high", "top2", "top3", "top4", "top5", "macro_f1", "calibration_error"]]
    print(
        f"\nTable I: accuracy on {figures['glitches'].iloc[0]} test glitches, in % (top-1 with its interval of 95 %)\n"
    )
    print((100 * shown).round(2).to_string())
    classes = pd.read_csv(results / "classes.csv")
    table = classes[classes["glitches"] > 0].pivot_table(
        index="class", columns="classifier", values="recall", sort=False
    )
    table.insert(0, "glitches", classes.drop_duplicates("class").set_index("class")["glitches"])
    print("\nTable A1: share of each class that is recognised\n")
    print(table[["glitches", *figures.index]].round(4).to_string())
    print(f"\nall of it, with what was misclassified: {results / 'evaluation.html'}")


if __name__ == "__main__":
    main()
