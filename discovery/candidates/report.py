"""`report.html`: one clustering on one page: its settings, the clusters, what survives the sweep, and how to repeat it.

The page holds its pictures, loads nothing and prints well. Its script takes names for the clusters, and saves them as the CSV that
``discover name --from`` reads.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd
from markupsafe import Markup

from discovery.candidates.contactsheet import MAX_ROWS
from discovery.candidates.representatives import ClusterRow, cluster_rows
from discovery.certificates.certificate import NEW
from discovery.pages.columns import glitch_ids
from discovery.pages.gpstime import utc
from discovery.pages.page import NOTHING, PageShell, asset, rendered
from discovery.pages.thumbnails import chosen_view, data_uri, picture, png_uri, shrink
from embed.digits import portion, significant
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from discovery.candidates.dossier import Dossier
    from discovery.pages.palette import Mark
    from discovery.pages.thumbnails import Thumbnails

_LABELS = 4
"""Labels named for a cluster; the others are counted."""
_MEDOID = (268, 320)
"""Pixels of a medoid's picture, height and width: sharp at the 160 it is shown at, on screens of two pixels to one."""
_EXPLORER = "embedding.html"
"""The explorer page to which medoids link when it is beside the report."""
_SCRIPTS = ("explorer/pieces", "explorer/csvfile", "pages/kept", "candidates/names")
"""The page's scripts, in their order."""
_OPTIONAL = {
    "mean probability": "probability",
    "detectors": "ifo",
    "first and last": "gps",
    "given labels": "label",
    "predicted": "predicted",
}
"""Columns of the page's table that need a column of the glitches'."""


def report_html(
    table: pd.DataFrame,
    thumbnails: Thumbnails | None,
    *,
    title: str,
    asked: Mapping[str, object],
    sweep: pd.DataFrame | None = None,
    sheet: bytes | None = None,
    command: str = "",
    passport: Mapping[str, object] | None = None,
    cautions: Sequence[str] = (),
    beside: Sequence[str] = (),
    dossiers: Sequence[Dossier] = (),
    clustering: str = "",
    classes: Sequence[str] = (),
) -> str:
    """Write the report of one clustering.

    Parameters
    ----------
    table : DataFrame, N rows
        One row for each glitch: ``id`` and ``cluster`` (integers, -1 is noise); where present, ``ifo``, ``gps`` (seconds),
        ``probability``, ``medoid`` (bool), ``label`` (as given) and ``predicted``.
    thumbnails : Thumbnails or None
        One for each row, for the medoids' pictures.
    title : str
        Heading.
    asked : mapping of str to object
        The settings, in order: label, method, parameters.
    sweep : DataFrame, optional
        One row for each setting tried: the parameters and what they gave (clusters, noise, stability). A boolean column
        ``chosen``, if present, marks the setting used.
    sheet : bytes, optional
        The contact sheet, a PNG.
    command : str
        The command line that makes this again.
    passport : mapping of str to object, optional
        Seeds, versions, hashes, device.
    cautions : sequence of str
        What the reader must know first: glitches left out, unstable clusters.
    beside : sequence of str
        Names of files in the report's own folder to link to. With ``embedding.html`` among them every medoid links to
        its place on the map.
    dossiers : sequence of Dossier
        The clusters with their certificates, in the order in which they are shown.
    clustering : str
        What the names that are typed on the page are of: see `discovery.candidates.namefile.clustering_passport`; without it none can be typed.
    classes : sequence of str
        Names that are suggested.

    Returns
    -------
    str
        The page; write it as UTF-8. The same input gives the same text.

    Raises
    ------
    InputError
        If sizes disagree, the table has no clusters, a name in ``beside`` is not a plain file name, or ``sheet`` is no PNG.
    """
    ids = glitch_ids(table)
    rows = cluster_rows(table, 1)
    if thumbnails is not None and len(thumbnails) != len(table):
        raise InputError(f"{len(thumbnails)} glitches have pictures but the table has {len(table)} rows: give one each")
    if thumbnails is not None and thumbnails.empty:
        thumbnails = None
    table = table.drop(columns=[name for name in ("ifo", "gps") if _unknown(table, name)])
    optional = [shown for shown, name in _OPTIONAL.items() if name in table.columns]
    explorer = _EXPLORER if _EXPLORER in beside else ""
    return rendered(
        "candidates/report.html",
        shell=PageShell(title, beside, cautions, asked, command, passport or {}),
        found=_Found(
            clusters=sum(not row.is_noise for row in rows),
            glitches=len(table),
            noise=sum(row.group.count for row in rows if row.is_noise),
        ),
        caption=_caption(table, rows, thumbnails),
        dossiers=[_section(own, rows, ids) for own in dossiers],
        verdicts=_verdicts(dossiers),
        columns=["cluster", "medoid", "size", "share", *optional],
        clusters=[_cluster(row, table, ids, thumbnails, explorer=explorer) for row in rows],
        plain=thumbnails is not None and thumbnails.plain,
        sweep=_sweep(sweep),
        sheet=_sheet(sheet),
        most_rows=MAX_ROWS,
        shown={own.certificate.cluster for own in dossiers},
        clustering=clustering,
        classes=sorted(classes),
        scripts=[Markup("\n").join(["", *(asset(f"{name}.js") for name in _SCRIPTS)])] if clustering else [],
    )


