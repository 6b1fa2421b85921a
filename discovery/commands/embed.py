"""``discover embed``."""

from argparse import Namespace
from collections import Counter

from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from embed.study.study import Study
from embed.vectors.passport import describe_graph

SHOWN = 20
"""Reasons that are printed."""


def run(options: Namespace) -> None:
    """Make the vectors, the index and the neighbour graph."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal, retry=True)
        counts = Counter(item.reason for item in store.left_out)
    terminal.say(f"{store.passport['rows']} vectors of {store.passport['dimension']} numbers in {store.folder}")
    terminal.say(
        f"views {store.passport['views']}, {store.passport['backbone']} ({store.passport['weights']}), {store.passport['runtime']} on {store.passport['device']}; graph: {describe_graph(store.passport)}"
    )
    if counts:
        terminal.table(
            f"Left out {len(store.left_out)}",
            ("reason", "glitches"),
            [(reason, str(count)) for reason, count in counts.most_common(SHOWN)],
        )
    terminal.result(
        store.passport | {"name": store.name, "folder": str(store.folder), "left_out_reasons": dict(counts)}
    )
