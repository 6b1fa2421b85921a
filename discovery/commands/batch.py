"""``discover batch``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from discovery.candidates.batch import make_batch, write_batch
from discovery.candidates.naming import noun
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.exchange.idlist import read_glitches
from embed.digits import counted
from embed.storage import file_name
from embed.study.nouns import nouns
from embed.study.study import Study

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from discovery.candidates.batch import Batch


def run(options: Namespace) -> None:
    """Write a batch of similar glitches for volunteers."""
    terminal = Terminal(as_json=options.json)
    if options.ids is not None:
        _run_listed(options, terminal)
        return
    with Study(options.study) as study:
        one, many = nouns(study)
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
        f"{counted(len(batch.table), one, many)}, {inside} of them in {noun(options.cluster)}{_seconds(batch.durations)}"
    )
    terminal.say(_similarities(batch))
    if len(batch.table) < options.n:
        terminal.say(
            f"fewer than the {options.n} asked for: these are all members, and all {many} that may stand beside them"
        )
    for path in batch.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "cluster": options.cluster,
            "glitches": len(batch.table),
            "in_cluster": inside,
            "of_known_classes": batch.known,
            "similarity": {"members": batch.range_of(members=True), "others": batch.range_of(members=False)},
            "least_member_similarity": batch.least,
            "durations": list(batch.durations),
            "files": {name: str(path) for name, path in batch.files.items()},
        }
    )


def _seconds(durations: Iterable[float]) -> str:
    """Say of which durations the pictures are; plain ones have none."""
    seconds = [f"{duration:g}" for duration in durations if duration]
    return f"; pictures of {', '.join(seconds)} s" if seconds else ""


def _similarities(batch: Batch) -> str:
    """Say how similar the members and the others are to the cluster, and how many of the others are of known classes."""
    ranges = {name: batch.range_of(members=name == "members") for name in ("members", "others")}
    texts = {name: [f"{one:.2f}" for one in own] for name, own in ranges.items() if own is not None}
    said = "; ".join(f"{name} {' to '.join(dict.fromkeys(own))}" for name, own in texts.items())
    known = f"; {batch.known} of the others {'is of a known class' if batch.known == 1 else 'are of known classes'}, as similar as members are ({batch.least:.2f} or more)"
    return f"similarity to the cluster (1 is equal): {said}{known if batch.known else ''}"


def _run_listed(options: Namespace, terminal: Terminal) -> None:
    """Write a batch of exactly the glitches that a file lists."""
    with Study(options.study) as study:
        glitches = read_glitches(study, options.ids)
        folder = options.out or study.folder / "reports" / f"batch-{file_name(options.ids.stem)}"
        path, durations = write_batch(study, np.array(glitches), folder)
    terminal.say(f"{counted(len(glitches), 'glitch', 'glitches')} of {options.ids.name}{_seconds(durations)}")
    terminal.say(str(path))
    terminal.result({"glitches": len(glitches), "durations": list(durations), "files": {"manifest.csv": str(path)}})
