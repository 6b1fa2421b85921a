"""``discover batch``."""

from argparse import Namespace

from discovery.candidates.batch import make_batch
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Write a batch of similar glitches for volunteers."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        batch = make_batch(
            study, store, options.cluster, options.n, label=options.label, out=options.out, seed=options.seed
        )
    inside = int(batch.table["in_cluster"].sum())
    terminal.say(
        f"{len(batch.table)} glitches, {inside} of them in cluster {options.cluster}; pictures of {', '.join(f'{one:g}' for one in batch.durations)} s"
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