def _unknown(table: pd.DataFrame, name: str) -> bool:
    """Whether a column is there and no row knows anything, as of plain pictures."""
    return name in table.columns and bool((table[name].isna() | (table[name].astype(str) == "")).all())


@dataclass(frozen=True)
class _Found:
    """What the page's first sentence says."""

    clusters: int
    glitches: int
    noise: int


@dataclass(frozen=True)
class _Section:
    """A dossier as the page shows it, with the file that shows all members, the cluster's mark and the ids of its most typical members."""

    dossier: Dossier
    sheet: str
    mark: Mark
    typical: list[str]


def _section(dossier: Dossier, rows: list[ClusterRow], ids: list[str]) -> _Section:
    own = dossier.certificate
    mark = next(row.group.mark for row in rows if row.number == own.cluster)
    return _Section(dossier, f"members-{own.cluster}.png", mark, [ids[row] for row in own.typical])


def _verdicts(dossiers: Sequence[Dossier]) -> list[tuple[str, int]]:
    """Count the verdicts, the most frequent last: what is new is read first."""
    counts = Counter(own.certificate.verdict for own in dossiers)
    return sorted(counts.items(), key=lambda item: (item[0] != NEW, item[1], item[0]))


@dataclass(frozen=True)
class _Counts:
    """Values with their counts, the most frequent first, and how many other values there are with how many members."""

    named: list[tuple[str, int]]
    others: int
    other_members: int


@dataclass(frozen=True)
class _Moment:
    """A time as the page writes it."""

    date: str
    time: str
    gps: str


@dataclass(frozen=True)
class _Times:
    """The first and the last time of a cluster (one where they are the same), and how many times are unknown."""

    known: list[_Moment]
    unknown: int


@dataclass(frozen=True)
class _Cluster:
    """A row of the page's table; parts that the glitches' table does not give are None."""

    number: int
    name: str
    mark: Mark
    is_noise: bool
    size: int
    probability: str | None
    medoid: str | None
    address: str
    picture: Markup | None
    detectors: _Counts | None
    when: _Times | None
    labels: _Counts | None
    predicted: _Counts | None


def _caption(table: pd.DataFrame, rows: list[ClusterRow], thumbnails: Thumbnails | None) -> str:
    parts = ["Noise is no cluster: members of it have no cluster that holds most of their nearest neighbours."]
    if "probability" in table.columns:
        parts.append(
            "Probability is the share of a glitch's nearest neighbours that are in its cluster, 0 to 1; noise has none."
        )
    if any(row.medoid is not None for row in rows) and thumbnails is not None:
        what = ""
        if not thumbnails.plain:
            what = f", {thumbnails.durations[chosen_view(thumbnails, None)]:g} s wide, 10 to 2048 Hz (log)"
        parts.append(f"The medoid is the member nearest to all others{what}.")
    return " ".join(parts)


