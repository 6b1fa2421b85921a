"""``discover cluster``."""

from argparse import Namespace

from discovery.candidates.candidates import find_candidates, summary
from discovery.candidates.options import ClusterOptions
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Cluster the glitches of one label."""
    terminal = Terminal(as_json=options.json)
    chosen = ClusterOptions(options.predicted, options.method, options.k, options.seed)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.steps() as step:
            found = find_candidates(
                study, store, options.label, chosen, out=options.out, command=options.typed, step=step
            )
    result = summary(found)
    terminal.say(
        f"{result['glitches']} glitches of {options.label}, views {store.passport['views']}, {store.passport['backbone']} ({store.passport['weights']}), {options.method}"
    )
    rows = [
        (str(item["cluster"]), str(item["size"]), f"{item['size'] / result['glitches']:.0%}", item["medoid"])
        for item in result["clusters"]
    ]
    terminal.table(f"{len(rows)} clusters", ("cluster", "glitches", "share", "most typical"), rows)
    terminal.say(f"noise {result['noise']}, {result['noise_share']:.0%}")
    for note in result["notes"]:
        terminal.say(note)
    if found.left_out:
        terminal.say(f"left out {len(found.left_out)} without a vector, the first: {': '.join(found.left_out[0])}")
    for path in found.files.values():
        terminal.say(str(path))
    terminal.result(result)
