"""Generated glitches in a folder laid out as Gravity Spy's; nothing about them can be mistaken for a real glitch.

Their detector is X0, their ids begin with ``generated-``, by which a study knows them even without the table, and the column
``generated`` of ``metadata.csv`` says what made them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from embed.csvfile import csv_lines
from embed.generator.options import DURATIONS
from embed.generator.place import class_code
from embed.simulator.folder import METADATA_COLUMNS
from embed.storage import digest, storage_errors
from embed.unfinished import begin, finish
from embed.views.png import write_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embed.generator.source import Source
    from embed.types import Progress

DETECTOR = "X0"
"""No detector has this name."""
PREFIX = "generated-"
COLUMNS = (*METADATA_COLUMNS, "generated", "model", "study", "seed")


def made_id(passport: str, label: str, seed: int, number: int) -> str:
    """Name a generated glitch by all that decides what it is."""
    return PREFIX + digest([passport, label, seed, number])[:12]


_WHY = re.compile(r"by (\S+) \(([0-9a-f]{12})\) of study .*, seed -?\d+")
"""Of the column ``generated``."""


def maker_of(why: str) -> tuple[str, str]:
    """Name and first twelve digits of the hash of what made a glitch, from its metadata ``generated``; empty where it does not say."""
    found = _WHY.fullmatch(why)
    return (found[1], found[2]) if found else ("", "")


def write_generated(
    out: Path,
    source: Source,
    labels: Sequence[str],
    count: int,
    *,
    seed: int,
    study: str,
    progress: Progress | None = None,
) -> int:
    """Generate glitches into a folder: ``<label>/X0_generated-<hash>_spectrogram_<duration>.png`` and ``metadata.csv``.

    Parameters
    ----------
    out : Path
        It must not exist, or be empty, or hold the same glitches, unfinished: they are written again.
    source : Source
    labels : sequence of str
        Classes.
    count : int
        Glitches of each.
    seed : int
        Same generator and seed, same bytes.
    study : str
        Name of the study that the generator learned from.
    progress : callable, optional
        Called with (glitches done, glitches in all).

    Returns
    -------
    int
        Glitches.

    Raises
    ------
    InputError
        When the folder is not empty, or the generator does not know a class.
    StorageError
        The folder cannot be written, or the disk is full.
    """
    out = Path(out)
    labels = tuple(dict.fromkeys(labels))
    for label in labels:
        class_code(source.classes, label, source.name)
    passport = source.passport
    why = f"by {source.name} ({passport[:12]}) of study {study}, seed {seed}"
    done = 0
    begin(out, {"generator": passport, "labels": list(labels), "count": count, "seed": seed, "study": study})
    with storage_errors(out):
        with (out / "metadata.csv").open("w", newline="", encoding="utf-8") as table:
            table.write(csv_lines([COLUMNS]))
            for label in labels:
                levels = source.sample(label, count, seed)
                for number, views in enumerate(levels):
                    identifier = made_id(passport, label, seed, number)
                    write_views(out / label, DETECTOR, identifier, views, DURATIONS)
                    row = dict.fromkeys(COLUMNS, "") | {
                        "ifo": DETECTOR,
                        "channel": "GENERATED",
                        "gravityspy_id": identifier,
                        "label": label,
                        "generated": why,
                        "model": source.name,
                        "study": study,
                        "seed": seed,
                    }
                    table.write(csv_lines([list(row.values())]))
                    done += 1
                    if progress is not None:
                        progress(done, len(labels) * count)
        finish(out)
    return done
