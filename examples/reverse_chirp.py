"""A class that nobody labelled, found: Figure C2 of George, Shen and Huerta 2018 (arXiv:1706.07446).

Chirps that run backwards in time are hidden in None_of_the_Above, among glitches of families in no catalogue and known ones that were labelled so
by mistake. Chirp itself is a known class. Is there a cluster of reversed chirps, how pure and how complete is it, and which
known classes does its certificate put nearest?

With ``--mirror FOLDER`` the reversed chirps come from no simulator of ours: they are published pictures of chirps, mirrored in time. The heavy
ones among them, short and low, look like blips: they are a cluster of their own.

    python examples/reverse_chirp.py
    python examples/reverse_chirp.py --out mirrored --mirror ../shared/data/simulated_binaries
"""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from story import (
    best_cluster,
    certificate_of,
    clusters_of,
    draw_panels,
    report_of,
    run,
    simulated,
    story_parser,
    truth_of,
)

from embed.gravityspy import NONE_OF_THE_ABOVE
from embed.views.decoding import PUBLISHED_BOX

HIDDEN, KNOWN = "Reverse_Chirp", "Chirp"


def main() -> None:
    """Simulate, cluster, and look for the hidden class."""
    parser = story_parser(__doc__, out="reverse_chirp")
    parser.add_argument("--n", type=int, default=800, help="glitches, of all classes equally many (default: 800)")
    parser.add_argument(
        "--mirror", type=Path, metavar="FOLDER", help="published pictures of chirps, to be mirrored in time"
    )
    options = parser.parse_args()
    study, seed = options.out / "study", options.seed
    hidden = () if options.mirror else (HIDDEN,)
    data = simulated(options.out / "glitches", options.n, seed, classes=("O1",), hidden=hidden, label_noise=0.05)
    truth = truth_of(data)
    run("ingest", data, "--study", study)
    run("ingest", data / "metadata.csv", "--study", study)
    if options.mirror:
        names = mirror(options.mirror, options.out / "mirrored" / NONE_OF_THE_ABOVE)
        run("ingest", options.out / "mirrored", "--study", study)
        truth = pd.concat([truth, pd.Series(HIDDEN, index=names)])
    run("cluster", NONE_OF_THE_ABOVE, "--seed", seed, "--study", study)
    run("project", "--seed", seed, "--study", study)

    report = report_of(study)
    clusters = clusters_of(report)
    families = truth.loc[clusters.index].rename("truth")
    print("\nTrue families within None_of_the_Above, and the clusters found (noise is -1):\n")
    print(pd.crosstab(families, clusters).to_string())
    wanted = clusters.index[families == HIDDEN]
    cluster, purity, recall = best_cluster(clusters, wanted)
    print(f"\n{len(wanted)} reversed chirps are hidden among {len(clusters)} glitches")
    print(f"found: cluster {cluster}, purity {purity:.2f}, recall {recall:.2f}")
    if cluster >= 0:
        print(certificate_of(report, cluster))
    print(f"report: {report / 'report.html'}\ncontact sheet: {report / 'contact-sheet.png'}")
    draw(study, truth, options.out / "reverse_chirp.png")


def mirror(source: Path, out: Path) -> list[str]:
    """Mirror published pictures in time, within their axes; returns the ids of the new glitches."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    names = set()
    for path in sorted(source.rglob("*_spectrogram_*.png")):
        with Image.open(path) as published:
            image = published.convert("RGB")
        image.paste(image.crop(PUBLISHED_BOX).transpose(Image.Transpose.FLIP_LEFT_RIGHT), PUBLISHED_BOX[:2])
        ifo, identifier, view = path.name.split("_", 2)
        image.save(out / f"{ifo}_mirrored{identifier}_{view}")
        names.add(f"{ifo}_mirrored{identifier}")
    return sorted(names)


def draw(study: Path, truth: pd.Series, path: Path) -> None:
    """Draw the map of all glitches in 3-D: chirps and reversed chirps among the other classes."""
    table = pd.read_csv(study / "reports" / "map-tsne-3d" / "coordinates.csv", index_col="id")
    groups = truth.loc[table.index].where(lambda names: names.isin([HIDDEN, KNOWN]), "other classes")
    draw_panels(
        path, np.asarray(table[["x", "y", "z"]]), {"t-SNE of all glitches, by truth": groups}, quiet="other classes"
    )
    print(f"to turn: {study / 'reports' / 'map-tsne-3d' / 'embedding.html'}")


if __name__ == "__main__":
    main()
