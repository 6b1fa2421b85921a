"""``discover onset``."""

from argparse import Namespace
from dataclasses import asdict
from functools import partial

from discovery.commands.console import Terminal
from discovery.figures.figures import onset_figures
from discovery.figures.files import save_figures
from discovery.onset.onset import find_onsets, read_segments
from embed.digits import counted
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Say when classes began, ended and changed their rates."""
    terminal = Terminal(as_json=options.json)
    live = None if options.segments is None else read_segments(options.segments)
    with Study(options.study, generated=options.generated) as study:
        with terminal.progress("read") as progress:
            found = find_onsets(
                study, options.labels, live=live, out=options.out, step=partial(progress, 0, 0), progress=progress
            )
        if options.figures:
            found.files.update(save_figures(onset_figures(found), found.folder, options.figures))
    terminal.say(
        f"{found.livetime.seconds / 86400:.1f} live days in {counted(len(found.livetime.starts), 'segment', 'segments')}"
    )
    if found.livetime.caution:
        terminal.say(f"{found.livetime.caution}.")
    for name, history in found.histories.items():
        terminal.say(
            f"{name}: {counted(history.glitches, 'glitch', 'glitches')} in {counted(history.bursts, 'burst', 'bursts')}. "
            + " ".join(history.sentences())
        )
    for path in found.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "live_days": found.livetime.seconds / 86400,
            "caution": found.livetime.caution,
            "classes": {name: asdict(history) for name, history in found.histories.items()},
            "files": {name: str(path) for name, path in found.files.items()},
        }
    )
