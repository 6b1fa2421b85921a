"""`guide.html` and `guide.md`: the draft of a class's page in the field guide, for a screen or paper and for Zooniverse's editor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from discovery.pages.page import PageShell, rendered, showable
from discovery.pages.thumbnails import data_uri
from embed.digits import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.figure import Figure

TYPICAL, VARIETY, CHARTS = "typical.png", "variety.png", "figures.png"
"""Names of pictures; those of the nearest classes are in `Beside`."""
TO_WRITE = "To write by hand: the shape in one sentence, and the cause if it is known."
AUTHORS = {
    "folder": "the folder of its picture",
    "metadata": "a metadata table",
    "person": "a person",
    "volunteers": "volunteers",
    "audit": "an import of answers that was undone",
}
"""Who gave a label, in words."""
_MARKUP = re.compile(r"[\\`*\[\]<>|#&]|(?<!\w)_|_(?!\w)")
"""What Markdown takes for markup; an underscore within a word is none."""


@dataclass(frozen=True)
class Beside:
    """A class that it may be confused with: its name, how its measures differ, the name of its picture."""

    name: str
    contrast: str
    picture: str


@dataclass(frozen=True)
class Draft:
    """What both files say.

    Attributes
    ----------
    title : str
    glitches : int
    pictures : mapping of str to bytes
        PNGs by file name.
    beside : list of Beside
        Nearest first.
    measures : list of (name, 5 %, median, 95 %, glitches)
    occurrence : list of str
        When and where, in sentences.
    origins : list of (label, author, source, glitches)
        Where the labels come from.
    unknown : list of str
        What the study does not know.
    command : str
        The command line that makes the page again.
    passport : mapping of str to object
        What it was made from.
    chart : Figure or None
        The histograms beside the nearest classes, and the rate; None where no measure and no time is known.
    """

    title: str
    glitches: int
    pictures: Mapping[str, bytes]
    beside: list[Beside]
    measures: list[tuple[str, ...]]
    occurrence: list[str]
    origins: list[tuple[str, ...]]
    unknown: list[str]
    command: str
    passport: Mapping[str, object]
    chart: Figure | None = None

    @property
    def caution(self) -> str:
        """One line on what is left out; empty where nothing is."""
        return f"Not known to the study, and left out: {', '.join(self.unknown)}." if self.unknown else ""


MEASURES_HEAD = ("measure", "5 %", "median", "95 %", "glitches")
ORIGINS_HEAD = ("label", "given by", "source", "glitches")


def guide_html(draft: Draft, beside: Sequence[str]) -> str:
    """Write the page, which holds its pictures; `beside` names the files of its folder to link to."""
    shell = PageShell(
        f"Field guide: {draft.title}",
        beside,
        [draft.caution] if draft.unknown else [],
        command=draft.command,
        passport=draft.passport,
    )
    uris = {name: data_uri("png", png) for name, png in draft.pictures.items()}
    return rendered(
        "guide/guide.html",
        shell=shell,
        draft=draft,
        uris=uris,
        figures=[(uris[name], text) for name, text in CAPTIONS.items() if name in uris],
        charts=uris.get(CHARTS),
        to_write=TO_WRITE,
        tables={"measures": (MEASURES_HEAD, draft.measures), "labels": (ORIGINS_HEAD, draft.origins)},
    )


CAPTIONS = {
    TYPICAL: "The most typical glitches: the medoid, and those that are next most like all others.",
    VARIETY: "How it varies: glitches in turn from each detector and evenly over time; the least typical quarter is left out.",
}


def guide_markdown(draft: Draft) -> str:
    """Write the same as Markdown, with the pictures by their file names."""
    lines = [f"# {plain(draft.title)}", "", f"{counted(draft.glitches, 'glitch', 'glitches')}."]
    if draft.unknown:
        lines += ["", plain(draft.caution)]
    lines += ["", "## What it looks like", "", f"*{TO_WRITE}*"]
    for name, text in CAPTIONS.items():
        if name in draft.pictures:
            lines += ["", f"![{text}]({name})", "", text]
    if draft.beside:
        lines += ["", "## Do not confuse with"]
        for other in draft.beside:
            lines += [
                "",
                f"### {plain(other.name)}",
                "",
                plain(other.contrast),
                "",
                f"![{plain(other.name)}]({other.picture})",
            ]
    if draft.measures:
        lines += ["", "## In numbers", "", *_table(MEASURES_HEAD, draft.measures)]
    if CHARTS in draft.pictures:
        lines += ["", f"![Histograms and rate by day]({CHARTS})"]
    if draft.occurrence:
        lines += ["", "## When and where", "", *(f"- {plain(sentence)}" for sentence in draft.occurrence)]
    if draft.origins:
        lines += ["", "## Where its labels come from", "", *_table(ORIGINS_HEAD, draft.origins)]
    return "\n".join([*lines, ""])


def plain(text: str) -> str:
    r"""Write text that Markdown shows as it is.

    Examples
    --------
    >>> print(plain("None_of_the_Above | *new*"))
    None_of_the_Above \| \*new\*
    """
    return _MARKUP.sub(r"\\\g<0>", showable(text)).replace("\n", " ").replace("\t", " ")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(plain(cell) for cell in row)} |" for row in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
