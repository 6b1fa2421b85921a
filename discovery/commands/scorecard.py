"""``discover scorecard``."""

from argparse import Namespace
from pathlib import Path

import numpy as np

from discovery.commands.console import Terminal
from discovery.commands.fleet import spread_of
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import scorecard_figures
from discovery.figures.files import save_figures
from discovery.scorecard.scorecard import read_vectors, score
from embed.fleet.spread import Spread
from embed.study.reports import add_report
from embed.study.study import Study
from embed.types import Vectors


def run(options: Namespace) -> None:
    """Say how well each class is found when it is hidden."""
    terminal = Terminal(as_json=options.json)
    with spread_of(options, terminal) as spread:
        vectors, labels, folder = _judged(options, terminal, spread)
        with terminal.progress("hide classes") as progress:
            found = score(vectors, labels, method=options.method, seed=options.seed, progress=progress, spread=spread)
    path = folder / "scorecard.csv"
    found.write(path)
    files = {"scorecard.csv": path}
    means = found.means()
    said = (
        f"{means['classes']:.0f} classes: mean F1 {means['f1']:.3f}, recall {means['recall']:.3f}, purity {means['purity']:.3f}, "
        f"AMI {means['ami']:.3f}; median looks {means['looks']:g}"
    )
    if options.vectors_file is None:
        with Study(options.study) as study, study.run("scorecard", {"method": options.method}) as number:
            add_report(study, number, path, "Scorecard", said)
    if options.figures:
        files |= save_figures(scorecard_figures(found), folder, options.figures)
    rows = [
        (str(name), str(count), f"{f1:.2f}", f"{recall:.2f}", f"{purity:.2f}", str(looks), f"{ami:.2f}", str(clusters))
        for name, count, f1, recall, purity, looks, ami, clusters, _ in found.table.itertuples(index=False)
    ]
    terminal.table("worst first", ("class", "glitches", "F1", "recall", "purity", "looks", "AMI", "clusters"), rows)
    terminal.say(said)
    for written in files.values():
        terminal.say(str(written))
    terminal.result(
        {
            "means": means,
            "classes": found.table.astype(object).where(found.table.notna(), None).to_dict("records"),
            "files": {name: str(written) for name, written in files.items()},
        }
    )


def _judged(options: Namespace, terminal: Terminal, spread: Spread) -> tuple[Vectors, list[str], Path]:
    """Return vectors, their labels, and the folder of the results."""
    if options.vectors_file is not None:
        return *read_vectors(options.vectors_file, options.labels_file), options.out or Path()
    with Study(options.study, generated=options.generated) as study:
        store = make_vectors(study, options, terminal, spread=spread)
        table = study.glitches()
        places = store.rows(table.index.to_numpy(np.int64))
        vectors = np.asarray(store.vectors[places[places >= 0]])
        labels = table["label"].to_numpy(dtype=str)[places >= 0].tolist()
        return vectors, labels, options.out or study.folder / "reports" / "scorecard"
