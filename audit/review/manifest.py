"""``volunteers/``: a Panoptes manifest with its pictures, ready for ``panoptes subject-set upload-subjects``.

The manifest is made for the Panoptes command line (version 1.2.1, ``commands/subject_set.py``): files are in the manifest's
folder; the first data row decides which columns are files, so that none of its cells may be empty or name a file by accident; a
column whose name begins with ``#`` is never shown. Names are those of Gravity Spy's own subjects, without ``#ml_top_label`` and
``#ml_top_confidence``: they would identify the right controls, and hidden columns have leaked before.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.review.controls import choose_asked
from audit.review.ledger import ASKED, AUDIT, SUBJECT, Subject
from audit.review.spectrograms import picture_png
from audit.review.table import IMAGES, image_column
from embed.csvfile import csv_text
from embed.errors import InputError
from embed.storage import storage_errors, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from audit.result import AuditResult
    from audit.review.controls import ReviewItem
    from embed.study.records import View

ROWS = 300
"""Rows of the list at most: 1,440 pictures with the controls, about 200 MB. The whole list is in ``audit.csv``."""
UNKNOWN = "unknown"
"""Text of a cell without a value: an empty cell in the first row stops the upload."""
FACTS = ("date", "subject_id", "q_value", "label")
_THREADS = 2


@dataclass(frozen=True)
class ReviewManifest:
    """What was written for volunteers.

    Attributes
    ----------
    subjects : tuple of Subject
        To be stored in the study: only the study knows which are controls.
    durations : tuple of float
        Seconds, one for each picture of a subject; 0 is a plain picture.
    without_pictures : int
        Rows of the list that were left out because one of these views is missing.
    files : tuple of Path
        Manifest and README.
    """

    subjects: tuple[Subject, ...]
    durations: tuple[float, ...]
    without_pictures: int
    files: tuple[Path, ...]

    @property
    def controls(self) -> int:
        """How many of the subjects are controls."""
        return sum(subject.control != ASKED for subject in self.subjects)


def write_manifest(
    folder: Path,
    result: AuditResult,
    glitches: pd.DataFrame,
    views: Mapping[int, Sequence[View]],
    passport: str,
    *,
    first: int = ROWS,
    seed: int = 0,
) -> ReviewManifest | None:
    """Write manifest, pictures and the coordinator's README.

    Parameters
    ----------
    folder : Path
        ``volunteers/``; pictures of an earlier manifest in it are removed.
    result : AuditResult
        Of N glitches.
    glitches : DataFrame, N rows
        In the result's order: ``glitch`` (row number in the study), ``id``, ``gravityspy_id``, ``ifo``, ``gps`` (seconds), ``date``
        (YYYYMMDD) and ``q_value``, NaN or empty where unknown; and the columns `audit.review.table.IMAGES`, empty where there is no view.
    views : mapping of int to sequence of View
        The views of each glitch, by its number in the study.
    passport : str
        Names the audit.
    first : int
        Rows of the list at most.
    seed : int
        Of the controls and the order.

    Returns
    -------
    ReviewManifest or None
        None for an empty list, or without pictures.

    Raises
    ------
    InputError
        When a picture cannot be read.
    StorageError
        When the folder cannot be written.
    """
    numbers = glitches["glitch"].to_numpy()
    present = np.stack([(glitches[name] != "").to_numpy() for name in IMAGES], axis=1)
    head = result.order[: result.listed]
    wanted = 2 * present[head].sum(0) >= max(1, len(head))
    usable = np.asarray(present[:, wanted].all(axis=1))
    if not wanted.any():
        return None
    asked = choose_asked(result, usable, first, seed)
    if not asked:
        return None
    columns = [name for name, is_wanted in zip(IMAGES, wanted, strict=True) if is_wanted]
    shown = [_shown_views(views[int(numbers[one.row])], columns) for one in asked]
    durations = tuple(view.duration for view in shown[0])
    subjects = tuple(_subject(result, one, int(numbers[one.row]), passport, seed) for one in asked)
    names = [file_names(str(glitches["id"].iloc[one.row]), own) for one, own in zip(asked, shown, strict=True)]
    rows = [
        [*own, *_facts(result, glitches, one), subject.key, passport]
        for own, one, subject in zip(names, asked, subjects, strict=True)
    ]
    put_safe_row_first(rows, len(durations), folder)
    where = [(str(glitches["ifo"].iloc[one.row] or ""), float(glitches["gps"].iloc[one.row])) for one in asked]
    # The manifest is written last and synced to disk; the pictures need no sync: without a manifest the folder is incomplete.
    write_pictures(folder, names, shown, where)
    header = (*picture_columns(durations), *FACTS, SUBJECT, AUDIT)
    table, readme = folder / "manifest.csv", folder / "README.md"
    written = ReviewManifest(subjects, durations, int((~usable[head]).sum()), (table, readme))
    write_text(readme, _readme(written, result, passport))
    write_text(table, csv_text(header, rows))
    return written


def _shown_views(views: Sequence[View], columns: list[str]) -> list[View]:
    found = {image_column(view.duration): view for view in views}
    return [found[name] for name in columns]


def picture_columns(durations: tuple[float, ...]) -> list[str]:
    """Name a subject's picture columns as Gravity Spy does."""
    return [f"Filename{number}" for number in range(1, len(durations) + 1)]


def _subject(result: AuditResult, one: ReviewItem, glitch: int, passport: str, seed: int) -> Subject:
    key = hashlib.sha256(f"{passport}/{glitch}/{seed}".encode()).hexdigest()[:16]
    return Subject(key, glitch, result.classes[one.shown], one.control)


