"""``discover batch``."""

from argparse import Namespace
from functools import partial

import numpy as np

from discovery.candidates.batch import make_batch, write_batch
from discovery.candidates.naming import noun
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.exchange.idlist import read_glitches
from embed.digits import counted
from embed.storage import file_name
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Write a batch of similar glitches for volunteers."""
    terminal = Terminal(as_json=options.json)
    if options.ids is not None:
        _run_listed(options, terminal)
        return
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.progress("read") as progress:
            batch = make_batch(
                study,
                store,
                options.cluster,
                options.n,
                label=options.label,
                out=options.out,
                seed=options.seed,
                step=partial(progress, 0, 0),
                progress=progress,
            )
    inside = int(batch.table["in_cluster"].sum())
    terminal.say(
        f"{counted(len(batch.table), 'glitch', 'glitches')}, {inside} of them in {noun(options.cluster)}; pictures of {', '.join(f'{one:g}' for one in batch.durations)} s"
    )
    for path in batch.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "cluster": options.cluster,
            "glitches": len(batch.table),
            "in_cluster": inside,
            "durations": list(batch.durations),
            "files": {name: str(path) for name, path in batch.files.items()},
        }
    )


def _run_listed(options: Namespace, terminal: Terminal) -> None:
    """Write a batch of exactly the glitches that a file lists."""
    with Study(options.study) as study:
        glitches = read_glitches(study, options.ids)
        folder = options.out or study.folder / "reports" / f"batch-{file_name(options.ids.stem)}"
        path, durations = write_batch(study, np.array(glitches), folder)
    terminal.say(
        f"{counted(len(glitches), 'glitch', 'glitches')} of {options.ids.name}; pictures of {', '.join(f'{one:g}' for one in durations)} s"
    )
    terminal.say(str(path))
    terminal.result({"glitches": len(glitches), "durations": list(durations), "files": {"manifest.csv": str(path)}})
