"""What is in None_of_the_Above: Figures C3 and C4 of George, Shen and Huerta 2018 (arXiv:1706.07446).

None_of_the_Above mixes families that no catalogue has, known classes whose glitches nobody recognised, and strays of further unknown
families. Both clusterings sort it without labels; certificates say which clusters are a known class. The maps (t-SNE and UMAP) are drawn by truth and by cluster, the contact sheet shows a row a cluster.

    python examples/none_of_the_above.py
"""

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score
from story import certificate_of, clusters_of, draw_panels, report_of, run, simulated, story_parser, truth_of

from discovery.candidates.maps import NAMES
from discovery.clustering.methods import CLUSTER_METHODS, MAP_METHODS
from embed.gravityspy import NONE_OF_THE_ABOVE

UNKNOWN = ("Reverse_Chirp", "Triangle_Sweep", "Harmonic_Comb")
UNRECOGNISED = ("Whistle", "Koi_Fish", "Scattered_Light")
"""Known classes, some of whose glitches are in None_of_the_Above."""
KNOWN = (*UNRECOGNISED, "Blip", "Chirp", "Tomte", "Power_Line", "Scratchy")


def main() -> None:
    """Simulate, cluster by both methods, and draw the maps."""
    parser = story_parser(__doc__, out="none_of_the_above")
    parser.add_argument(
        "--n", type=int, default=350, help="glitches in None_of_the_Above, and as many known ones (default: 350)"
    )
    options = parser.parse_args()
    study, seed = options.out / "study", options.seed
    mixed = {"classes": (NONE_OF_THE_ABOVE,), "hidden": (*UNKNOWN, *UNRECOGNISED)}
    odd = simulated(options.out / "odd", options.n, seed, **mixed)
    known = simulated(options.out / "known", options.n, seed + 1, classes=KNOWN)
    for data in (odd, known):
        run("ingest", data, "--study", study)
        run("ingest", data / "metadata.csv", "--study", study)
    truth = truth_of(odd)
    groups = {"truth": truth.replace(NONE_OF_THE_ABOVE, "further families")}
    for method in CLUSTER_METHODS:
        run("cluster", NONE_OF_THE_ABOVE, "--method", method, "--seed", seed, "--study", study)
        report = report_of(study, method=method)
        clusters = clusters_of(report)
        families = truth.loc[clusters.index]
        print(f"\n{method}: true families and the clusters found (noise is -1):\n")
        print(pd.crosstab(families, clusters).to_string())
        score = adjusted_mutual_info_score(families, clusters)
        print(f"\nadjusted mutual information with the truth: {score:.3f}")
        for cluster in sorted(set(clusters) - {-1}):
            print(certificate_of(report, cluster))
        print(f"contact sheet: {report / 'contact-sheet.png'}")
        groups[f"{method}, AMI {score:.2f}"] = clusters.astype(str).replace("-1", "noise")
    for method in MAP_METHODS:
        run("project", NONE_OF_THE_ABOVE, "--method", method, "--dims", 2, "--seed", seed, "--study", study)
        table = pd.read_csv(
            study / "reports" / f"map-{NONE_OF_THE_ABOVE}-{method}-2d" / "coordinates.csv", index_col="id"
        )
        panels = {f"{NAMES[method]}, by {title}": own.loc[table.index] for title, own in groups.items()}
        draw_panels(options.out / f"{method}.png", np.asarray(table[["x", "y"]]), panels, quiet="noise")


if __name__ == "__main__":
    main()
