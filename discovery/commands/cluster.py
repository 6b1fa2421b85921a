"""``discover cluster``."""

from argparse import Namespace
from functools import partial

from discovery.candidates.candidates import find_candidates, summary
from discovery.checks.cluster import cluster_options
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import cluster_figures
from discovery.figures.files import save_figures
from embed.digits import counted
from embed.study.nouns import nouns
from embed.study.study import Study
from embed.vectors.passport import describe_vectors


def run(options: Namespace) -> None:
    """Cluster the glitches of one label."""
    terminal = Terminal(as_json=options.json)
    chosen = cluster_options(options)
    with Study(options.study, generated=options.generated) as study:
        one, many = nouns(study)
        store = make_vectors(study, options, terminal)
        with terminal.progress("read") as progress:
            step = partial(progress, 0, 0)
            found = find_candidates(
                study,
                store,
                options.label,
                chosen,
                out=options.out,
                command=options.typed,
                step=step,
                progress=progress,
            )
            if options.figures:
                step("figures")
                found.files.update(save_figures(cluster_figures(found), found.folder, options.figures))
    result = summary(found)
    terminal.say(
        f"{counted(result['glitches'], one, many)} of {options.label}, {describe_vectors(store.passport)}, {options.method}"
    )
    rows = [
        (
            str(item["cluster"]),
            str(item["size"]),
            item["in_words"],
            "" if item["probability"] is None else f"{100 * item['probability']:.0f} %",
            item["nearest_1"],
            item["medoid"],
            *([f"{item['members_signals']} of {item['members_judged']}"] if chosen.detector else []),
        )
        for item in result["clusters"]
    ]
    columns: tuple[str, ...] = ("cluster", many, "verdict", "new", "nearest by density (nats)", "most typical")
    columns += ("signals",) if chosen.detector else ()
    terminal.table(counted(len(rows), "cluster", "clusters"), columns, rows)
    terminal.say(
        f"{counted(result['noise'], f'{one} fits', f'{many} fit')} no cluster ({100 * result['noise_share']:.0f} %)"
    )
    for note in result["notes"]:
        terminal.say(note)
    if found.left_out:
        terminal.say(f"left out {len(found.left_out)} without a vector, the first: {': '.join(found.left_out[0])}")
    for name, path in found.files.items():
        if not name.startswith("members-"):
            terminal.say(str(path))
    terminal.result(result)
