"""``discover status``."""

from argparse import Namespace

from discovery.commands.console import Terminal
from embed.generator.place import generator_names
from embed.study.study import Study
from embed.vectors.passport import describe_graph
from embed.vectors.store import stores

SHOWN = 20
"""Runs that are printed."""


def run(options: Namespace) -> None:
    """Print what is in the study."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        counts = {table: study.count(table) for table in ("glitches", "views", "labels")}
        durations = study.durations()
        given, predicted = study.counts_by_label(), study.counts_by_label(predicted=True)
        runs = study.runs()
        generated = len(study.generated_ids())
        generators = generator_names(study.folder)
        vectors = stores(study.folder)
        cached = sum(path.stat().st_size for path in (study.folder / "cache").glob("*.bin"))
    sizes = counts | ({"generated glitches, not among them": generated} if generated else {})
    terminal.table(f"Study {options.study}", ("", "number"), [(name, str(count)) for name, count in sizes.items()])
    terminal.table(
        "Views",
        ("duration", "glitches"),
        [(f"{duration} s" if duration else "plain", str(count)) for duration, count in durations.items()],
    )
    labels = sorted((set(given.index) | set(predicted.index)) - {""})
    rows = [(label, str(given.get(label, 0)), str(predicted.get(label, 0))) for label in labels]
    rows.append(("(none)", str(given.get("", 0)), str(predicted.get("", 0))))
    terminal.table("Labels", ("label", "given", "predicted"), rows)
    terminal.table(
        "Vector stores",
        ("name", "rows", "dimension", "left out", "graph"),
        [
            (
                store.name,
                *(str(store.passport[key]) for key in ("rows", "dimension", "left_out")),
                describe_graph(store.passport),
            )
            for store in vectors
        ],
    )
    if generators:
        terminal.say(f"Generators: {', '.join(generators)}")
    terminal.table(
        "Runs, latest last",
        ("run", "command", "outcome"),
        [
            (str(number), command, outcome or "unfinished")
            for number, command, outcome in runs[["run", "command", "outcome"]].tail(SHOWN).itertuples(index=False)
        ],
    )
    terminal.say(
        f"Decoded views kept for other networks: {cached / 2**20:.0f} MiB in {options.study / 'cache'} (safe to delete)"
    )
    terminal.result(
        {
            **counts,
            "generated": generated,
            "generators": generators,
            "durations": durations,
            "given": given.to_dict(),
            "predicted": predicted.to_dict(),
            "stores": [store.passport | {"name": store.name} for store in vectors],
            "runs": runs.to_dict("records"),
            "cache_bytes": cached,
        }
    )
