"""The histories of a study's classes, as files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from discovery.onset.history import History, history_of, timeline
from discovery.onset.livetime import Livetime, livetime_of, segments
from discovery.pages.drawing import chart_png
from discovery.pages.gpstime import utc
from embed.csvfile import write_csv
from embed.digits import counted
from embed.errors import InputError
from embed.storage import write_bytes
from embed.study.reports import add_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from embed.study.study import Study
    from embed.types import Floats, Progress, Step

COLUMNS = (
    "label",
    "glitches",
    "bursts",
    "first",
    "last",
    "change",
    "kind",
    "low",
    "high",
    "before",
    "after",
    "bayes_factor",
    "hour_chance",
    "weekday_chance",
    "coincident",
    "coincident_expected",
    "coincident_chance",
)
"""Columns of ``onset.csv``: a row for each change (``kind`` rise or fall, rates in bursts a live day), or one without where there is none;
the last five are of the class, the same in each of its rows."""
PATTERNS = ("label", "pattern", "cell", "bursts", "expected")
"""Columns of ``patterns.csv``: ``pattern`` is hour or weekday, ``cell`` 0 to 23 (UTC) or Monday to Sunday."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Onsets:
    """The histories of classes.

    Attributes
    ----------
    histories : dict of str to History
        By label, of those with a known time.
    times : dict of str to ndarray of float64
        GPS seconds of the same classes' glitches.
    livetime : Livetime
    files : dict
        Name -> path of what was written.
    """

    histories: dict[str, History]
    times: dict[str, Floats]
    livetime: Livetime
    files: dict[str, Path]

    @property
    def folder(self) -> Path:
        """Where everything was written."""
        return self.files["onset.csv"].parent


def find_onsets(
    study: Study,
    labels: Sequence[str] = (),
    *,
    live: Livetime | None = None,
    out: Path | None = None,
    step: Step = lambda _: None,
    progress: Progress = lambda *_: None,
) -> Onsets:
    """Find when classes began, ended and changed their rates.

    Parameters
    ----------
    study : Study
    labels : sequence of str
        By default every given label.
    live : Livetime, optional
        By default estimated from the times of all glitches.
    out : Path, optional
        Folder of ``onset.csv``, ``patterns.csv`` and ``onset.png``; by default one of the study's reports.
    step, progress : callable, optional
        Receive the name of each step as it begins, and how many classes are done, of how many.

    Raises
    ------
    InputError
        No glitch of the labels has a known time.
    """
    table = study.glitches()
    live = livetime_of(table["gps"].to_numpy(float)) if live is None else live
    names = list(labels) or sorted(name for name in set(table["label"].tolist()) if name)
    histories, times = {}, {}
    step("compare rates")
    for done, name in enumerate(names):
        progress(done, len(names))
        own = table[table["label"] == name]
        found = history_of(own["gps"].to_numpy(float), own["ifo"].to_numpy(object), live)
        if found is not None:
            histories[name], times[name] = found, own["gps"].dropna().to_numpy(float)
    progress(len(names), len(names))
    if not histories:
        raise InputError(
            f"no glitch labelled {', '.join(names) or 'anything'} has a known time; add times with `discover ingest` of a table"
        )
    step("write")
    folder = study.folder / "reports" / "onset" if out is None else out
    files = {name: folder / name for name in ("onset.csv", "patterns.csv", "onset.png")}
    with study.run("onset", {"labels": names}) as run:
        write_csv(files["onset.csv"], COLUMNS, (row for name, found in histories.items() for row in _rows(name, found)))
        write_csv(
            files["patterns.csv"], PATTERNS, (row for name, found in histories.items() for row in _cells(name, found))
        )
        write_bytes(files["onset.png"], chart_png(timeline(times, histories, live)))
        rises, falls = (
            sum(change.is_rise == rise for own in histories.values() for change in own.changes)
            for rise in (True, False)
        )
        classes = counted(len(histories), "class", "classes")
        answer = f"{classes}: {counted(rises, 'rise', 'rises')} and {counted(falls, 'fall', 'falls')} of the rate."
        if live.caution:
            answer = f"{classes}. {live.caution}."
        add_report(study, run, files["onset.png"], "Timeline", answer)
    return Onsets(histories, times, live, files)


def _rows(name: str, found: History) -> list[tuple[object, ...]]:
    lead = (name, found.glitches, found.bursts, utc(found.first), utc(found.last))
    chances = (found.hours.chance, found.weekdays.chance, found.coincident_chance)
    hour, weekday, coincident = (None if chance is None else float(f"{chance:.3g}") for chance in chances)
    rest = (hour, weekday, found.coincident, float(f"{found.coincident_expected:.3g}"), coincident)
    if not found.changes:
        return [(*lead, *[None] * (len(COLUMNS) - len(lead) - len(rest)), *rest)]
    return [
        (
            *lead,
            utc(change.gps),
            "rise" if change.is_rise else "fall",
            utc(change.low),
            utc(change.high),
            round(change.before, 4),
            round(change.after, 4),
            float(f"{change.bayes_factor:.3g}"),
            *rest,
        )
        for change in found.changes
    ]


def _cells(name: str, found: History) -> Iterator[tuple[object, ...]]:
    for pattern, cells, own in (("hour", range(24), found.hours), ("weekday", WEEKDAYS, found.weekdays)):
        for cell, bursts, expected in zip(cells, own.counts, own.expected, strict=True):
            yield name, pattern, cell, bursts, expected


def read_segments(path: Path) -> Livetime:
    """Read live time from a text file: a start and an end in GPS seconds a line, with spaces or a comma between; ``#`` begins a comment.

    Raises
    ------
    InputError
        The file cannot be read, or a line is no such pair.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the segments {path} cannot be read: {error}") from error
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split("#")[0].replace(",", " ").split()
        if not cells:
            continue
        try:
            start, end = (float(cell) for cell in cells[-2:])
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {line!r} is no start and end in GPS seconds") from error
        pairs.append((start, end))
    if not pairs:
        raise InputError(f"the segments {path} have no line with a start and an end")
    both = np.array(pairs)
    return segments(both[:, 0], both[:, 1])
