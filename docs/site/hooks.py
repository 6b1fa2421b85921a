"""What the documentation site adds to the pages of ``docs/`` as it is built.

- The commands' reference, from the parsers themselves, in place of the comment ``<!-- commands -->``.
- A file of the repository in place of a comment such as ``<!-- file: embed/weights/README.md -->``.
- The figures of ``examples/figures``, which pages show by their place in the repository.
- Formulas as MathML, which browsers draw without a script.
- Numbers that keep their per cent sign on their line, and what a keyboard and a screen reader need of the theme.
"""

from __future__ import annotations

import argparse
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File

from discovery.cli import create_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[2]
FIGURES = "examples/figures/"
"""Where pages of the repository find its figures; on the site they are in ``figures/``."""
SHARED = ("common options", "vectors")
"""Groups of options that many commands have, by the first words of their titles; they are described once."""
HIDDEN = (argparse._HelpAction, argparse._SubParsersAction)  # noqa: SLF001 - argparse has no public names for them
"""Not listed: ``--help``, and sub-commands, which have their own section."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the figures of the examples."""
    for path in sorted((ROOT / FIGURES).iterdir()):
        files.append(File.generated(config, f"figures/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:  # noqa: ANN401 - page, config and files of mkdocs
    """Put generated text into a page."""
    markdown = re.sub(rf"\]\(((?:\.\./)*)\.\./{FIGURES}", r"](\1figures/", markdown)
    if "<!-- commands -->" in markdown:
        markdown = markdown.replace("<!-- commands -->", "\n".join(commands()))
    return re.sub(r"<!-- file: (\S+) -->", lambda found: (ROOT / found[1]).read_text("utf-8"), markdown)


def on_page_content(html: str, **_: Any) -> str:  # noqa: ANN401 - as above
    """Turn formulas into MathML, and keep numbers and their per cent signs together outside code."""
    html = re.sub(
        r'<span class="arithmatex">\\\((.*?)\\\)</span>',
        lambda found: convert(unescape(found[1])),
        html,
        flags=re.DOTALL,
    )
    html = re.sub(
        r'<div class="arithmatex">\\\[(.*?)\\\]</div>',
        lambda found: convert(unescape(found[1]).strip(), display="block").replace("<math ", '<math tabindex="0" ', 1),
        html,
        flags=re.DOTALL,
    )
    parts = re.split(r"(<(?:pre|code)\b.*?</(?:pre|code)>|<[^>]*>)", html, flags=re.DOTALL)
    return "".join(
        re.sub(r"(?<=\d) %", "&nbsp;%", part) if place % 2 == 0 else part for place, part in enumerate(parts)
    )


def on_post_page(output: str, **_: Any) -> str:  # noqa: ANN401 - as above
    """Name the theme's search, and let the keyboard reach code that is wider than the screen (tables: reach.js)."""
    output = output.replace('role="dialog"', 'role="dialog" aria-label="Search"')
    output = re.sub(r'type="checkbox" id="__(\w+)"', r'\g<0> aria-label="\1"', output)
    return re.sub(r"(<pre[^>]*>(?:<span></span>)?<code)", r'\1 tabindex="0"', output)


def on_post_template(output_content: str, **_: Any) -> str:  # noqa: ANN401 - as above
    """Do the same for pages that are no text of ours, such as 404.html."""
    return on_post_page(output_content)


def commands() -> Iterator[str]:
    """Describe every command in Markdown, in the order of ``discover --help``."""
    parser = create_parser()
    subparsers = _subparsers(parser)
    assert subparsers is not None
    yield "| command | what it does |"
    yield "|---|---|"
    for choice in subparsers._choices_actions:  # noqa: SLF001 - argparse keeps the short helps nowhere else
        yield f"| [`{choice.dest}`](#discover-{choice.dest}) | {choice.help} |"
    for group in subparsers.choices["embed"]._action_groups:  # noqa: SLF001 - argparse has no public list of them
        name, _, note = str(group.title).partition(" (")
        if name in SHARED:
            yield f"\n## {name.capitalize()}\n"
            yield f"{note.removesuffix(')').capitalize()}.\n" if note else ""
            yield from _arguments(subparsers.choices["embed"], group._group_actions)  # noqa: SLF001
    for name, command in subparsers.choices.items():
        yield from _command(f"discover {name}", command, 2)


def _command(title: str, parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    """Describe one command, and below it its sub-commands."""
    yield f"\n{'#' * level} {title}\n"
    yield f"{parser.description}\n"
    own: list[argparse.Action] = []
    shared = []
    groups: list[tuple[str, list[argparse.Action]]] = []
    for group in parser._action_groups:  # noqa: SLF001
        name = str(group.title).split(" (")[0]
        actions = [action for action in group._group_actions if not isinstance(action, HIDDEN)]  # noqa: SLF001
        if name in SHARED:
            shared.append(f"[{name}](#{name.replace(' ', '-')})")
        elif name in {"positional arguments", "options"}:
            own += actions
        elif actions:
            groups.append((str(group.title), actions))
    if own:
        yield from _arguments(parser, own)
    for name, actions in groups:
        yield f"\n{name.capitalize()}:\n"
        yield from _arguments(parser, actions)
    if shared:
        yield f"\nAlso: {', '.join(shared)}.\n"
    nested = _subparsers(parser)
    for name, command in nested.choices.items() if nested else ():
        yield from _command(f"{title} {name}", command, level + 1)


def _arguments(parser: argparse.ArgumentParser, actions: list[argparse.Action]) -> Iterator[str]:
    """Describe some arguments as a table."""
    yield "\n| argument | meaning |"
    yield "|---|---|"
    formatter = parser.formatter_class(parser.prog)
    for action in actions:
        names = formatter._format_action_invocation(action).replace("|", "\\|")  # noqa: SLF001
        text = formatter._expand_help(action).replace("|", "\\|")  # noqa: SLF001
        yield f"| `{names}` | {text} |"
    yield ""


def _subparsers(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[Any] | None:
    """Return the sub-commands of a parser."""
    found = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001
    return next(found, None)
