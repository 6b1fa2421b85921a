"""``discover embed``."""

from argparse import Namespace
from collections import Counter

from discovery.commands.console import Terminal
from discovery.commands.fleet import spread_of
from discovery.commands.vectors import make_vectors
from embed.digits import counted
from embed.network.sources import is_strain
from embed.study.study import Study
from embed.study.views import count_viewed
from embed.vectors.passport import describe_graph, describe_vectors

SHOWN = 20
"""Reasons that are printed."""


def run(options: Namespace) -> None:
    """Make the vectors, the index and the neighbour graph."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study, spread_of(options, terminal) as spread:
        store = make_vectors(study, options, terminal, retry=True, spread=spread)
        pictured = count_viewed(study)
        counts = Counter(item.reason for item in store.left_out)
    terminal.say(
        f"{counted(store.passport['rows'], 'vector', 'vectors')} of {store.passport['dimension']} numbers in {store.folder}"
    )
    how = "" if store.is_given else f", {store.passport['runtime']} on {store.passport['device']}"
    terminal.say(f"{describe_vectors(store.passport)}{how}; graph: {describe_graph(store.passport)}")
    if store.is_given and not is_strain(options.backbone):
        terminal.say(
            f"nothing was embedded; for vectors of pictures ({counted(pictured, 'glitch has', 'glitches have')} some) give --weights glitch"
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
