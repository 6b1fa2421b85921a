"""Judge weights on real, labelled glitches: which ones place glitches of one class together, and know what they never saw.

Of each folder of images (a folder a label) it prints, for each of the weights and each choice of views:

- the answers of a head that learnt from simulated glitches alone: share right, and right among the first three, with 95 % intervals;
  and the adjusted mutual information (AMI) of the default clusterings of the same pictures, seen without labels, with the classes;
- the share of glitches whose five nearest neighbours (near-duplicates and glitches of the same half second left out) vote for their class;
- within one label, the AMI of the default clusterings with the truth.

``--truth CSV`` (columns id, truth) gives the true classes, where the folders' labels do not. Pictures whose name gives no duration are
judged by the head alone, as single views. ``--mistakes`` lists every wrong answer.

    python examples/judge_backbone.py ../shared/data/gravityspy_golden ../shared/data/lay_labels --mistakes
    python examples/judge_backbone.py images --truth truth.csv --views 4.0 --within None_of_the_Above --head 0
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from discovery.clustering.clustering import cluster
from discovery.clustering.methods import CLUSTER_METHODS
from embed import EmbeddingOptions, Study, VectorStore, embed, ingest_folder
from embed.dataset.dataset import find_groups, labelled_glitches
from embed.gravityspy import CLASS_LISTS, DURATIONS, class_name, other_view, parse_view_name
from embed.metrics.intervals import wilson
from embed.network.backbones import DEFAULT_BACKBONE, Backbone, find_backbone
from embed.network.devices import choose_device
from embed.network.network import load_network
from embed.network.runtime import Runtime, make_runtime
from embed.simulator import Population, simulate_batch
from embed.vectors.similarity import normalise
from embed.views.decoding import spectrogram_levels
from embed.views.encoding import network_input, parse_encoding

VOTERS = 5
AXES = 200
"""Principal axes of the simulated vectors that the head reads, where there are so many vectors."""
RGB, ANY = "1.0,2.0,4.0", "any"
"""Views that the head is asked about: three durations, or each picture for itself, of whatever duration."""


@dataclass(frozen=True)
class Pictures:
    """Levels (N, V, side, side) uint8 of the views that are judged as one, and the class of each (N,)."""

    levels: np.ndarray
    classes: np.ndarray


def main() -> None:
    """Judge each folder with each of the weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, nargs="+", help="folders of images, a folder a label")
    parser.add_argument("--truth", type=Path, metavar="CSV", help="columns id and truth (default: the folders' labels)")
    parser.add_argument("--weights", nargs="+", default=("bundled", "glitch"), help="default: bundled glitch")
    parser.add_argument(
        "--views", nargs="+", default=("4.0", RGB), help=f"of neighbours and clusters (default: 4.0 {RGB})"
    )
    parser.add_argument("--within", metavar="LABEL", help="cluster this label")
    parser.add_argument("--seeds", type=int, default=3, help="of the clusterings (default: 3)")
    parser.add_argument(
        "--head", type=int, default=100, metavar="N", help="simulated glitches a class; 0: no head (default: 100)"
    )
    parser.add_argument(
        "--classes", default="O4", choices=CLASS_LISTS, help="class list that the head knows (default: O4)"
    )
    parser.add_argument("--seed", type=int, default=5, help="of the simulated glitches (default: 5)")
    parser.add_argument("--mistakes", action="store_true", help="list wrong answers")
    options = parser.parse_args()
    for folder in options.images:
        if not folder.is_dir():
            parser.error(f"{folder} is not a folder; give folders of images, a folder a label")
    if options.head:
        rows, mistakes = judge_heads(options)
        print(pd.DataFrame(rows).round(3).to_string(index=False))
        if options.mistakes:
            print(pd.DataFrame(mistakes).to_string(index=False))
    rows = [row for folder in options.images for row in judge_vectors(folder, options)]
    if rows:
        print(pd.DataFrame(rows).round(3).to_string(index=False))


