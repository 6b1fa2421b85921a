"""The whole toolkit on simulated glitches: what `make demo` runs.

It simulates a study of 24 labels over six weeks, in which Fast_Scattering appears half-way and three families hide in
None_of_the_Above; then it runs the same commands that a user runs on real images, and compares what they found with the truth.
"""

import argparse
import sys
import time
from pathlib import Path

import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score

from discovery.cli import main as discover


def run(*arguments: str) -> None:
    """Run one command of ``discover``, shown as a user types it."""
    print(f"\n$ discover {' '.join(arguments)}", flush=True)
    start = time.perf_counter()
    code = discover(arguments)
    if code:
        sys.exit(code)
    print(f"({time.perf_counter() - start:.0f} s)", flush=True)


def main() -> None:
    """Simulate, embed, cluster, draw the map, and say how much of the truth was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("demo"), help="a folder for the data and the study (default: demo)"
    )
    parser.add_argument("--n", type=int, default=2000, help="glitches (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data, study, seed = str(options.out / "glitches"), str(options.out / "study"), str(options.seed)
    if not (options.out / "glitches").exists():
        run("simulate", "--demo", "--n", str(options.n), "--seed", seed, "--out", data)
    run("ingest", data, "--study", study)
    run("ingest", f"{data}/metadata.csv", "--study", study)
    run("embed", "--study", study)
    run("cluster", "None_of_the_Above", "--seed", seed, "--study", study)
    run("project", "--seed", seed, "--study", study)
    compare(options.out)


def compare(out: Path) -> None:
    """Hold the clusters against the simulation's truth."""
    reports = out / "study" / "reports"
    clusters = pd.read_csv(reports / "cluster-None_of_the_Above-hdbscan" / "clusters.csv")
    truth = pd.read_csv(out / "glitches" / "truth.csv")
    truth.index = pd.Index(truth["ifo"] + "_" + truth["id"])
    families = truth.loc[clusters["id"], "truth"].to_numpy()
    print("\nWhat hides in None_of_the_Above, and what was found (noise is -1):\n")
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


if __name__ == "__main__":
    main()
