"""``discover name``."""

import shlex
from argparse import Namespace

from discovery.candidates.naming import name_cluster, noun
from discovery.commands.console import Terminal
from embed.network.sources import models
from embed.study.study import Study
from embed.training.options import FEWEST_EXAMPLES


def run(options: Namespace) -> None:
    """Give the members of a cluster a label."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        named = name_cluster(study, options.cluster, options.name, label=options.label, dry_run=options.dry_run)
        model = next(iter(models(study.folder)), None)
    if named.warning:
        terminal.say(f"warning: {named.warning}")
    done = "would be" if options.dry_run else "are"
    terminal.say(
        f"the {len(named.glitches)} glitches of {noun(options.cluster)} of {named.label} (run {named.run}) {done} labelled {options.name}; "
        f"{named.added} label events added"
    )
    if model is not None and not options.dry_run and len(named.glitches) >= FEWEST_EXAMPLES:
        terminal.say(
            f"a model learns it by: discover train --weights model:{model} --name NEW --add-class {shlex.quote(options.name)}"
        )
    terminal.result(
        {
            "cluster": options.cluster,
            "of": named.label,
            "run": named.run,
            "name": options.name,
            "glitches": len(named.glitches),
            "added": named.added,
            "dry_run": options.dry_run,
            "warnings": [named.warning] if named.warning else [],
        }
    )