def judge_heads(options: argparse.Namespace) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Train a head on simulated glitches for each of the weights and each kind of views, and ask it about real ones."""
    names, side = CLASS_LISTS[options.classes], find_backbone(DEFAULT_BACKBONE).size
    simulated = simulated_pictures(Population(options.head * len(names), options.seed, classes=names, equal=True), side)
    truth = read_truth(options.truth)
    kinds = {views: encoded(simulated, views, options.seed) for views in (RGB, ANY)}
    asked = [(folder, views, read_pictures(folder, truth, views, side)) for views in kinds for folder in options.images]
    rows, mistakes = [], []
    for weights in options.weights:
        network = load_network(weights=weights)
        runtime = make_runtime(network, choose_device())
        heads = {
            views: fit_head(vectors_of(runtime, network.backbone, pictures, views), pictures.classes)
            for views, pictures in kinds.items()
        }
        for folder, views, real in asked:
            if not len(real.classes):
                continue
            head = heads[views]
            vectors = vectors_of(runtime, network.backbone, real, views)
            row, wrong = judged(real.classes, head.classes_, head.predict_proba(vectors))
            row |= blind(vectors, real.classes, options.seeds)
            about = {"folder": folder.name, "views": views, "weights": weights}
            rows.append({**about, **row})
            mistakes += [{**about, **one} for one in wrong]
        runtime.close()
    return rows, mistakes


def simulated_pictures(population: Population, side: int) -> Pictures:
    """Simulate, and scale each view to a network's side."""
    glitches = simulate_batch(population)
    scaled = [
        [np.asarray(Image.fromarray(view).resize((side, side), Image.Resampling.BILINEAR)) for view in views]
        for views in glitches.levels
    ]
    return Pictures(np.array(scaled), np.array([entry.truth for entry in glitches.entries]))


def encoded(pictures: Pictures, views: str, seed: int) -> Pictures:
    """Choose three durations of each glitch, or two single ones at random."""
    if views == RGB:
        return Pictures(pictures.levels[:, 1:], pictures.classes)
    chosen = np.random.default_rng(seed).permuted(
        np.tile(np.arange(len(DURATIONS)), (len(pictures.classes), 1)), axis=1
    )
    rows = np.arange(len(pictures.classes))
    singles = [pictures.levels[rows, chosen[:, k]][:, None] for k in range(2)]
    return Pictures(np.concatenate(singles), np.tile(pictures.classes, 2))


def fit_head(vectors: np.ndarray, classes: np.ndarray) -> Pipeline:
    """Fit a logistic regression to the vectors of simulated glitches."""
    head = make_pipeline(
        PCA(min(AXES, *vectors.shape), random_state=0), StandardScaler(), LogisticRegression(C=0.03, max_iter=500)
    )
    return head.fit(vectors, classes)


def vectors_of(runtime: Runtime, backbone: Backbone, pictures: Pictures, views: str) -> np.ndarray:
    """Vectors (N, D) float32 of unit length."""
    encoding = parse_encoding(views if views == RGB else str(DURATIONS[-1]))
    parts = []
    for start in range(0, len(pictures.levels), runtime.batch):
        part = pictures.levels[start : start + runtime.batch]
        parts.append(
            runtime(
                network_input(
                    part, encoding, backbone.size, mean=backbone.mean, std=backbone.std, device=runtime.device
                )
            )
        )
    return normalise(np.concatenate(parts))


def blind(vectors: np.ndarray, classes: np.ndarray, seeds: int) -> dict[str, object]:
    """Adjusted mutual information of the default clusterings of all vectors with their classes, mean of the seeds."""
    row: dict[str, object] = {}
    for method in CLUSTER_METHODS:
        found = [cluster(vectors, method=method, seed=seed).labels for seed in range(seeds)]
        row[f"AMI {method}"] = float(np.mean([adjusted_mutual_info_score(classes, labels) for labels in found]))
    return row


def read_pictures(folder: Path, truth: dict[str, str], views: str, side: int) -> Pictures:
    """Read what a folder has of these views: glitches with three durations, or every picture for itself."""
    levels, classes = [], []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".png", ".jpg", ".jpeg")):
        name = parse_view_name(path)
        label = class_name(path.parent.name)
        if name is not None:
            label = truth.get(f"{name.ifo}_{name.gravityspy_id}", truth.get(name.gravityspy_id, label))
        if views == ANY:
            levels.append([spectrogram_levels(path.read_bytes(), side)])
            classes.append(label)
        elif name is not None and name.duration == DURATIONS[-1]:
            others = [other_view(path, duration) for duration in DURATIONS[1:]]
            if all(other.exists() for other in others):
                levels.append([spectrogram_levels(other.read_bytes(), side) for other in others])
                classes.append(label)
    return Pictures(np.array(levels), np.array(classes))


