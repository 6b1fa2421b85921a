"""Judge how well vectors keep apart what training never showed: a family is left out in turn, and must be found among the unknown.

For each family a network is trained without it (by ``train_backbone.py``'s recipe, smaller by default), and sees 400 simulated
glitches of classes that it never learned: that family, Reverse_Chirp, and the families that are in no catalogue. The table gives the
adjusted mutual information of the default clusterings with the truth (HDBSCAN and spectral, mean of three seeds) and the share of
glitches whose five nearest neighbours vote for their class: for that network, for the weights that ship with the project (which
know the family), and for ImageNet's.

``--mirror FOLDER`` mirrors real chirps in time, which makes a Reverse_Chirp that no simulator drew, and says how pure and how
complete the cluster is in which they are found among all simulated classes.

    python examples/judge_held_out.py --out backbone --n 12000 --epochs 2
    python examples/judge_held_out.py --out backbone --families --mirror ../shared/data/simulated_binaries
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from judge_backbone import Pictures as Judged
from judge_backbone import blind, neighbour_accuracy, vectors_of
from train_backbone import FAMILIES, RGB, blended, fit, read_pictures, scaled_view, simulated_pictures, write_weights

from discovery.clustering.clustering import cluster
from discovery.clustering.methods import CLUSTER_METHODS
from embed.network.devices import choose_device
from embed.network.network import load_network
from embed.network.runtime import make_runtime
from embed.processors import usable_processors
from embed.simulator import Population, simulate_batch
from embed.simulator.families.catalogue import UNCATALOGUED

HELD_OUT = ("Koi_Fish", "Scattered_Light", "Fast_Scattering", "Whistle", "Helix", "Violin_Mode",
            "Paired_Doves", "Wandering_Line", "1400Ripples", "Tomte", "Light_Modulation", "Blip")  # fmt: skip
VIEWS = ("4.0", str(RGB))
SHOWN = 400
MIXED = 30
"""Simulated glitches of each class, among which mirrored chirps are to be found."""
MIRRORED = "Reverse_Chirp"
VOTE = "5-NN"


def main() -> None:
    """Train, embed and judge; what is there already is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("backbone"), help="a folder for pictures, weights and vectors")
    parser.add_argument("--families", nargs="*", default=HELD_OUT, choices=FAMILIES, metavar="FAMILY")
    parser.add_argument("--n", type=int, default=12000, help="glitches to learn from (default: 12000)")
    parser.add_argument("--workers", type=int, default=usable_processors(), help="processes that simulate")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--contrastive", type=float, default=0.2)
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int, default=73, help="of the glitches to learn from (default: 73)")
    parser.add_argument("--seeds", type=int, default=3, help="of the clusterings (default: 3)")
    parser.add_argument("--weights", nargs="+", default=("glitch", "bundled"), help="to compare with")
    parser.add_argument("--mirror", type=Path, metavar="FOLDER", help="real chirps, to be found mirrored in time")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(keep_unknown, options.out), options.families))
    lacking = [family for family in options.families if not own_weights(options.out, family).exists()]
    if lacking:
        population = Population(options.n, options.seed, classes=FAMILIES, equal=True, label_noise=0.0)
        pictures = simulated_pictures(options.out, population, options.workers, options.device)
        for family in lacking:
            print(f"without {family}", flush=True)
            changes = {"name": own_weights(options.out, family).stem, "hold_out": (family,), "repeats": 1}
            own = argparse.Namespace(**vars(options) | changes)
            write_weights(blended(pictures, fit(pictures, [], own), own), own_weights(options.out, family))
    rows = []
    for family in options.families:
        for weights in (str(own_weights(options.out, family)), *options.weights):
            name = "without it" if weights == str(own_weights(options.out, family)) else Path(weights).stem
            classes, vectors_by = vectors_of_unknown(options.out / f"unknown-{family}.npz", weights, options)
            for views, vectors in vectors_by.items():
                row: dict[str, object] = {"family": family, "views": views, "weights": name}
                vote = neighbour_accuracy(vectors, classes, np.arange(len(classes)))
                rows.append(row | blind(vectors, classes, options.seeds) | {VOTE: vote})
    if options.mirror is not None:
        print(pd.DataFrame(judge_mirrored(options.mirror, options)).round(3).to_string(index=False))
    if rows:
        table = pd.DataFrame(rows)
        means = table.groupby(["views", "weights"], sort=False).mean(numeric_only=True).reset_index()
        print(pd.concat([table, means.assign(family="mean")]).round(3).to_string(index=False))


def own_weights(folder: Path, family: str) -> Path:
    """Weights of the network that never saw a family."""
    return folder / f"without-{family}.safetensors"


def keep_unknown(folder: Path, family: str) -> None:
    """Simulate what training does not show: a family, and those in no catalogue."""
    path = folder / f"unknown-{family}.npz"
    if path.exists():
        return
    torch.set_num_threads(1)
    seed = 900 + FAMILIES.index(family)
    population = Population(
        SHOWN, seed, classes=(*UNCATALOGUED, family), equal=True, label_noise=0.0, normalisation="median"
    )
    glitches = simulate_batch(population)
    levels = np.array([[scaled_view(view) for view in views] for views in glitches.levels])
    np.savez(path, levels=levels, classes=np.array([entry.truth for entry in glitches.entries]))


def vectors_of_unknown(
    path: Path, weights: str, options: argparse.Namespace
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Classes of simulated glitches, and their vectors by each choice of views."""
    unknown = np.load(path)
    levels, classes = unknown["levels"], unknown["classes"]
    network = load_network(weights=weights)
    runtime = make_runtime(network, choose_device(options.device))
    vectors = {
        views: vectors_of(runtime, network.backbone, Judged(levels[:, 1 if views == str(RGB) else 3 :], classes), views)
        for views in VIEWS
    }
    runtime.close()
    return classes, vectors


def judge_mirrored(folder: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """How whole and how pure the cluster is that holds most of the real chirps mirrored in time, among every simulated class."""
    path = options.out / "mirrored.npz"
    if not path.exists():
        population = Population(MIXED * len(FAMILIES), 950, classes=FAMILIES, equal=True, label_noise=0.0)
        simulated = simulated_pictures(options.out, population, options.workers, options.device)
        real = read_pictures(folder)
        np.savez(
            path,
            levels=np.concatenate([simulated.levels, real.levels[..., ::-1]]),
            classes=np.concatenate([simulated.classes, np.full(len(real.classes), MIRRORED)]),
        )
    rows = []
    for weights in options.weights:
        classes, vectors_by = vectors_of_unknown(path, weights, options)
        for views, vectors in vectors_by.items():
            for method in CLUSTER_METHODS:
                labels = cluster(vectors, method=method, seed=0).labels
                row: dict[str, object] = {"weights": Path(weights).stem, "views": views, "method": method}
                rows.append(row | found(labels, classes == MIRRORED))
    return rows


def found(labels: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Purity of the cluster that holds most of the wanted glitches, and the share of them that it holds; -1 is no cluster."""
    inside = labels[wanted & (labels >= 0)]
    if not len(inside):
        return {"purity": 0.0, "recall": 0.0}
    best = labels == np.bincount(inside).argmax()
    return {"purity": float(wanted[best].mean()), "recall": float(best[wanted].mean())}


if __name__ == "__main__":
    torch.set_float32_matmul_precision("high")
    main()
