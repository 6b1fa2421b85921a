"""The whole toolkit on simulated glitches: what `make demo` runs.

It simulates a study of 27 labels over six weeks, in which Fast_Scattering appears half-way, three families hide in
None_of_the_Above and one label in twenty is wrong; then it runs the same commands that a user runs on real images, and compares
what they found with the truth. With --data it does the same with any images: no truth, and the label to cluster is None_of_the_Above or,
where there is none, the largest (or --label).
"""

import argparse
from pathlib import Path

import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score, average_precision_score
from story import run

from embed import Study
from embed.gravityspy import NONE_OF_THE_ABOVE
from embed.simulator import DEMO_HIDDEN


def main() -> None:
    """Run the demonstration, on simulated glitches or on a folder of images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="a folder for the data and the study (default: demo)"
    )
    parser.add_argument("--n", type=int, default=2000, help="glitches (default: 2000)")
    parser.add_argument("--data", type=Path, help="a folder of images, instead of simulated glitches")
    parser.add_argument("--label", default="", help="with --data: the label to look for new classes in")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.data is None:
        on_simulated(options)
    else:
        on_images(options.data, str(options.out), options.label, str(options.seed))


def on_images(data: Path, study: str, label: str, seed: str) -> None:
    """Ingest, embed, cluster one label, draw the map, audit the labels."""
    run("ingest", data, "--study", study)
    run("embed", "--study", study)
    with Study(study) as held:
        sizes = held.counts_by_label().drop("", errors="ignore")
    if not label and len(sizes):
        label = NONE_OF_THE_ABOVE if NONE_OF_THE_ABOVE in sizes.index else str(sizes.idxmax())
    if label:
        run("cluster", label, "--seed", seed, "--study", study)
    else:
        print("\nNo image has a label, so there is nothing to cluster by or to audit: labels are names of folders.")
    run("project", "--seed", seed, "--study", study)
    if len(sizes) > 1:
        run("audit", "--seed", seed, "--study", study)
    print(f"\nall reports: {Path(study) / 'index.html'}")


def on_simulated(options: argparse.Namespace) -> None:
    """Simulate, embed, cluster, draw the map, audit the labels, and say how much of the truth was found."""
    data, study, seed = str(options.out / "glitches"), str(options.out / "study"), str(options.seed)
    if not (options.out / "glitches").exists():
        run("simulate", "--demo", "--n", str(options.n), "--seed", seed, "--out", data)
    run("ingest", data, "--study", study)
    run("ingest", f"{data}/metadata.csv", "--study", study)
    run("embed", "--study", study)
    run("cluster", "None_of_the_Above", "--seed", seed, "--study", study)
    run("project", "--seed", seed, "--study", study)
    truth = pd.read_csv(options.out / "glitches" / "truth.csv")
    truth.index = pd.Index(truth["ifo"] + "_" + truth["id"])
    reports = options.out / "study" / "reports"
    compare_clusters(reports, truth)
    run("audit", "--seed", seed, "--study", study)
    compare_audit(reports / "audit", truth)
    print(f"\nall reports: {options.out / 'study' / 'index.html'}")


def compare_clusters(reports: Path, truth: pd.DataFrame) -> None:
    """Hold the clusters against the simulation's truth."""
    clusters = pd.read_csv(reports / "cluster-None_of_the_Above-hdbscan" / "clusters.csv")
    families = truth.loc[clusters["id"], "truth"].to_numpy()
    print("\nTrue families within None_of_the_Above, and the clusters found (noise is -1):\n")
    print(
        pd.crosstab(
            families, clusters["cluster"].to_numpy(), rownames=["true family"], colnames=["cluster"]
        ).to_string()
    )
    print(
        f"\nadjusted mutual information with the truth: {adjusted_mutual_info_score(families, clusters['cluster']):.3f}"
    )
    print(f"noise {(clusters['cluster'] == -1).sum()}, {(clusters['cluster'] == -1).mean():.0%}")
    print(f"\nreport: {reports / 'cluster-None_of_the_Above-hdbscan' / 'report.html'}")
    print(f"map of all glitches, in 3-D: {reports / 'map-tsne-3d' / 'embedding.html'}")


def compare_audit(folder: Path, truth: pd.DataFrame) -> None:
    """Hold the audit's list against the labels that are wrong by construction."""
    right = truth["truth"].where(~truth["truth"].isin(DEMO_HIDDEN), "None_of_the_Above")
    wrong = right != truth["label"]
    listed = pd.read_csv(folder / "audit.csv")
    every = pd.read_csv(folder / "ranking.csv").dropna(subset="p_wrong")
    found = wrong.loc[listed["id"]].to_numpy()
    corrected = (right.loc[listed["id"]].to_numpy() == listed["suggested_label"]).sum()
    score = average_precision_score(wrong.loc[every["id"]], every["p_wrong"])
    print(f"\nWrong labels: {wrong.sum()} of {len(wrong)}. The audit's list has {len(listed)} rows.\n")
    print(f"precision {found.sum() / max(1, len(found)):.3f}: {found.sum()} of the {len(found)} rows are wrong labels")
    print(f"recall    {found.sum() / max(1, wrong.sum()):.3f}: of all wrong labels")
    print(
        f"the suggested label is the right one in {corrected} of them; average precision of the whole ranking {score:.3f}"
    )
    print(f"\naudit: {folder / 'audit.html'}\nfor volunteers: {folder / 'volunteers'}")


if __name__ == "__main__":
    main()
