"""``discover guide``."""

from argparse import Namespace

from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import guide_figures
from discovery.figures.files import save_figures
from discovery.guide.guide import make_guide
from embed.digits import counted
from embed.study.study import Study


def run(options: Namespace) -> None:
    """Draft a class's page for the field guide."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.steps() as step:
            guide = make_guide(
                study,
                store,
                options.name,
                label=options.label,
                out=options.out,
                command=options.typed,
                seed=options.seed,
                step=step,
            )
            if options.figures:
                step("figures")
                folder = guide.files["guide.html"].parent
                guide.files.update(save_figures(guide_figures(guide), folder, options.figures))
    draft = guide.draft
    nearest = ", ".join(other.name for other in draft.beside) or "no known class"
    terminal.say(f"{draft.title}: {counted(draft.glitches, 'glitch', 'glitches')}; most alike: {nearest}")
    if draft.unknown:
        terminal.say(draft.caution)
    for path in guide.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "name": draft.title,
            "glitches": draft.glitches,
            "nearest": {other.name: other.contrast for other in draft.beside},
            "occurrence": draft.occurrence,
            "unknown": draft.unknown,
            "files": {name: str(path) for name, path in guide.files.items()},
        }
    )
