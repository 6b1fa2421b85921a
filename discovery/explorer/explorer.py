"""`embedding.html`: a map of the glitches in 3-D and in 2-D, each glitch with its own spectrograms, in one file that opens from disk.

The page needs no server and no network. It holds plotly.js, points, columns and neighbours as base64 typed arrays, and the spectrograms
as grey sheets that it colours by viridis itself (`discovery.pages.thumbnails` says how many pictures fit, `discovery.explorer.mapdata` how
many points; the page says what was left out). `explorer.html`, `explorer.css` and the scripts of `SCRIPTS` beside this file are its
template, look and behaviour; `pieces.js` and `views.css` are shared with the review app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from discovery.explorer.mapdata import (
    MAX_POINTS,
    BesideMap,
    checked_points,
    chosen_rows,
    class_codes,
    flat_map,
    packed_neighbours,
)
from discovery.pages.columns import column_for_page, column_kind, glitch_ids
from discovery.pages.gpstime import LEAP_SECONDS
from discovery.pages.page import asset, base64_array, content_policy, json_for_script, rendered, showable
from discovery.pages.thumbnails import MAX_PICTURES, Atlases, PicturePlan, Thumbnails, pack, plan_pictures
from embed.digits import counted
from embed.errors import InputError
from embed.study.nouns import nouns_of
from embed.views.viridis import table as viridis

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from embed.types import Vectors

_FIRST_COLUMNS = ("label", "predicted", "ifo", "gps", "run", "cluster", "probability")
"""Shown first and in this order when the table has them; other columns follow in the table's order."""


SCRIPTS = (
    *(
        "pieces",
        "mapdata",
        "view",
        "shown",
        "pictures",
        "plot",
        "legend",
        "filters",
        "timeline",
        "cards",
        "csvfile",
        "csv",
        "sheet",
    ),
    *("search", "address", "explorer"),
)
"""The page's scripts, in their order: each after those that it uses."""
SERVED = "served"
"""The last script of a page that the review app shows: it tells the app what is selected."""


def embedding_html(
    table: pd.DataFrame,
    coordinates: npt.NDArray[np.floating],
    thumbnails: Thumbnails | None,
    *,
    color: str,
    title: str,
    dims: int = 3,
    method: str = "",
    facts: Mapping[str, object] | None = None,
    beside: BesideMap | None = None,
    max_pictures: int = MAX_PICTURES,
    max_points: int = MAX_POINTS,
) -> str:
    """Write the explorer page.

    Parameters
    ----------
    table : DataFrame, N rows
        One row for each glitch. Column ``id`` is required (unique, or unique together with ``ifo``); ``label``, ``ifo``,
        ``gps`` (seconds), ``cluster`` (integers, -1 is noise) and ``probability`` are shown first; every column gives
        colours and filters, except text that names rows.
    coordinates : ndarray of floating, shape (N, dims)
        Position of each glitch, finite.
    thumbnails : Thumbnails or None
        One for each row. None makes a page without pictures, which says so.
    color : str
        The column to colour by at first.
    title : str
        Heading of the page.
    dims : {2, 3}
        A page of 3 dimensions also shows the flat map of `beside`, or where there is none its own principal plane; one of 2 is flat.
    method : str
        What the axes are, e.g. ``"UMAP"``; they become "UMAP 1", "UMAP 2", ...
    facts : mapping of str to object, optional
        What the caption states, in order: method and its parameters, seed, passport, command.
    beside : BesideMap, optional
        Flat map, neighbours, glitches that no sample leaves out, the audit.
    max_pictures : int
        Most pictures to carry, at most `discovery.pages.thumbnails.MAX_PICTURES`.
    max_points : int
        Most glitches to carry, at most `discovery.explorer.mapdata.MAX_POINTS`; of more a sample is shown, and the page says so.

    Returns
    -------
    str
        The page; write it as UTF-8. The same input gives the same text.

    Raises
    ------
    InputError
        If sizes disagree, ids are missing or repeated, coordinates are not finite, or ``color`` is no column to colour by.
    """
    if thumbnails is not None and len(thumbnails) != len(table):
        raise InputError(f"{len(thumbnails)} glitches have pictures but the table has {len(table)} rows: give one each")
    if not 0 <= max_pictures <= MAX_PICTURES:
        raise InputError(f"max_pictures is {max_pictures}: give 0 to {MAX_PICTURES}")
    if not 1 <= max_points <= MAX_POINTS:
        raise InputError(f"max_points is {max_points}: give 1 to {MAX_POINTS}")
    ids = glitch_ids(table)
    columns = _shown_columns(table, color)
    points = checked_points(coordinates, len(table), dims)
    beside = (beside or BesideMap()).checked(len(table))
    sample = chosen_rows(table[color], beside.keep, max_points)
    if sample is not None:
        ids, table, points = [ids[row] for row in sample], table.iloc[sample].reset_index(drop=True), points[sample]
        beside, thumbnails = beside.only(sample), None if thumbnails is None else thumbnails.only(sample)
    atlases, note = _pictures(table, thumbnails, color, max_pictures, beside.keep)
    if beside.served is not None:
        note = "The study's own."
    flat, about_flat = flat_map(points, beside.flat, method)
    plain = (thumbnails is not None and thumbnails.plain) or (beside.served is not None and beside.served.plain)
    one, many = nouns_of(plain=plain)
    data = {
        "n": len(table),
        "one": one,
        "many": many,
        "dims": dims,
        "method": showable(method),
        "title": showable(title),
        "ids": ids,
        "columns": [column_for_page(name, table[name]) for name in columns],
        "color": showable(color),
        "viridis": base64_array(viridis()),
        "leapSeconds": list(LEAP_SECONDS),
        "pictures": None if atlases is None or thumbnails is None else _picture_data(thumbnails, atlases),
        **_point_data(points, flat, beside),
        **({} if beside.served is None else beside.served.for_page()),
    }
    return _page(
        data,
        served=beside.served is not None,
        title=title,
        lede=_lede(table, dims, method),
        sampled="" if sample is None else f"{len(sample):,} of {len(coordinates):,} {many} are in this page",
        note=note,
        about_flat=about_flat if dims == 3 else "",
        facts=facts or {},
        sheets=() if atlases is None else atlases.sheets,
    )


