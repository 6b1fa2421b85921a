"""``discover name``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from discovery.candidates.doubted import all_but, doubted, doubted_sentence
from discovery.candidates.namefile import name_clusters, read_names
from discovery.candidates.naming import name_cluster, noun
from discovery.commands.console import Terminal
from embed.digits import counted
from embed.network.sources import models
from embed.study.study import Study
from embed.training.options import FEWEST_EXAMPLES

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from discovery.candidates.naming import Named


def run(options: Namespace) -> None:
    """Give the members of a cluster, or of several, a label."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        if options.file is None:
            names = {options.cluster: options.name.strip()}
            chosen = all_but(study, options.cluster, options.without, options.label) if options.without else None

            def give(*, dry_run: bool) -> Mapping[Any, Named]:
                cluster, name = options.cluster, names[options.cluster]
                return {
                    cluster: name_cluster(study, cluster, name, label=options.label, chosen=chosen, dry_run=dry_run)
                }
        else:
            found = read_names(study, options.file, options.label)
            names = found.names

            def give(*, dry_run: bool) -> Mapping[Any, Named]:
                return name_clusters(study, found, dry_run=dry_run)

            if not found.is_latest:
                terminal.say(
                    f"the names are of an earlier clustering, of run {found.run}: they go to the members that its report showed"
                )
        named = give(dry_run=True)
        doubts = {cluster: doubted(study, own.glitches, own.name) for cluster, own in named.items()}
        if not options.dry_run:
            named = give(dry_run=False)
        model = next(iter(models(study.folder)), None)
    for cluster, own in named.items():
        if own.warning:
            terminal.say(f"warning: {own.warning}; if it is a slip, name the cluster again")
        if doubts[cluster]:
            terminal.say(doubted_sentence(doubts[cluster], len(own.glitches)))
        count = len(own.glitches)
        of = "the 1 glitch" if count == 1 else f"the {count:,} glitches"
        done = "would be" if options.dry_run else "is" if count == 1 else "are"
        terminal.say(
            f"{of} of {noun(cluster)} of {own.label} (run {own.run}) {done} labelled {own.name}"
            + ("" if options.dry_run else f"; {counted(own.added, 'label event', 'label events')} added")
        )
        if model is not None and not options.dry_run and count >= FEWEST_EXAMPLES:
            terminal.say(
                f"a model learns it by: discover train --weights model:{model} --name NEW --add-class {shlex.quote(own.name)}"
            )
    facts = [
        _facts(cluster, own) | {"doubted": [row._asdict() for row in doubts[cluster]]} for cluster, own in named.items()
    ]
    terminal.result((facts[0] if options.file is None else {"named": facts}) | {"dry_run": options.dry_run})


def _facts(cluster: int | str, own: Named) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "of": own.label,
        "run": own.run,
        "name": own.name,
        "glitches": len(own.glitches),
        "added": own.added,
        "warnings": [own.warning] if own.warning else [],
    }