def file_names(identifier: str, views: list[View]) -> list[str]:
    """Name the pictures as Gravity Spy does; an id that is a path becomes a hash."""
    safe = identifier if "/" not in identifier else hashlib.sha256(identifier.encode()).hexdigest()[:16]
    return [f"{safe}_picture.png" if v.kind == "image" else f"{safe}_spectrogram_{v.duration}.png" for v in views]


def _facts(result: AuditResult, glitches: pd.DataFrame, one: ReviewItem) -> list[object]:
    row = glitches.iloc[one.row]
    q = row["q_value"]
    return [
        row["date"] or UNKNOWN,
        row["gravityspy_id"],
        UNKNOWN if q is None or q != q or q == "" else q,  # noqa: PLR0124 - NaN
        result.classes[one.shown],
    ]


def put_safe_row_first(rows: list[list[object]], pictures: int, folder: Path) -> None:
    """Move a row to the front in which only the pictures' cells name files: the first row decides for all."""

    def is_safe(row: list[object]) -> bool:
        return not any(str(cell) == "" or (folder / str(cell)).exists() for cell in row[pictures:])

    place = next((place for place, row in enumerate(rows) if is_safe(row)), None)
    if place is None:
        raise InputError(
            f"every row for volunteers has a cell that names a file, for example {rows[0][pictures + 3]!r}; choose another --out folder"
        )
    rows.insert(0, rows.pop(place))


def write_pictures(
    folder: Path, names: Sequence[list[str]], views: Sequence[list[View]], where: Sequence[tuple[str, float]]
) -> None:
    """Write the pictures of the subjects, and remove those of an earlier manifest.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    names, views : sequence of list
        The file names of each subject's pictures, and their views.
    where : sequence of (str, float)
        Detector and GPS seconds of each subject, for the titles.
    """

    def write(place: int) -> None:
        for name, view in zip(names[place], views[place], strict=True):
            (folder / name).write_bytes(picture_png(view, *where[place]))

    with storage_errors(folder), ThreadPoolExecutor(_THREADS) as pool:
        folder.mkdir(parents=True, exist_ok=True)
        list(pool.map(write, range(len(names))))
        kept = {name for own in names for name in own}
        for path in folder.glob("*.png"):
            if path.name not in kept:
                path.unlink()


def _readme(written: ReviewManifest, result: AuditResult, passport: str) -> str:
    pictures = len(written.durations)
    options = " ".join(f"-f {number}" for number in range(1, pictures + 1))
    asked = len(written.subjects) - written.controls
    what = (
        "one picture each"
        if written.durations == (0.0,)
        else f"pictures of {', '.join(map(str, written.durations))} s, in this order"
    )
    expected = result.expected(min(asked, result.draws.shape[1]))
    classes = "".join(f"- {name}\n" for name in result.classes)
    return _README.format(
        subjects=len(written.subjects),
        what=what,
        asked=asked,
        controls=written.controls,
        expected=expected.expected,
        low=expected.low,
        high=expected.high,
        pictures=pictures,
        options=options,
        passport=passport,
        classes=classes,
    )


_README = """\
# Labels to check: for the volunteers' coordinator

{subjects} glitches whose label may be wrong, {what}. {asked} of them are real questions; the audit expects about
{expected:.0f} ({low:.0f} to {high:.0f}) of their labels to be wrong. The other {controls} are controls: half have a right label, half a wrong one that was
planted. Only the study that made this folder knows which; nothing here shows it. Please do not look for them.

## Upload

In this folder, with the [Panoptes command line](https://github.com/zooniverse/panoptes-cli):

```sh
panoptes configure
panoptes subject-set create PROJECT_ID "Label audit {passport}"
panoptes subject-set upload-subjects {options} SUBJECT_SET_ID manifest.csv
```

`{options}` names the columns of the pictures, so that the program need not guess them. Every picture is below Zooniverse's limit of
1 MB. A second upload makes every subject twice: after a failure, resume when the program offers it. An account holds 10,000 subjects
unless Zooniverse raises its quota.

## Workflow

Show all {pictures} pictures of a subject. Use one of these tasks, as the only task of its workflow:

- a **survey** or a **single question** "What is this?" whose choices are the classes below (Gravity Spy's survey codes, for example KOIFISH, are understood), or
- a **single question** "Is the label shown under (i) right?" with the answers `Yes`, `No` and `Not sure`.

The first is better: it also names the class of the glitch. Then volunteers need not see the label: rename the column `label` of the
manifest to `#label` before the upload. Retire a subject after 5 classifications. A decision needs at least three votes on a subject,
and two thirds of them must agree.

Classes:

{classes}
## Columns of manifest.csv

| column | volunteers see it | meaning |
|---|---|---|
| `Filename1`... | yes | the pictures |
| `date` | yes | UTC day, YYYYMMDD |
| `subject_id` | yes | Gravity Spy's id |
| `q_value` | yes | Q of the transform, where known |
| `label` | yes | the label in question |
| `#discover_subject` | no | key of the row: the import matches answers by it, so keep it |
| `#discover_audit` | no | the audit |

`unknown` marks a missing value. An apostrophe before `=`, `+`, `-` or `@` keeps spreadsheets from running the cell.

## Answers

Request the workflow's classification export (Lab, Data Exports). Then, in the folder that holds the study:

```sh
discover audit import classifications.csv
```

The controls are scored, the votes become label events, nothing is overwritten, and `discover audit undo` undoes the import.
"""
