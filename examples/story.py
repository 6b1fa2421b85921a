"""What the stories share: options, commands that are shown as a user types them, the truth of a simulation, and a picture of a map."""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from discovery.candidates.folders import report_folder
from discovery.cli import main as discover
from discovery.clustering.methods import ClusterMethod
from embed.simulator import simulate


def story_parser(description: str | None, *, out: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every story."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(out), help=f"a folder for data and study (default: {out})")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def run(*arguments: object) -> None:
    """Run one command of ``discover``, shown as a user types it."""
    typed = [str(argument) for argument in arguments]
    print(f"\n$ discover {' '.join(typed)}", flush=True)
    start = time.perf_counter()
    code = discover(typed)
    if code:
        sys.exit(code)
    print(f"({time.perf_counter() - start:.0f} s)", flush=True)


def simulated(folder: Path, n: int, seed: int, **options: object) -> Path:
    """Simulate glitches of equally frequent classes into a folder, unless it is there already."""
    if not folder.exists():
        print(f"simulate {n} glitches in {folder}", flush=True)
        simulate(folder, n, seed, equal=True, **options)  # type: ignore[arg-type]
    return folder


def truth_of(*folders: Path) -> pd.Series:
    """Read the true classes of simulated glitches, by the id that the study gives them."""
    table = pd.concat([pd.read_csv(folder / "truth.csv") for folder in folders])
    return table.set_index(table["ifo"] + "_" + table["id"])["truth"]


def report_of(study: Path, label: str = "None_of_the_Above", method: ClusterMethod = "hdbscan") -> Path:
    """Return the folder of a clustering's report."""
    return report_folder(study, label, method)


def clusters_of(report: Path) -> pd.Series:
    """Read the cluster of each glitch, by its id."""
    return pd.read_csv(report / "clusters.csv", index_col="id")["cluster"]


def best_cluster(clusters: pd.Series, wanted: pd.Index) -> tuple[int, float, float]:
    """Return the cluster that holds most of the wanted glitches (-1: none does), its purity, and the share of them that it holds."""
    inside = clusters.loc[wanted]
    found = inside[inside >= 0].mode()
    if found.empty:
        return -1, 0.0, 0.0
    members = clusters.index[clusters == found[0]]
    return int(found[0]), float(members.isin(wanted).mean()), float(wanted.isin(members).mean())


def certificate_of(report: Path, cluster: int) -> str:
    """Say in one line what the certificate of a cluster says."""
    row = pd.read_csv(report / "certificates.csv").set_index("cluster").loc[cluster]
    nearest = ", ".join(row[["nearest_1", "nearest_2", "nearest_3"]].dropna())
    chance = "" if pd.isna(row["probability"]) else f", probability of being new {row['probability']:.2f}"
    return f"cluster {cluster}: {row['size']} glitches, {row['verdict']}{chance}; nearest known classes: {nearest or 'none'}"


def draw_panels(path: Path, coordinates: np.ndarray, panels: Mapping[str, pd.Series], *, quiet: str = "") -> None:
    """Draw a map once for each panel, in colours by its groups; the group `quiet` is grey, below the others.

    The coordinates have two or three columns.
    """
    flat = coordinates.shape[1] == 2
    figure = Figure(figsize=(6 * len(panels), 5.6), dpi=110, layout="constrained")
    for place, (title, groups) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(1, len(panels), place, projection=None if flat else "3d")
        names = sorted(set(groups) - {quiet}, key=lambda name: (len(str(name)), str(name)))
        colours = mpl.colormaps["tab20" if len(names) > 10 else "tab10"].colors
        shown = [(quiet, "#c8c8c8", "."), *zip(names, colours * len(names), "osD^v" * len(names), strict=False)]
        for name, colour, mark in shown:
            rows = (groups == name).to_numpy()
            if rows.any():
                axes.scatter(
                    *coordinates[rows].T, s=14, color=colour, marker=mark, linewidths=0, label=f"{name} ({rows.sum()})"
                )
        axes.set_title(title)
        axes.set_xticks([])
        axes.set_yticks([])
        if not flat:
            axes.set_zticks([])
        axes.legend(fontsize=7, loc="best", markerscale=1.5)
    figure.savefig(path)
    print(f"figure: {path}")
