"""The scorecard of vectors: every known class is hidden in None_of_the_Above in turn, and looked for as if it were new.

For each class, all its glitches lose their label, together with a fifth of every other class: leftovers, as a real None_of_the_Above
holds them. What `discover cluster` would show is then compared with the truth. Any vectors can be judged, not ours alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score

from discovery.candidates.known import BACKGROUND
from discovery.certificates.certificate import separations
from discovery.certificates.evidence import Evidence
from discovery.clustering.clustering import cluster
from discovery.clustering.result import NOISE
from embed.csvfile import write_csv
from embed.digits import counted
from embed.errors import InputError
from embed.fleet.spread import here
from embed.gravityspy import NONE_OF_THE_ABOVE
from embed.notebook import html_summary
from embed.vectors.similarity import normalise
from embed.vectors.vectorfile import open_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

    from discovery.clustering.methods import ClusterMethod
    from discovery.clustering.result import Clustering
    from embed.fleet.spread import Spread
    from embed.types import Codes, Floats, Progress, Vectors

LEFT_OVER = 0.2
"""Share of every other class that loses its label too."""
LEAST_CLASS = 10
"""Glitches of a class that is hidden."""
LEAST_CLASSES = 2
COLUMNS = ("class", "glitches", "f1", "recall", "purity", "looks", "ami", "clusters", "probability")
"""Columns of ``scorecard.csv``: see `Scorecard`."""


@dataclass(frozen=True)
class Scorecard:
    """How well each class was found when it was hidden.

    Attributes
    ----------
    table : DataFrame
        A row a class, worst first, columns `COLUMNS`: F1, recall and purity of the cluster that fits the class best; how many clusters
        a person looks at, in the order of the report, until the first in which most glitches are of the class (one more than there are
        clusters where none is); adjusted mutual information of the clusters with the truth, noise as a cluster of its own; number of
        clusters; probability of being new that the best cluster was given.
    """

    table: pd.DataFrame

    def means(self) -> dict[str, float]:
        """Return the mean of each figure, and the median number of looks."""
        own = self.table
        figures = {name: float(own[name].mean()) for name in ("f1", "recall", "purity", "ami")}
        return figures | {"looks": float(own["looks"].median()), "classes": float(len(own))}

    def write(self, path: Path) -> None:
        """Write the table as CSV."""
        rows = self.table.astype(object).where(self.table.notna(), None)
        write_csv(path, COLUMNS, rows.itertuples(index=False))

    def _repr_html_(self) -> str:
        facts = {name: f"{value:.3g}" for name, value in self.means().items()}
        return html_summary("Scorecard", facts, COLUMNS, self.table.round(3).to_numpy().tolist())


def score(
    vectors: ArrayLike,
    labels: Sequence[str],
    *,
    method: ClusterMethod = "hdbscan",
    seed: int = 0,
    progress: Progress | None = None,
    spread: Spread = here,
) -> Scorecard:
    """Hide each class in turn and look for it.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
    labels : sequence of N str
        The class of each glitch; empty and None_of_the_Above are no class, and are left out.
    method : {"hdbscan", "spectral"}
    seed : int
        Of the leftovers.
    progress : callable, optional
        Called with (classes done, classes in all).
    spread : Spread
        Where the classes are hidden: in this process, or on an `embed.fleet.cluster.Fleet`.

    Raises
    ------
    FleetError
        The machines cannot be used.
    InputError
        The lengths differ, or fewer than two classes have `LEAST_CLASS` glitches.
    """
    names = np.asarray(labels, dtype=str)
    unit = normalise(vectors)
    if len(unit) != len(names):
        raise InputError(f"{len(unit)} vectors and {len(names)} labels: give as many of each")
    kept = (names != "") & (names != NONE_OF_THE_ABOVE)
    unit, names = unit[kept], names[kept]
    classes, counts = np.unique(names, return_counts=True)
    hidden = classes[counts >= LEAST_CLASS].tolist()
    if len(hidden) < LEAST_CLASSES:
        raise InputError(
            f"{counted(len(hidden), 'class has', 'classes have')} {LEAST_CLASS} glitches and more: at least {LEAST_CLASSES} such are needed"
        )
    rows: dict[int, dict[str, object]] = {}
    for number, row in spread(partial(_hide, unit, names, method, seed), map(str, hidden)):
        rows[number] = row
        if progress is not None:
            progress(len(rows), len(hidden))
    table = pd.DataFrame([rows[number] for number in sorted(rows)], columns=list(COLUMNS)).sort_values(
        ["f1", "class"], ignore_index=True
    )
    return Scorecard(table)


def _hide(unit: Vectors, names: np.ndarray, method: ClusterMethod, seed: int, name: str) -> dict[str, object]:
    """Hide one class, and say how it is found."""
    rng = np.random.default_rng(seed)
    asked, classes, background = [np.flatnonzero(names == name)], {}, []
    for other in np.unique(names).tolist():
        if other == name:
            continue
        order = rng.permutation(np.flatnonzero(names == other))
        leftover = round(LEFT_OVER * len(order))
        asked.append(order[:leftover])
        classes[other] = np.sort(order[leftover:])
        background.append(order[leftover : leftover + BACKGROUND])
    rows, around = np.sort(np.concatenate(asked)), np.concatenate(background)
    found = cluster(unit[rows], method=method, seed=seed, background=unit[around])
    wanted = names[rows] == name
    f1, recall, purity = _fit(found, wanted)
    apart = separations(found, Evidence(unit, rows, classes, around), seed)
    chances = [0.0 if chance is None else chance[0] for _, chance in apart]
    distances = [0.0 if where is None else where.separation for where, _ in apart]
    seen = sorted(range(found.clusters), key=lambda number: (-chances[number], -distances[number], number))
    most = [number for number in seen if wanted[found.labels == number].mean() > 0.5]
    best = int(f1.argmax())
    return {
        "class": name,
        "glitches": int(wanted.sum()),
        "f1": float(f1[best]),
        "recall": float(recall[best]),
        "purity": float(purity[best]),
        "looks": seen.index(most[0]) + 1 if most else found.clusters + 1,
        "ami": float(adjusted_mutual_info_score(names[rows], found.labels)),
        "clusters": found.clusters,
        "probability": None if apart[best][1] is None else chances[best],
    }


def _fit(found: Clustering, wanted: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Return F1, recall and purity of each cluster as the class that is wanted."""
    labels: Codes = found.labels
    sizes = np.bincount(labels[labels != NOISE], minlength=found.clusters)
    hits = np.bincount(labels[wanted & (labels != NOISE)], minlength=found.clusters)
    recall, purity = hits / max(int(wanted.sum()), 1), hits / np.maximum(sizes, 1)
    return 2 * hits / (sizes + wanted.sum()), recall, purity


def read_vectors(vectors: Path, labels: Path) -> tuple[Vectors, list[str]]:
    """Read vectors (.npy, one row a glitch) and labels (a CSV with a column ``label``, in the same order).

    Raises
    ------
    InputError
        A file cannot be read, the array is no table of numbers, or the CSV has no such column or another number of rows.
    """
    array = open_vectors(vectors)
    try:
        table = pd.read_csv(labels, dtype=str, keep_default_na=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"the labels {labels} cannot be read: {error}; give a CSV with a column 'label'") from error
    if "label" not in table.columns:
        raise InputError(f"the labels {labels} have no column 'label', only {', '.join(map(str, table.columns))}")
    if len(table) != len(array):
        raise InputError(
            f"{vectors} has {len(array)} rows and {labels} {len(table)}: give a label for each row, in the same order"
        )
    return array.astype(np.float32), table["label"].tolist()
