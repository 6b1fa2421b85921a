"""Compare weights on labelled images: which ones place glitches of one class together.

For each of the weights it prints the share of glitches whose five nearest neighbours (near-duplicates and glitches of the same half
second left out) vote for their class, and, within one label, the adjusted mutual information of the default clusterings with the
truth. ``--truth CSV`` (columns id, truth) gives the true classes, where the folders' labels do not.

    python examples/judge_backbone.py images --truth truth.csv --weights bundled glitch --views 4.0 --within None_of_the_Above
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score

from discovery.clustering.clustering import hdbscan_clusters, spectral_clusters
from embed import EmbeddingOptions, Study, VectorStore, embed, ingest_folder
from embed.dataset.dataset import find_groups, labelled_glitches
from embed.vectors.similarity import normalise
from embed.views.encoding import parse_encoding

VOTERS = 5


def main() -> None:
    """Embed with each of the weights, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, help="a folder of images, a folder a label")
    parser.add_argument("--truth", type=Path, metavar="CSV", help="columns id and truth (default: the folders' labels)")
    parser.add_argument("--weights", nargs="+", default=("bundled", "glitch"), help="default: bundled glitch")
    parser.add_argument("--views", nargs="+", default=("4.0", "1.0,2.0,4.0"), help="default: 4.0 1.0,2.0,4.0")
    parser.add_argument("--within", metavar="LABEL", help="cluster this label")
    parser.add_argument("--seeds", type=int, default=3, help="of the clusterings (default: 3)")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, Study(Path(folder), create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, options.images)
        truth = true_classes(study, options.truth)
        for views in options.views:
            for weights in options.weights:
                store = embed(study, EmbeddingOptions(weights=weights, views=views))
                row = {"views": views, "weights": weights, **judge(study, store, truth, options.within, options.seeds)}
                rows.append(row)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


def true_classes(study: Study, path: Path | None) -> "pd.Series[str]":
    """Class of each row of the study."""
    table = study.glitches()
    if path is None:
        return table["label"]
    given = pd.read_csv(path, dtype=str).drop_duplicates("id").set_index("id")["truth"]
    bare = table["id"].str.replace(r"^[A-Z]\d_", "", regex=True)
    return table["id"].map(given).fillna(bare.map(given)).fillna("")


def judge(
    study: Study, store: VectorStore, truth: "pd.Series[str]", within: str | None, seeds: int
) -> dict[str, float]:
    """Measure one store of vectors."""
    labelled = labelled_glitches(study, parse_encoding(store.passport["views"])).only(store.glitches)
    known = np.flatnonzero((truth.reindex(labelled.glitches) != "").to_numpy())
    vectors, classes = (
        store.vectors[store.rows(labelled.glitches[known])],
        truth.reindex(labelled.glitches[known]).to_numpy(),
    )
    groups = find_groups(labelled, store)[known]
    figures = {"glitches": len(known), "5-NN": neighbour_accuracy(vectors, classes, groups)}
    if within is not None:
        members = np.flatnonzero((study.glitches().loc[store.glitches, "label"] == within).to_numpy())
        if len(members):
            inside = truth.loc[store.glitches[members]].to_numpy()
            for method in (hdbscan_clusters, spectral_clusters):
                found = [method(store.vectors[members], seed=seed).labels for seed in range(seeds)]
                scores = [adjusted_mutual_info_score(inside, labels) for labels in found]
                figures[f"AMI {method.__name__.removesuffix('_clusters')}"] = float(np.mean(scores))
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
