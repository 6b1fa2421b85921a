"""Gravity Spy's metadata and machine-classification tables (CSV) into glitches, metadata and label events.

The columns are found by name through the aliases of `embed.gravityspy.COLUMN_ALIASES`; position and number of columns
never matter (the published files disagree about both).
"""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from embed.csvfile import neutralised, restored
from embed.errors import InputError
from embed.gravityspy import COLUMN_ALIASES, class_name, gps_of_id, is_identifier, parse_view_name
from embed.ingest.typos import warn_of_typos
from embed.storage import check_regular
from embed.study.records import MODEL, Label
from embed.study.report import IngestReport
from embed.study.study import Study
from embed.types import Progress

MAX_CELL = 10_000
"""Longest cell in characters; the longest that Gravity Spy publishes is a URL of about 120."""

CHUNK = 20_000
"""Rows per transaction."""

_NUMBERS = ("peak_frequency", "central_frequency", "bandwidth", "duration", "snr", "amplitude", "q_value")
_TEXTS = ("sample_type", "generated", "url1", "url2", "url3", "url4")
_NO_URL = ("", "?")
_NOT_GENERATED = ("0", "no", "false")


def ingest_table(study: Study, path: Path, *, progress: Progress | None = None) -> IngestReport:
    """Add a metadata or classification CSV: glitches (with or without images), metadata, label events.

    A ``label`` column becomes a label event by ``metadata``, ``ml_label`` with ``ml_confidence`` one by ``model``.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    path : Path
        The CSV file, UTF-8.
    progress : callable, optional
        Called with (rows done, 0).

    Raises
    ------
    InputError
        When the file is no readable CSV, is not UTF-8, or lacks an id column.
    """
    report = IngestReport()
    done = 0
    with warn_of_typos(study, report):
        for chunk, names in _read(path, required=("gravityspy_id",)):
            with study.transaction():
                for number, row in _rows(chunk, names, path, report):
                    _add_row(study, row, f"{path.name}:{number}", path, report)
            done += len(chunk)
            if progress is not None:
                progress(done, 0)
    return report


def ingest_labels(
    study: Study, path: Path, *, column: str = "label", by: str = "person", progress: Progress | None = None
) -> IngestReport:
    """Add the labels of a CSV as label events to glitches that the study has; nothing is overwritten.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    path : Path
        A CSV with an id column and the label column; several rows of one glitch may agree, as one row a view does.
    column : str
        The label column.
    by : str
        The author of the events.
    progress : callable, optional
        Called with (rows done, 0).

    Raises
    ------
    InputError
        When the file is no readable CSV, is not UTF-8, or lacks the id or the label column.
    """
    report = IngestReport()
    said: dict[int, str] = {}
    done = 0
    with warn_of_typos(study, report):
        for chunk, names in _read(path, required=("gravityspy_id",), also=(column,)):
            with study.transaction():
                for number, row in _rows(chunk, names, path, report):
                    label = Label(class_name(row[column]), by=by, source=path.name)
                    _label_row(study, row, f"{path.name}:{number}", label, said=said, report=report)
            done += len(chunk)
            if progress is not None:
                progress(done, 0)
    return report


