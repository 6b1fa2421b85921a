"""``discover project``."""

from argparse import Namespace

from discovery.candidates.maps import draw_map
from discovery.candidates.options import MapOptions
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import map_figures
from discovery.figures.files import save_figures
from embed.digits import counted
from embed.study.nouns import nouns_of
from embed.study.study import Study
from embed.vectors.passport import describe_vectors


def run(options: Namespace) -> None:
    """Draw the map."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.steps() as step:
            drawn = draw_map(
                study,
                store,
                options.labels,
                MapOptions(options.method, options.dims, options.color, options.seed, options.anew, options.landmarks),
                out=options.out,
                step=step,
            )
            if options.figures:
                step("figures")
                figures = map_figures(drawn, method=options.method, color=options.color)
                drawn.files.update(save_figures(figures, drawn.folder, options.figures))
    one, several = nouns_of(plain=drawn.plain)
    terminal.say(
        f"{counted(len(drawn.table), one, several)}, {options.method} in {options.dims} dimensions, {describe_vectors(store.passport)}"
    )
    layout = drawn.layout
    if layout.note:
        terminal.say(f"laid out afresh: {layout.note}")
    if layout.sampled:
        terminal.say(
            f"{len(drawn.table) - layout.sampled:,} of them, drawn at random, were laid out, and the others placed among them (--landmarks)"
        )
    if layout.added:
        terminal.say(
            f"{counted(layout.added, f'new {one} was', f'new {several} were')} placed on the map that was there, and the others stayed; {layout.far} of the new ones {'is' if layout.far == 1 else 'are'} far "
            "from all that were laid out, and such a map cannot show where they belong: --anew lays out all"
        )
    for path in drawn.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "glitches": len(drawn.table),
            "placed": layout.added + layout.sampled,
            "far": layout.far,
            "note": layout.note,
            "files": {name: str(path) for name, path in drawn.files.items()},
        }
    )
