"""Real glitches: two classes that Gravity Spy's first volunteers had no name for are found again in None_of_the_Above.

The folder has one subfolder a label, as `discover ingest` reads it, and ``truth.csv`` (columns ``id`` and ``truth``): the class that an expert gave
each glitch. Fast_Scattering got its name in the third observing run; before it, such glitches were None_of_the_Above.

    python examples/fast_scattering.py ../shared/data/gravityspy
"""

from pathlib import Path

import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score
from story import best_cluster, certificate_of, clusters_of, report_of, run, story_parser

from discovery.clustering.methods import CLUSTER_METHODS
from embed.gravityspy import NONE_OF_THE_ABOVE


def main() -> None:
    """Cluster, and hold the clusters against the expert's classes."""
    parser = story_parser(__doc__, out="fast_scattering")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="images, and truth.csv")
    options = parser.parse_args()
    if not (options.folder / "truth.csv").is_file():
        parser.error(f"{options.folder} has no truth.csv; give a folder of images with the true class of each")
    study = options.out / "study"
    truth = pd.read_csv(options.folder / "truth.csv").drop_duplicates("id").set_index("id")["truth"]
    run("ingest", options.folder, "--study", study)
    for method in CLUSTER_METHODS:
        run("cluster", NONE_OF_THE_ABOVE, "--method", method, "--seed", options.seed, "--study", study)
        report = report_of(study, method=method)
        clusters = clusters_of(report)
        classes = truth.loc[clusters.index]
        print(f"\n{method}: what the expert said, and the clusters found (noise is -1):\n")
        print(pd.crosstab(classes, clusters).to_string())
        print(f"\nadjusted mutual information with the expert: {adjusted_mutual_info_score(classes, clusters):.3f}")
        for name in sorted(set(classes)):
            cluster, purity, recall = best_cluster(clusters, clusters.index[classes == name])
            print(f"{name}: purity {purity:.2f}, recall {recall:.2f}")
            if cluster >= 0:
                print(f"  {certificate_of(report, cluster)}")
        print(f"report: {report / 'report.html'}\ncontact sheet: {report / 'contact-sheet.png'}")


if __name__ == "__main__":
    main()
