"""Judge how well rare families are found and named: simulated families that no network has seen, among leftovers of known classes.

Needles: a family of `--rare` glitches among `--leftovers` of known classes, nothing else known. Is it a cluster, with a purity of 0.9
and a recall of 0.8? Verdicts: a study with `--known` glitches of each known class, and a None_of_the_Above of leftovers with and
without a family of 25 to 60. How often is "new class" said, and what becomes of the probabilities?

    python examples/judge_rare.py --out rare --leftovers 5000 --rare 25
    python examples/judge_rare.py --out rare --leftovers 20000 --rare 40 --studies 0
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from judge_backbone import RGB, Pictures, vectors_of
from train_backbone import FAMILIES, scaled_view

from discovery.certificates.certificate import NEW, certify
from discovery.certificates.evidence import Evidence
from discovery.clustering.clustering import cluster, hdbscan_clusters
from embed.network.devices import choose_device
from embed.network.network import load_network
from embed.network.runtime import make_runtime
from embed.processors import usable_processors
from embed.simulator import Population, simulate_batch
from embed.simulator.families.catalogue import UNCATALOGUED
from embed.vectors.similarity import normalise

RARE = (*UNCATALOGUED, "Reverse_Chirp")
PART = 200
"""Glitches that are simulated and embedded at once."""
PURITY, RECALL = 0.9, 0.8
FAMILY_SIZES = (25, 60)


def main() -> None:
    """Simulate and embed what is not there yet, then judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("rare"), help="a folder for vectors, kept for the next time")
    parser.add_argument("--leftovers", type=int, default=5000)
    parser.add_argument("--rare", type=int, default=25, help="glitches of the hidden family (default: 25)")
    parser.add_argument(
        "--known", type=int, default=100, help="known glitches of each class, for verdicts (default: 100)"
    )
    parser.add_argument("--studies", type=int, default=20, help="studies with and without a family (default: 20)")
    parser.add_argument("--seeds", type=int, default=3, help="of the needles (default: 3)")
    parser.add_argument("--weights", default="glitch")
    parser.add_argument("--workers", type=int, default=usable_processors())
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = max(options.leftovers, (options.known + 50) * len(FAMILIES))
    known = made(options, "known", FAMILIES, -(-wanted // PART), seed=191)
    rare = made(options, "rare", RARE, -(-max(80, 2 * options.rare) * len(RARE) // PART), seed=777)
    needles(options, known, rare)
    if options.studies:
        verdicts(options, known, rare)


def made(
    options: argparse.Namespace, name: str, classes: tuple[str, ...], parts: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors and classes of simulated glitches; parts that are there already are kept."""
    population = Population(parts * PART, seed, classes=classes, equal=True, label_noise=0.0)
    prefix = options.out / f"{name}-{seed}-{parts * PART}-{Path(options.weights).stem}"
    make = partial(make_part, prefix, options.weights, population)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        files = list(pool.map(make, range(parts)))
    loaded = [np.load(path) for path in files]
    vectors = normalise(np.concatenate([part["vectors"] for part in loaded]))
    return vectors, np.concatenate([part["classes"] for part in loaded])


def make_part(prefix: Path, weights: str, population: Population, part: int) -> Path:
    """Simulate and embed one part."""
    path = prefix.with_name(f"{prefix.name}-{part:04d}.npz")
    if path.exists():
        return path
    torch.set_num_threads(1)
    glitches = simulate_batch(population, numbers=range(part * PART, (part + 1) * PART))
    levels = np.array([[scaled_view(view) for view in views] for views in glitches.levels])[:, 1:]
    truth = np.array([entry.truth for entry in glitches.entries])
    network = load_network(weights=weights)
    runtime = make_runtime(network, choose_device())
    np.savez(path, vectors=vectors_of(runtime, network.backbone, Pictures(levels, truth), RGB), classes=truth)
    return path


def needles(
    options: argparse.Namespace, known: tuple[np.ndarray, np.ndarray], rare: tuple[np.ndarray, np.ndarray]
) -> None:
    """Hide each family among leftovers and print whether it is a cluster."""
    rows = []
    for seed in range(options.seeds):
        rng = np.random.default_rng(seed)
        base = known[0][rng.choice(len(known[0]), options.leftovers, replace=False)]
        for family in RARE:
            own = np.flatnonzero(rare[1] == family)
            chosen = rng.choice(own, min(options.rare, len(own)), replace=False)
            labels = hdbscan_clusters(np.concatenate([base, rare[0][chosen]])).labels
            inside = labels[len(base) :]
            held = inside[inside >= 0]
            best = np.bincount(held).argmax() if len(held) else -2
            hits = int((inside == best).sum())
            purity, recall = hits / max(int((labels == best).sum()), 1), hits / len(chosen)
            rows.append(
                {
                    "family": family,
                    "seed": seed,
                    "purity": purity,
                    "recall": recall,
                    "found": purity >= PURITY and recall >= RECALL,
                }
            )
            print(f"{family} {seed}: purity {purity:.2f}, recall {recall:.2f}", flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("family")[["purity", "recall", "found"]].mean().round(2).to_string())
    print(f"{options.rare} among {options.leftovers}: found in {table['found'].mean():.1%} of {len(table)}")


def verdicts(
    options: argparse.Namespace, known: tuple[np.ndarray, np.ndarray], rare: tuple[np.ndarray, np.ndarray]
) -> None:
    """Say how often leftovers alone are called new, how often a hidden family is, and how the probabilities came true."""
    candidates, false, found = [], 0, 0
    for number in range(options.studies):
        for family in (None, RARE[number % len(RARE)]):
            own = study(options, known, rare, family, np.random.default_rng(1000 + number))
            candidates += own
            false += family is None and any(verdict == NEW for verdict, *_ in own)
            found += family is not None and any(verdict == NEW and truth for verdict, _, _, _, truth in own)
    print(
        f"{options.studies} studies of leftovers alone: 'new class' said in {false}; with a family: found and called new in {found}"
    )
    table = pd.DataFrame(candidates, columns=["verdict", "probability", "low", "high", "new"])
    table["probability"] = pd.cut(table["probability"], [0, 0.02, 0.1, 0.5, 0.9, 1.0])
    grouped = table.groupby("probability", observed=True)
    print(grouped[["low", "high", "new"]].mean().round(3).assign(candidates=grouped.size()).to_string())


def study(
    options: argparse.Namespace,
    known: tuple[np.ndarray, np.ndarray],
    rare: tuple[np.ndarray, np.ndarray],
    family: str | None,
    rng: np.random.Generator,
) -> list[tuple[str, float, float, float, bool]]:
    """Make one study and certify its clusters: verdict, probability with its interval, and whether it is the family."""
    order = rng.permutation(len(known[0]))
    classes, used = {}, []
    for name in FAMILIES:
        classes[name] = order[known[1][order] == name][: options.known]
        used.append(classes[name])
    left = np.setdiff1d(order, np.concatenate(used))
    left = rng.choice(left, min(len(left), int(rng.choice([300, 600]))), replace=False)
    vectors, truth = [known[0][left]], [np.zeros(len(left), bool)]
    if family is not None:
        own = np.flatnonzero(rare[1] == family)
        chosen = rng.choice(own, min(len(own), int(rng.integers(*FAMILY_SIZES))), replace=False)
        vectors.append(rare[0][chosen])
        truth.append(np.ones(len(chosen), bool))
    asked, wanted = np.concatenate(vectors), np.concatenate(truth)
    unit = np.concatenate([asked, *(known[0][rows] for rows in classes.values())])
    starts = len(asked) + np.cumsum([0, *(len(rows) for rows in classes.values())])
    places = {name: np.arange(starts[at], starts[at + 1]) for at, name in enumerate(classes)}
    background = np.arange(len(asked), len(unit))
    found = cluster(asked, background=unit[background])
    certificates = certify(found, Evidence(unit, np.arange(len(asked)), places, background))
    return [
        (
            own.verdict,
            own.probability or 0.0,
            own.low or 0.0,
            own.high or 0.0,
            bool(wanted[found.labels == own.cluster].mean() > 0.5),
        )
        for own in certificates
    ]


if __name__ == "__main__":
    main()