def _shown_columns(table: pd.DataFrame, color: str) -> list[str]:
    """Return the columns in the order shown.

    Raises
    ------
    InputError
        If `color` is none of them, or text that names rows.
    """
    columns = [name for name in _FIRST_COLUMNS if name in table.columns]
    columns += [name for name in table.columns if name not in (*columns, "id")]
    usable = [str(name) for name in columns if column_kind(name, table[name]) != "text"]
    if color not in usable:
        raise InputError(f"cannot colour by {color!r}: choose one of {', '.join(usable) or 'no column of this table'}")
    return columns


def _page(data: Mapping[str, Any], *, served: bool, **shown: object) -> str:
    """Fill the template: its scripts, their hashes and the data; the rest is text."""
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - megabytes that only this page needs

    # The line breaks belong to the hashed text: a script element's text is all that is between its tags.
    plotly = Markup(f"\n{get_plotlyjs()}\n")  # noqa: S704 - a library
    names = (*SCRIPTS, SERVED) if served else SCRIPTS
    behaviour = Markup("\n").join(["", *(asset(f"explorer/{name}.js") for name in names), ""])
    return rendered(
        "explorer/explorer.html",
        # plotly's flat WebGL plots compile their drawing commands with Function().
        policy=content_policy([plotly, behaviour], code_from_text=True, own_pictures=served),
        served=served,
        count=data["n"],
        one=data["one"],
        many=data["many"],
        data=json_for_script(data),
        plotly=plotly,
        behaviour=behaviour,
        **shown,
    )


def _point_data(points: Vectors, flat: Vectors, beside: BesideMap) -> dict[str, Any]:
    """Return what the page's script must know of the points."""
    return {
        "coordinates": base64_array(points.T),
        "flat": base64_array(flat.T) if points.shape[1] == 3 else "",
        "neighbours": packed_neighbours(beside.neighbours),
        "audit": showable(beside.audit),
    }


def _picture_data(thumbnails: Thumbnails, atlases: Atlases) -> dict[str, Any]:
    """Return what the page's script must know of the sheets."""
    return {
        "durations": [float(duration) for duration in thumbnails.durations],
        "plain": thumbnails.plain,
        "slots": base64_array(atlases.slots),
        "height": atlases.height,
        "width": atlases.width,
        "pitchY": atlases.pitch_y,
        "pitchX": atlases.pitch_x,
        "across": atlases.across,
        "down": atlases.down,
    }


def _lede(table: pd.DataFrame, dims: int, method: str) -> str:
    """Say in a line what the map shows; with clusters, how much noise there is."""
    parts = [f"{method or 'projection'} in {'3-D and 2-D' if dims == 3 else '2-D'}"]
    if "cluster" in table.columns and pd.api.types.is_integer_dtype(table["cluster"].dtype):
        clustered = int(table["cluster"].notna().sum())
        noise = int((table["cluster"] == -1).sum())
        clusters = int(table["cluster"].nunique()) - (noise > 0)
        of = f" of {clustered:,} clustered" if clustered < len(table) else ""
        parts += [f"{counted(clusters, 'cluster', 'clusters')}{of}"]
        parts += [f"noise {noise:,} ({100 * noise / max(clustered, 1):.0f} %)"]
    return " · ".join(parts)


def _pictures(
    table: pd.DataFrame,
    thumbnails: Thumbnails | None,
    color: str,
    max_pictures: int,
    first: npt.NDArray[np.bool_] | None,
) -> tuple[Atlases | None, str]:
    """Pack the pictures that fit, and say how many did not."""
    if thumbnails is None or thumbnails.empty:
        return None, "This page holds no pictures."
    groups = class_codes(table[color])
    plan = plan_pictures(thumbnails.present, groups, limit=max_pictures, first=first)
    atlases = pack(thumbnails, plan)
    return atlases, _picture_note(thumbnails, plan, atlases)


def _picture_note(thumbnails: Thumbnails, plan: PicturePlan, atlases: Atlases) -> str:
    had, kept = int(thumbnails.present.sum()), int(plan.keep.sum())
    size = f"{atlases.width} by {atlases.height} pixels"
    how = "exact" if atlases.exact else "shrunk" if plan.quality is None else "shrunk and compressed (JPEG), not exact"
    note = f"{kept:,} {'pictures' if thumbnails.plain else 'spectrograms'} of {size}, {how}."
    if kept < had:
        glitches = int(plan.keep.any(axis=1).sum())
        note += f" {had - kept:,} of {had:,} were left out to keep this page small"
        note += (
            ", and those kept are spread evenly over the classes; medoids, flagged and odd ones are among them."
            if thumbnails.plain
            else f": {glitches:,} of {len(thumbnails):,} glitches have a picture here, one duration each, spread evenly over the classes; medoids, flagged and odd glitches kept theirs."
        )
    return note
