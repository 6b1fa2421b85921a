"""`report.html`: one clustering told on one page: what was asked, what came out, what survives the sweep, how to do it again.

The page holds its pictures, loads nothing, runs no script and prints well.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd

from discovery.candidates.contactsheet import MAX_ROWS, ClusterRow, chosen_view, cluster_rows, picture
from discovery.pages.columns import Group, glitch_ids
from discovery.pages.gpstime import utc
from discovery.pages.page import PageShell, escaped, render_page
from discovery.pages.thumbnails import Thumbnails, png_uri, shrink
from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

#: Labels named for a cluster; the others are counted.
_LABELS = 4
#: Pixels of a medoid's picture: sharp at the 160 it is shown at, on screens of two pixels to one.
_MEDOID = (268, 320)
#: The explorer page that medoids link to when it lies beside the report.
_EXPLORER = "embedding.html"
_NOTHING = "\N{EN DASH}"


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
) -> str:
    """Write the report of one clustering.

    Parameters
    ----------
    table : DataFrame, N rows
        One glitch a row: ``id`` and ``cluster`` (integers, -1 is noise); where there, ``ifo``, ``gps`` (seconds),
        ``probability``, ``medoid`` (bool), ``label`` (as given) and ``predicted``.
    thumbnails : Thumbnails or None
        One for each row, for the medoids' pictures.
    title : str
        Heading.
    asked : mapping of str to object
        What was asked for, in order: label, method, parameters.
    sweep : DataFrame, optional
        One row a setting tried: the parameters' values and what came of them (clusters, noise, stability). A boolean
        column ``chosen``, if there, marks the setting used.
    sheet : bytes, optional
        The contact sheet, a PNG.
    command : str
        The command line that gives this again.
    passport : mapping of str to object, optional
        Seeds, versions, hashes, device.
    cautions : sequence of str
        What the reader must know first: glitches left out, unstable clusters.
    beside : sequence of str
        Names of files in the report's own folder to link to. With ``embedding.html`` among them every medoid links to
        its place on the map.

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
    columns = _shown_columns(table)
    explorer = _EXPLORER if _EXPLORER in beside else ""
    return render_page(
        "candidates/report.html",
        {
            "clusters_caption": _clusters_caption(table, rows, thumbnails),
            "clusters_head": "".join(f"<th{_side(column)}>{column}</th>" for column in columns),
            "clusters": "\n".join(_cluster_row(row, table, ids, thumbnails, columns, explorer) for row in rows),
            "sweep": _sweep(sweep),
            "sheet": _sheet(sheet),
        },
        PageShell(title, beside, cautions, asked, command, passport or {}),
        lede=_lede(table, rows),
    )


_NUMBERS = {"size", "share", "mean probability"}


def _shown_columns(table: pd.DataFrame) -> list[str]:
    optional = {
        "mean probability": "probability",
        "detectors": "ifo",
        "first and last": "gps",
        "given labels": "label",
        "predicted": "predicted",
    }
    return ["cluster", "medoid", "size", "share", *(shown for shown, name in optional.items() if name in table.columns)]


def _side(column: str) -> str:
    return ' class="number"' if column in _NUMBERS else ""


def _lede(table: pd.DataFrame, rows: list[ClusterRow]) -> str:
    clusters = sum(not row.is_noise for row in rows)
    noise = sum(row.group.count for row in rows if row.is_noise)
    found = f"<b>{clusters:,}</b> {'cluster' if clusters == 1 else 'clusters'}"
    among = f"<b>{len(table):,}</b> {'glitch' if len(table) == 1 else 'glitches'}"
    return f"{found} among {among}; noise <b>{noise:,}</b> ({100 * noise / len(table):.0f} %), which belongs to none of them."


def _clusters_caption(table: pd.DataFrame, rows: list[ClusterRow], thumbnails: Thumbnails | None) -> str:
    parts = ["Noise is no cluster: its glitches were not given to the nearest one."]
    if "probability" in table.columns:
        parts.append("Probability is the strength of membership that the method gives, 0 to 1; noise has none.")
    if any(row.medoid is not None for row in rows) and thumbnails is not None:
        what = (
            ""
            if thumbnails.plain
            else f", {thumbnails.durations[chosen_view(thumbnails, None)]:g} s wide, 10 to 2048 Hz (log)"
        )
        parts.append(f"The medoid is the member nearest to all others{what}.")
    return escaped(" ".join(parts))


def _cluster_row(
    row: ClusterRow,
    table: pd.DataFrame,
    ids: list[str],
    thumbnails: Thumbnails | None,
    columns: list[str],
    explorer: str,
) -> str:
    number = -1 if row.is_noise else int(table["cluster"].iloc[row.members[0]])
    members = table[(table["cluster"] == number).to_numpy()]
    cells = {
        "cluster": f'<th scope="row">{_swatch(row.group)}{escaped(row.group.name)}</th>',
        "medoid": _medoid_cell(row, ids, thumbnails, explorer),
        "size": f'<td class="number">{row.group.count:,}</td>',
        "share": f'<td class="number">{100 * row.group.count / len(table):.1f} %</td>',
        "mean probability": f'<td class="number">{_NOTHING if row.probability is None else f"{row.probability:.2f}"}</td>',
    }
    if "detectors" in columns:
        cells["detectors"] = f"<td>{_counts(members['ifo'], math.inf)}</td>"
    if "first and last" in columns:
        cells["first and last"] = f'<td class="when">{_when(members["gps"])}</td>'
    for shown, name in (("given labels", "label"), ("predicted", "predicted")):
        if shown in columns:
            cells[shown] = f'<td class="labels">{_counts(members[name], _LABELS)}</td>'
    kind = ' class="noise"' if row.is_noise else ""
    return f"<tr{kind}>{''.join(cells[column] for column in columns)}</tr>"