def judged(
    truth: np.ndarray, classes: np.ndarray, probabilities: np.ndarray
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Count right answers; returns figures, and the wrong answers."""
    answers = classes[np.argsort(-probabilities, axis=1, kind="stable")]
    first, three = answers[:, 0] == truth, (answers[:, :3] == truth[:, None]).any(axis=1)
    row: dict[str, object] = {"asked": len(truth)}
    for name, right in (("top-1", first), ("top-3", three)):
        low, high = wilson(right.sum(), len(right))
        row[name], row[f"{name} 95 %"] = right.mean(), f"{low:.3f} to {high:.3f}"
    wrong = [
        {"truth": name, "answers": ", ".join(given[:3])}
        for name, given in zip(truth[~first], answers[~first], strict=True)
    ]
    return row, wrong


def judge_vectors(folder: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    """Judge neighbours and clusters of a folder's glitches for each of the weights and views that all of its glitches allow."""
    rows = []
    with tempfile.TemporaryDirectory() as place, Study(Path(place), create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder)
        truth = true_classes(study, read_truth(options.truth))
        for views in options.views:
            if not all(study.durations().get(duration) for duration in parse_encoding(views).durations):
                continue
            for weights in options.weights:
                store = embed(study, EmbeddingOptions(weights=weights, views=views))
                figures = judge(study, store, truth, options.within, options.seeds)
                rows.append({"folder": folder.name, "views": views, "weights": weights, **figures})
    return rows


def read_truth(path: Path | None) -> dict[str, str]:
    """Class of each id in a table; empty without a table."""
    if path is None:
        return {}
    table = pd.read_csv(path, dtype=str).drop_duplicates("id")
    return dict(zip(table["id"], table["truth"], strict=True))


def true_classes(study: Study, truth: dict[str, str]) -> "pd.Series[str]":
    """Class of each row of the study: the table's, or the label."""
    table = study.glitches()
    bare = table["id"].str.replace(r"^[A-Z]\d_", "", regex=True)
    return table["id"].map(truth).astype(object).fillna(bare.map(truth)).fillna(table["label"])


def judge(
    study: Study, store: VectorStore, truth: "pd.Series[str]", within: str | None, seeds: int
) -> dict[str, object]:
    """Measure one store of vectors."""
    labelled = labelled_glitches(study, parse_encoding(store.passport["views"])).only(store.glitches)
    known = np.flatnonzero((truth.reindex(labelled.glitches) != "").to_numpy())
    vectors, classes = (
        store.vectors[store.rows(labelled.glitches[known])],
        truth.reindex(labelled.glitches[known]).to_numpy(),
    )
    groups = find_groups(labelled, store)[known]
    figures: dict[str, object] = {"glitches": len(known), "5-NN": neighbour_accuracy(vectors, classes, groups)}
    if within is not None:
        members = np.flatnonzero((study.glitches().loc[store.glitches, "label"] == within).to_numpy())
        if len(members):
            figures |= blind(store.vectors[members], truth.loc[store.glitches[members]].to_numpy(), seeds)
    return figures


def neighbour_accuracy(vectors: np.ndarray, classes: np.ndarray, groups: np.ndarray) -> float:
    """Share of rows whose nearest neighbours of other groups vote for their class; the nearer side wins a tie."""
    unit = normalise(vectors)
    right = 0
    for row, similarity in enumerate(unit @ unit.T):
        nearest = np.argsort(-np.where(groups == groups[row], -np.inf, similarity), kind="stable")[:VOTERS]
        names, first, votes = np.unique(classes[nearest], return_index=True, return_counts=True)
        right += names[np.lexsort((first, -votes))[0]] == classes[row]
    return right / len(unit)


if __name__ == "__main__":
    main()