def _read(
    path: Path, *, required: tuple[str, ...], also: tuple[str, ...] = ()
) -> Iterator[tuple[pd.DataFrame, dict[str, str]]]:
    """Chunks of a CSV as text, and the file's name of each of our columns."""
    check_regular(path)
    try:
        header = list(pd.read_csv(path, nrows=0, dtype=str, encoding="utf-8-sig").columns)
        names = {
            ours: found
            for ours, aliases in COLUMN_ALIASES.items()
            if (found := next((name for name in aliases if name in header), None))
        }
        for name in required:
            if name not in names:
                raise InputError(
                    f"{path} has no column {' or '.join(COLUMN_ALIASES[name])}; its columns are: {_some(header)}"
                )
        for name in also:
            if name not in header:
                raise InputError(f"{path} has no column {name!r}; its columns are: {_some(header)}")
            names[name] = name
        with (
            warnings.catch_warnings(action="error", category=pd.errors.ParserWarning),  # rows longer than the header
            pd.read_csv(
                path,
                dtype=str,
                encoding="utf-8-sig",
                keep_default_na=False,
                index_col=False,
                chunksize=CHUNK,
                skipinitialspace=True,
            ) as reader,
        ):
            for chunk in reader:
                yield chunk, names
    except UnicodeDecodeError as error:
        where = f"byte 0x{error.object[error.start]:02x} at position {error.start}"
        raise InputError(
            f"{path} is not UTF-8 ({where}); convert it, for instance with `iconv -f LATIN1 -t UTF-8`"
        ) from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise InputError(
            f"{path} is not a readable CSV ({str(error).strip()}); every row needs the header's columns"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error


def _some(names: list[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:12])
    return shown + (f", and {len(names) - 12} more" if len(names) > 12 else "")


def _rows(
    chunk: pd.DataFrame, names: dict[str, str], path: Path, report: IngestReport
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows under our names, with their line in the file; rows with a cell that is too long are listed and left out."""
    ours = list(names)
    table = chunk[[names[name] for name in ours]]
    for number, values in zip(table.index.to_numpy() + 2, table.itertuples(index=False, name=None), strict=True):
        row = {name: _unquoted(value) for name, value in zip(ours, values, strict=True)}
        long = next((name for name, value in row.items() if len(value) > MAX_CELL), None)
        if long is not None:
            report.skip(
                f"{path.name}:{number}",
                f"its cell {names[long]!r} has {len(row[long])} characters, the limit is {MAX_CELL}",
            )
            continue
        yield int(number), row


def _unquoted(text: str) -> str:
    """Undo `neutralised` in a cell of one of our own tables; text that no table of ours holds stays."""
    plain = restored(text) if "'" in text else text
    return plain if neutralised(plain) == text else text


def _identity(row: dict[str, str]) -> tuple[str, str | None]:
    """Gravity Spy id and detector of a row; the id may carry the detector (``H1_abc``), and a file name is an id too."""
    text, ifo = row["gravityspy_id"].strip(), row.get("ifo", "").strip() or None
    name = parse_view_name(Path(text))
    if name is not None:
        return name.gravityspy_id, name.ifo
    head, _, tail = text.partition("_")
    if tail and len(head) == 2 and head[0].isupper() and head[1].isdigit() and ifo in (None, head):
        return tail, head
    return text, ifo


def _gps(row: dict[str, str], identifier: str) -> float | None:
    if "gps_seconds" in row and row.get("gps_seconds"):
        seconds = _number(row["gps_seconds"], "peak_time")
        return seconds + 1e-9 * _number(row.get("gps_nanoseconds") or "0", "peak_time_ns")
    if row.get("gps"):
        return _number(row["gps"], "event_time")
    return gps_of_id(identifier)


def _number(text: str, column: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{column} {text[:40]!r} is not a number") from error
    if not math.isfinite(value):
        raise InputError(f"{column} is {text[:40]!r}, not a finite number; leave the cell empty where it is unknown")
    return value


def _add_row(study: Study, row: dict[str, str], where: str, path: Path, report: IngestReport) -> None:
    identifier, ifo = _identity(row)
    if not is_identifier(identifier):
        report.skip(where, f"{identifier[:80]!r} cannot be an id (letters, digits and . _ + - ( ) only)")
        return
    try:
        metadata: dict[str, Any] = {name: _number(row[name], name) for name in _NUMBERS if row.get(name)}
        metadata |= {name: row[name] for name in _TEXTS if row.get(name, "") not in _NO_URL}
        if metadata.get("generated", "").lower() in _NOT_GENERATED:
            del metadata["generated"]
        confidence = _number(row["machine_confidence"], "ml_confidence") if row.get("machine_confidence") else None
        glitch, added = study.add_glitch(identifier, ifo, _gps(row, identifier), metadata)
    except InputError as error:
        report.skip(where, str(error))
        return
    events = 0
    if row.get("given"):
        events += study.add_label(glitch, Label(class_name(row["given"]), by="metadata", source=path.name))
    if row.get("machine"):
        events += study.add_label(
            glitch, Label(class_name(row["machine"]), by=MODEL, source="gravityspy", confidence=confidence)
        )
    report.glitches += added
    report.labels += events
    report.unchanged += not added and events == 0


def _label_row(
    study: Study, row: dict[str, str], where: str, label: Label, *, said: dict[int, str], report: IngestReport
) -> None:
    identifier, ifo = _identity(row)
    if not label.label:
        report.skip(where, f"no label for {identifier[:80]!r}")
        return
    try:
        glitch = study.find_glitch(identifier, ifo)
    except InputError as error:
        report.skip(where, str(error))
        return
    if glitch is None:
        report.skip(where, f"id {identifier[:80]!r} is not in the study")
    elif said.setdefault(glitch, label.label) != label.label:
        report.skip(
            where, f"{identifier!r} is {said[glitch]!r} in an earlier row and {label.label!r} here; keep one of them"
        )
    elif study.add_label(glitch, label):
        report.labels += 1
    else:
        report.unchanged += 1
