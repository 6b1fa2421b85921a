"""``discover novel``."""

from argparse import Namespace

from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from discovery.figures.figures import novel_figures
from discovery.figures.files import save_figures
from discovery.novelty.novelty import find_novel
from embed.digits import counted
from embed.study.nouns import nouns
from embed.study.study import Study


def run(options: Namespace) -> None:
    """List the oddest glitches."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study, generated=options.generated) as study:
        one, many = nouns(study)
        store = make_vectors(study, options, terminal)
        with terminal.progress("compare") as progress:
            found = find_novel(study, store, options.labels, count=options.n, out=options.out, progress=progress)
        if options.figures:
            found.files.update(save_figures(novel_figures(found), found.folder, options.figures))
    rows = [
        (str(rank), name, label or "-", f"1 in {one_in:,}", f"{nearest}, 1 in {class_one_in:,}", str(alike))
        for rank, name, _, _, label, one_in, _, nearest, class_one_in, alike, _ in found.table.itertuples(index=False)
    ]
    terminal.say(
        f"compared with {found.known:,} known {many}: 1 in N says how many of them are as odd as this one; 1 in {found.known + 1:,} is none"
    )
    terminal.table(
        counted(len(rows), f"odd {one}", f"odd {many}"),
        ("rank", "id", "label", "as odd, of all known", "as odd, of the nearest class", f"similar {many}"),
        rows,
    )
    for path in found.files.values():
        terminal.say(str(path))
    terminal.result(
        {
            "known": found.known,
            "glitches": found.table.astype(object).where(found.table.notna(), None).to_dict("records"),
            "files": {name: str(path) for name, path in found.files.items()},
        }
    )
