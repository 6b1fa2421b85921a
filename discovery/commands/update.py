"""``discover update``."""

from argparse import Namespace

from discovery.candidates.options import COMPARED_SHARE
from discovery.checks.update import judging_options
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.updating.update import update_clusters
from embed.digits import counted
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Give new glitches to the clusters there are, and look for new ones."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.steps() as step:
            found = update_clusters(
                study,
                store,
                options.label,
                out=options.out,
                compare_all=options.compare,
                options=judging_options(options),
                command=options.typed,
                step=step,
            )
    counts = found.table["how"].value_counts()
    terminal.say(
        f"{counted(len(found.table), 'new glitch', 'new glitches')} of {found.label} after run {found.of}: {counts.get('joined', 0)} joined a cluster, "
        f"{counted(counts.get('born', 0), 'is', 'are')} in {counted(len(found.births), 'new cluster', 'new clusters')}, {counted(counts.get('none', 0), 'fits', 'fit')} none"
    )
    rows = [(str(number), str(count), "") for number, count in found.joined.items() if count]
    rows += [(str(own.cluster), str(own.size), f"born: {own.verdict}") for own in found.births]
    quiet = sum(not count for count in found.joined.values())
    without = f"; without any: {quiet:,}" if quiet else ""
    terminal.table(f"clusters with new glitches{without}", ("cluster", "new glitches", ""), rows)
    for own in found.births:
        terminal.say(f"cluster {own.cluster}: " + " ".join(own.reasons))
    for change in found.changes:
        terminal.say(f"{change.kind}: {change.evidence}")
    if found.waiting:
        terminal.say(
            f"splits and merges were not looked for: {counted(found.waiting, 'glitch', 'glitches')} came since they were last looked for, less than {100 * COMPARED_SHARE:g} %; --compare looks for them with the next new ones"
        )
    if found.changes:
        terminal.say("these are proposals: no glitch was moved and no number changed")
    for remark in found.remarks:
        terminal.say(remark)
    for path in found.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "run": found.run,
            "of": found.of,
            "label": found.label,
            "glitches": len(found.table),
            "joined": {str(number): count for number, count in found.joined.items()},
            "births": [own.row() for own in found.births],
            "changes": [change.row() for change in found.changes],
            "waiting": found.waiting,
            "notes": list(found.remarks),
            "none": int(counts.get("none", 0)),
            "files": {name: str(path) for name, path in found.files.items()},
        }
    )