def _medoid_cell(row: ClusterRow, ids: list[str], thumbnails: Thumbnails | None, explorer: str) -> str:
    if row.medoid is None:
        return f'<td class="medoid">{_NOTHING}</td>'
    name = f"<code>{escaped(ids[row.medoid])}</code>"
    if explorer:
        address = f"{quote(explorer)}#id={quote(ids[row.medoid], safe='')}"
        name = f'<a href="{escaped(address)}">{name}</a>'
    pixels: npt.NDArray[np.uint8] | None = None
    plain = ""
    if thumbnails is not None:
        pixels = picture(thumbnails, row.medoid, chosen_view(thumbnails, None))
        plain = " plain" if thumbnails.plain else ""
    image = (
        ""
        if pixels is None
        else f'<img alt="medoid of {escaped(row.group.name)}" src="{png_uri(shrink(pixels, *_MEDOID))}">'
    )
    return f'<td class="medoid{plain}">{image}{name}</td>'


def _counts(values: pd.Series, most: float) -> str:
    """List values with their counts, the most frequent first, ties by name; what is missing is counted too."""
    counts = values.astype(object).where(values.notna(), "missing").astype(str).value_counts()
    ordered = sorted(((str(name), int(count)) for name, count in counts.items()), key=lambda item: (-item[1], item[0]))
    named = ordered if len(ordered) <= most + 1 else ordered[: int(most)]  # "1 more" would take the place of that one
    shown = [f"<li>{escaped(name)} <small>{count:,}</small></li>" for name, count in named]
    if rest := ordered[len(named) :]:
        members = sum(count for _, count in rest)
        shown.append(f"<li><small>{len(rest):,} more, {members:,}</small></li>")
    return f'<ul class="plain">{"".join(shown)}</ul>'


def _when(gps: pd.Series) -> str:
    known = pd.to_numeric(gps, errors="coerce").dropna()
    if known.empty:
        return "no times known"
    lines = [
        f"<li>{utc(moment)[:10]} <small>{utc(moment)[11:]}</small><br><small>GPS {moment:.3f}</small></li>"
        for moment in sorted({float(known.min()), float(known.max())})
    ]
    if len(known) < len(gps):
        lines.append(f"<li><small>{len(gps) - len(known):,} of unknown time</small></li>")
    return f'<ul class="plain">{"".join(lines)}</ul>'


def _swatch(group: Group) -> str:
    """Draw a group's mark for both grounds; the style sheet shows one."""
    shapes = {
        "circle": '<circle cx="8" cy="8" r="5.5"/>',
        "diamond": '<path d="M8 1.5 14.5 8 8 14.5 1.5 8Z"/>',
        "square": '<path d="M3 3h10v10H3Z"/>',
        "cross": '<path d="M6 2h4v4h4v4h-4v4H6v-4H2V6h4Z"/>',
    }
    shape = shapes[group.mark.symbol.removesuffix("-open")]
    is_open = group.mark.symbol.endswith("-open")
    return "".join(
        f'<svg class="{ground}" viewBox="0 0 16 16" aria-hidden="true" '
        + (f'fill="none" stroke="{colour}" stroke-width="2.2"' if is_open else f'fill="{colour}"')
        + f">{shape}</svg>"
        for ground, colour in (("light", group.mark.light), ("dark", group.mark.dark))
    )


def _sweep(sweep: pd.DataFrame | None) -> str:
    if sweep is None or sweep.empty:
        return ""
    chosen = sweep["chosen"].to_numpy(dtype=bool) if "chosen" in sweep.columns else np.zeros(len(sweep), bool)
    shown = sweep.drop(columns="chosen", errors="ignore")
    numeric = [pd.api.types.is_numeric_dtype(shown[name].dtype) for name in shown.columns]
    side = [' class="number"' if is_number else "" for is_number in numeric]
    head = "".join(f"<th{s}>{escaped(name)}</th>" for name, s in zip(shown.columns, side, strict=True))
    body = "\n".join(
        ('<tr class="chosen">' if used else "<tr>")
        + "".join(f"<td{s}>{escaped(_plain_number(value))}</td>" for value, s in zip(values, side, strict=True))
        + "</tr>"
        for values, used in zip(shown.itertuples(index=False, name=None), chosen, strict=True)
    )
    note = (
        "The setting used is marked."
        if chosen.any()
        else "What stays the same from row to row does not hang on one setting."
    )
    return (
        f'<section><h2>The sweep</h2><div class="scroll sweep"><table><caption>{note}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


def _plain_number(value: object) -> str:
    if isinstance(value, float | np.floating):
        return _NOTHING if math.isnan(value) else f"{value:.4g}"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return _NOTHING if value is None or value is pd.NA else str(value)


def _sheet(sheet: bytes | None) -> str:
    if sheet is None:
        return ""
    if not sheet.startswith(b"\x89PNG\r\n\x1a\n"):
        raise InputError(f"the contact sheet is no PNG: it begins with {sheet[:8]!r}")
    uri = "data:image/png;base64," + base64.b64encode(sheet).decode("ascii")
    caption = (
        "A row a cluster: the medoid first, then the members of highest probability; noise last, sampled evenly. "
        f"At most {MAX_ROWS} clusters are drawn."
    )
    image = f'<img alt="Contact sheet of the clusters" src="{uri}">'
    return f"<section><h2>Contact sheet</h2><figure>{image}<figcaption>{caption}</figcaption></figure></section>"
