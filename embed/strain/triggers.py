"""Triggers: the times at which a detector was loud, read from a table, given by hand, or found in the strain.

Tables are read by the column names of `embed.gravityspy.COLUMN_ALIASES` (the Zenodo CSVs, the old database, LDVW's
exports); position and number of columns never matter. Gravity Spy's own population is every Omicron trigger with a
signal-to-noise ratio above 7.5 and a peak frequency of 10 to 2048 Hz.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embed.csvfile import CsvFile
from embed.errors import InputError
from embed.gravityspy import COLUMN_ALIASES, ID_RULE, NUMBERS, gps_of_id, is_identifier
from embed.study.report import Skip

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

GPS_RANGE = (6.0e8, 2.0e9)
"""s, 1999 to 2043; a number outside it is no GPS time of a detector (2e9 and more: Unix time)."""

GPS_ALIASES = (*COLUMN_ALIASES["gps"], "time", "GPS", "peak_gps_time", "geocent_time")
"""Names of the column of GPS times, those of Omicron and search pipelines included."""


@dataclass(frozen=True)
class Trigger:
    """A time at which a detector was loud.

    Attributes
    ----------
    gps : float
        s.
    ifo : str
        Detector.
    gravityspy_id : str
        Gravity Spy's id, or the GPS time to nine decimals, as in Gravity Spy for glitches without an id.
    snr, peak_frequency, q_value : float or None
        Of the loudest tile (frequency in Hz); None where unknown.
    metadata : dict
        The table's other numbers, under our names.
    """

    gps: float
    ifo: str
    gravityspy_id: str
    snr: float | None = None
    peak_frequency: float | None = None
    q_value: float | None = None
    metadata: Mapping[str, float] | None = None


def trigger_at(gps: float, ifo: str) -> Trigger:
    """Make a trigger of a GPS time in seconds.

    Raises
    ------
    InputError
        When it is no GPS time.
    """
    return Trigger(_gps_time(gps), ifo, f"{gps:.9f}")


def read_triggers(path: str | os.PathLike[str], ifos: Iterable[str]) -> tuple[list[Trigger], list[Skip]]:
    """Read a CSV of triggers.

    Parameters
    ----------
    path : path
        UTF-8, with a header. A column of GPS times is needed; columns of detectors and ids are read where present.
    ifos : iterable of str
        Detectors with strain. A table without a detector column needs exactly one.

    Returns
    -------
    triggers : list of Trigger
        In the table's order, without repetitions of a detector and time.
    skipped : list of Skip
        Rows that are no triggers, as ``file:line``, and the reason.

    Raises
    ------
    InputError
        When the file is no readable CSV, a row has more or fewer cells than columns, there is no time column, or there is no
        detector column and several detectors.
    """
    path = Path(path)
    known = sorted(set(ifos))
    triggers: list[Trigger] = []
    skipped: list[Skip] = []
    seen: set[tuple[str, float]] = set()
    file = CsvFile(path, "a table of triggers: a CSV with a column of GPS times", skip_blanks=True)
    columns = _columns(path, file.columns, known)
    for row in file.rows():
        where = f"{path.name}:{row.line}"
        try:
            trigger = _trigger(row.cells, columns, known)
        except InputError as error:
            skipped.append(Skip(where, str(error)))
            continue
        if (trigger.ifo, trigger.gps) in seen:
            skipped.append(Skip(where, f"repeats {trigger.ifo} at GPS {trigger.gps:.9f}"))
            continue
        seen.add((trigger.ifo, trigger.gps))
        triggers.append(trigger)
    return triggers, skipped


def _columns(path: Path, header: Iterable[str], ifos: list[str]) -> dict[str, str]:
    """The file's name of each of our columns, empty where the file has none."""
    header = list(header)
    aliases = {**COLUMN_ALIASES, "gps": GPS_ALIASES}
    found = {ours: next((name for name in names if name in header), "") for ours, names in aliases.items()}
    shown = ", ".join(header[:12]) or "none"
    if not found["gps"] and not found["gps_seconds"]:
        raise InputError(
            f"{path} has no column of GPS times ({', '.join(GPS_ALIASES[:6])}, peak_time); its columns are: {shown}"
        )
    if not found["ifo"] and len(ifos) != 1:
        raise InputError(
            f"{path} has no detector column (ifo) and the strain is of {', '.join(ifos) or 'no detector'}; "
            "add the column, or give strain of one detector"
        )
    return found


def _trigger(row: Mapping[str, str], columns: Mapping[str, str], ifos: list[str]) -> Trigger:
    cells = {ours: row[name].strip() for ours, name in columns.items() if name}
    ifo = cells.get("ifo") or (ifos[0] if len(ifos) == 1 else "")
    if not re.fullmatch(r"[A-Z][0-9]", ifo):
        raise InputError(f"detector {ifo!r} is none (H1, L1, V1, K1, G1)")
    identifier = cells.get("gravityspy_id", "")
    if cells.get("gps_seconds"):  # seconds and nanoseconds keep more digits than their sum in one column does
        gps = _number(cells["gps_seconds"], "peak_time") + 1e-9 * _number(
            cells.get("gps_nanoseconds") or "0", "peak_time_ns"
        )
    elif cells.get("gps"):
        gps = _number(cells["gps"], columns["gps"])
    else:
        gps = gps_of_id(identifier) or math.nan
    gps = _gps_time(gps)
    identifier = identifier or f"{gps:.9f}"
    if not is_identifier(identifier):
        raise InputError(f"{identifier[:80]!r} cannot be an id ({ID_RULE})")
    numbers = {name: _number(cells[name], name) for name in NUMBERS if cells.get(name)}
    snr, frequency, q = (numbers.pop(name, None) for name in ("snr", "peak_frequency", "q_value"))
    return Trigger(gps, ifo, identifier, snr, frequency, q, numbers or None)


def _gps_time(gps: float) -> float:
    if not GPS_RANGE[0] < gps < GPS_RANGE[1]:
        raise InputError(f"{gps!r} is not a GPS time in seconds (such as 1126259462.4)")
    return gps


def _number(text: str, column: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{column} {text[:40]!r} is not a number") from error
    if not math.isfinite(value):
        raise InputError(f"{column} is {text[:40]!r}, not a finite number")
    return value
