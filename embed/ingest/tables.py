"""Gravity Spy's metadata and machine-classification tables (CSV or Parquet) into glitches, metadata and label events.

The columns are found by name through the aliases of `embed.gravityspy.COLUMN_ALIASES`; position and number of columns
never matter (the published files disagree about both).
"""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from embed.errors import InputError
from embed.gravityspy import COLUMN_ALIASES, ID_RULE, NUMBERS, class_name, gps_of_id, is_identifier, parse_view_name
from embed.ingest.labelchanges import compare_labels
from embed.ingest.tablefile import misspelt, read_chunks, table_rows
from embed.study.records import MODEL, Label
from embed.study.report import IngestReport
from embed.study.study import Study
from embed.types import Progress

_TEXTS = ("sample_type", "generated", "url1", "url2", "url3", "url4")
_NO_URL = ("", "?")
_NOT_GENERATED = ("0", "no", "false")


class TableRow(NamedTuple):
    """What a row says of its glitch; `gps` are seconds, `confidence` is a machine label's."""

    gravityspy_id: str
    ifo: str | None
    gps: float | None
    metadata: dict[str, Any]
    confidence: float | None

    @property
    def id(self) -> str:
        """The id with the detector, where there is one."""
        return f"{self.ifo}_{self.gravityspy_id}" if self.ifo else self.gravityspy_id


def ingest_table(
    study: Study, path: Path, *, without: Collection[str] | None = None, progress: Progress | None = None
) -> IngestReport:
    """Add a metadata or classification table: glitches (with or without images), metadata, label events.

    A ``label`` column becomes a label event by ``metadata``, ``ml_label`` with ``ml_confidence`` one by ``model``.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    path : Path
        The CSV file, UTF-8, or a Parquet file.
    without : collection of str, optional
        Keep every further column but these as metadata; by default no further one is kept.
    progress : callable, optional
        Called with (rows done, 0).

    Raises
    ------
    InputError
        When the file is no readable CSV, is not UTF-8, or lacks an id column.
    """
    report = IngestReport()
    done = 0
    with compare_labels(study, report):
        for chunk, names in read_chunks(path, required=("gravityspy_id",), without=without):
            if not done:
                report.warnings += [f"{path}: {warning}" for warning in misspelt(chunk.columns, names)]
            with study.transaction():
                for number, row in table_rows(chunk, names, path, report):
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
    with compare_labels(study, report):
        for chunk, names in read_chunks(path, required=("gravityspy_id",), also=(column,)):
            with study.transaction():
                for number, row in table_rows(chunk, names, path, report):
                    label = Label(class_name(row[column]), by=by, source=path.name)
                    _label_row(study, row, f"{path.name}:{number}", label, said=said, report=report)
            done += len(chunk)
            if progress is not None:
                progress(done, 0)
    return report


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


def parse_row(row: dict[str, str]) -> TableRow:
    """Read a row, as `embed.ingest.tablefile.table_rows` yields it.

    Raises
    ------
    InputError
        When its id cannot be one, or a number is none.
    """
    identifier, ifo = _identity(row)
    if not is_identifier(identifier):
        raise InputError(f"{identifier[:80]!r} cannot be an id ({ID_RULE})")
    metadata: dict[str, Any] = {name: _number(row[name], name) for name in NUMBERS if row.get(name)}
    metadata |= {name: row[name] for name in _TEXTS if row.get(name, "") not in _NO_URL}
    metadata |= {name: _value(text) for name, text in row.items() if name not in COLUMN_ALIASES and text}
    if metadata.get("generated", "").lower() in _NOT_GENERATED:
        del metadata["generated"]
    confidence = _number(row["machine_confidence"], "ml_confidence") if row.get("machine_confidence") else None
    return TableRow(identifier, ifo, _gps(row, identifier), metadata, confidence)


def _value(text: str) -> float | str:
    """A number where it is one; NaN and infinity, which JSON lacks, stay text."""
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def _add_row(study: Study, row: dict[str, str], where: str, path: Path, report: IngestReport) -> None:
    changes = study.connection.total_changes
    try:
        said = parse_row(row)
        glitch, added = study.add_glitch(said.gravityspy_id, said.ifo, said.gps, said.metadata)
    except InputError as error:
        report.skip(where, str(error))
        return
    completed = not added and study.connection.total_changes > changes
    events = 0
    if row.get("given"):
        events += study.add_label(glitch, Label(class_name(row["given"]), by="metadata", source=path.name))
    if row.get("machine"):
        events += study.add_label(
            glitch, Label(class_name(row["machine"]), by=MODEL, source="gravityspy", confidence=said.confidence)
        )
    report.glitches += added
    report.labels += events
    report.completed += completed
    report.unchanged += not added and not completed and events == 0


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