def _cluster(
    row: ClusterRow, table: pd.DataFrame, ids: list[str], thumbnails: Thumbnails | None, *, explorer: str
) -> _Cluster:
    members = table[(table["cluster"] == row.number).to_numpy()]
    medoid = None if row.medoid is None else ids[row.medoid]
    pixels = None
    if row.medoid is not None and thumbnails is not None:
        pixels = picture(thumbnails, row.medoid, chosen_view(thumbnails, None))
    return _Cluster(
        number=row.number,
        name=row.group.name,
        mark=row.group.mark,
        is_noise=row.is_noise,
        size=row.group.count,
        probability=None if row.probability is None else portion(row.probability),
        medoid=medoid,
        address=f"{quote(explorer)}#id={quote(medoid, safe='')}" if explorer and medoid is not None else "",
        picture=None if pixels is None else png_uri(shrink(pixels, *_MEDOID)),
        detectors=_counts(members["ifo"], math.inf) if "ifo" in members else None,
        when=_times(members["gps"]) if "gps" in members else None,
        labels=_counts(members["label"], _LABELS) if "label" in members else None,
        predicted=_counts(members["predicted"], _LABELS) if "predicted" in members else None,
    )


def _counts(values: pd.Series, most: float) -> _Counts:
    """Count values, ties by name; missing ones are counted too."""
    counts = values.astype(object).where(values.notna(), "missing").astype(str).value_counts()
    ordered = sorted(((str(name), int(count)) for name, count in counts.items()), key=lambda item: (-item[1], item[0]))
    named = ordered if len(ordered) <= most + 1 else ordered[: int(most)]  # "1 more" would take the place of that one
    rest = ordered[len(named) :]
    return _Counts(named, len(rest), sum(count for _, count in rest))


def _times(gps: pd.Series) -> _Times:
    known = pd.to_numeric(gps, errors="coerce").dropna()
    ends = sorted({float(known.min()), float(known.max())}) if len(known) else []
    moments = [_Moment(utc(moment)[:10], utc(moment)[11:], f"{moment:.3f}") for moment in ends]
    return _Times(moments, len(gps) - len(known))


@dataclass(frozen=True)
class _Sweep:
    """The table of the settings tried: names of columns and whether they hold numbers; cells and whether a row was used."""

    columns: list[tuple[str, bool]]
    rows: list[tuple[list[str], bool]]
    any_chosen: bool


def _sweep(sweep: pd.DataFrame | None) -> _Sweep | None:
    if sweep is None or sweep.empty:
        return None
    chosen = sweep["chosen"].to_numpy(dtype=bool) if "chosen" in sweep.columns else np.zeros(len(sweep), bool)
    shown = sweep.drop(columns="chosen", errors="ignore")
    columns = [(str(name), pd.api.types.is_numeric_dtype(shown[name].dtype)) for name in shown.columns]
    cells = (
        [
            _share(value) if name == "noise" else _plain_number(value)
            for (name, _), value in zip(columns, row, strict=True)
        ]
        for row in shown.itertuples(index=False, name=None)
    )
    return _Sweep(columns, list(zip(cells, chosen.tolist(), strict=True)), bool(chosen.any()))


def _share(value: float) -> str:
    return f"{100 * value:.1f}\N{NO-BREAK SPACE}%"


def _plain_number(value: object) -> str:
    if isinstance(value, float | np.floating):
        return NOTHING if math.isnan(value) else significant(float(value), 4)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return NOTHING if value is None or value is pd.NA else str(value)


def _sheet(sheet: bytes | None) -> Markup | None:
    if sheet is None:
        return None
    if not sheet.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InputError(f"the contact sheet is no PNG: it begins with {sheet[:8]!r}")
    return data_uri("png", sheet)
