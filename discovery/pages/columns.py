"""The columns of a table of glitches as a page needs them: coded classes with their marks, numbers, or plain text.

A class is never dropped and noise is never hidden: cluster -1 is the class ``noise``, a missing value is the class
``missing`` (of clusters ``not clustered``), and when there are more classes than marks the smallest share one called ``other``, which says how many it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from discovery.pages.page import base64_array, showable
from discovery.pages.palette import MAX_MARKS, NOISE_MARK, Mark, class_marks
from embed.errors import InputError

if TYPE_CHECKING:
    from embed.types import Codes

_MAX_INTEGER_CLASSES = 30
"""Integers with more different values than this are coloured as numbers, on a scale."""
_MIN_TEXT_VALUES, _TEXT_SHARE = MAX_MARKS, 0.1
"""Text with more different values than both this number and this share of the rows names rows, not classes."""
_MISSING_MARK = Mark(NOISE_MARK.light, NOISE_MARK.dark, "cross")


@dataclass(frozen=True)
class Group:
    """One line of the legend.

    Attributes
    ----------
    name : str
        ``noise``, ``missing`` or ``not clustered``, ``other (12 classes)``, or the class.
    mark : Mark
    count : int
        Glitches in it.
    """

    name: str
    mark: Mark
    count: int


@dataclass(frozen=True)
class Classes:
    """A column of classes.

    Attributes
    ----------
    names : tuple of str
        Every class, in the order of the legend.
    codes : ndarray of int64, shape (N,)
        Index into ``names`` for each row.
    groups : tuple of Group
        The legend; as long as ``names`` unless classes had to share a mark.
    group_of : ndarray of int64, shape (len(names),)
        Index into ``groups`` for each class.
    """

    names: tuple[str, ...]
    codes: Codes
    groups: tuple[Group, ...]
    group_of: Codes


def glitch_ids(table: pd.DataFrame) -> list[str]:
    """Return the id of each glitch on pages.

    Parameters
    ----------
    table : DataFrame, N rows
        With column ``id``; where ids repeat, ``ifo`` is needed too.

    Returns
    -------
    list of str, length N
        Column ``id``, or ``<ifo>_<id>`` when some id is in more than one row.

    Raises
    ------
    InputError
        If a column is missing or doubled, the table is empty, or an id is missing or belongs to two glitches of one detector.
    """
    if not table.columns.is_unique:
        raise InputError(f"the table has two columns {str(table.columns[table.columns.duplicated()][0])!r}: drop one")
    if "id" not in table.columns:
        raise InputError(f"the table has no column 'id', only {', '.join(map(str, table.columns)) or 'none'}: add it")
    if table.empty:
        raise InputError("the table has 0 glitches: there is nothing to show")
    if table["id"].isna().any():
        raise InputError(f"row {int(np.flatnonzero(table['id'].isna())[0])} has no id: give every glitch one")
    ids = table["id"].astype(str)
    if not ids.is_unique and "ifo" in table.columns:
        ids = table["ifo"].astype(str) + "_" + ids
    if not ids.is_unique:
        raise InputError(f"id {ids[ids.duplicated()].iloc[0]!r} is in more than one row: give every glitch one row")
    return [showable(text) for text in ids]


def is_cluster_column(name: object, column: pd.Series) -> bool:
    """Return whether a column holds cluster numbers, in which -1 is noise: integers, in a column called ``cluster...``."""
    return str(name).lower().startswith("cluster") and pd.api.types.is_integer_dtype(column.dtype)


def column_kind(name: object, column: pd.Series) -> str:
    """Return how a column is shown: ``"class"``, ``"number"`` (on a scale) or ``"text"`` (gives no colours)."""
    distinct = column.nunique()
    if is_cluster_column(name, column) or pd.api.types.is_bool_dtype(column.dtype):
        return "class"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "class" if distinct <= _MAX_INTEGER_CLASSES else "number"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    return "class" if distinct <= max(_MIN_TEXT_VALUES, _TEXT_SHARE * len(column)) else "text"


def classes(name: object, column: pd.Series) -> Classes:
    """Code a column of classes and assign each its mark.

    Parameters
    ----------
    name : object
        The column's name.
    column : Series, length N

    Returns
    -------
    Classes
        Clusters by number and then noise; other classes by size, ties by name; ``missing`` last.
    """
    clusters = is_cluster_column(name, column)
    keys = column.to_numpy(dtype=object)
    absent = pd.isna(column).to_numpy()
    counts = column[~absent].value_counts()
    noise = counts.get(-1, 0) if clusters else 0
    found = [key for key in counts.index if not (clusters and key == -1)]
    found.sort(key=(lambda key: key) if clusters else (lambda key: (-int(counts[key]), str(key))))
    largest_first = sorted(range(len(found)), key=lambda place: (-int(counts[found[place]]), place))
    shown = sorted(largest_first if len(found) <= MAX_MARKS else largest_first[: MAX_MARKS - 1])

    names = [f"cluster {key}" if clusters else showable(key) for key in found]
    marks = class_marks(min(len(found), MAX_MARKS))
    groups = [Group(names[place], marks[i], int(counts[found[place]])) for i, place in enumerate(shown)]
    group_of = np.full(len(found), len(shown), dtype=np.int64)
    group_of[shown] = np.arange(len(shown))
    if len(shown) < len(found):
        left = len(found) - len(shown)
        groups.append(
            Group(f"other ({left} classes)", marks[-1], int(counts.sum() - noise) - sum(g.count for g in groups))
        )
    gone_name = "not clustered" if clusters else "missing"
    place_of = {key: place for place, key in enumerate(found)}
    for label, mark, count in (("noise", NOISE_MARK, int(noise)), (gone_name, _MISSING_MARK, int(absent.sum()))):
        if count:
            place_of[-1 if label == "noise" else None] = len(names)
            names.append(label)
            group_of = np.append(group_of, len(groups))
            groups.append(Group(label, mark, count))
    codes = np.array([place_of[None if gone else key] for key, gone in zip(keys, absent, strict=True)], dtype=np.int64)
    return Classes(tuple(names), codes, tuple(groups), group_of)


def column_for_page(name: object, column: pd.Series) -> dict[str, Any]:
    """Write a column as JSON that the page's script reads.

    Parameters
    ----------
    name : object
    column : Series, length N

    Returns
    -------
    dict
        ``name`` and ``kind``; for classes ``names``, ``codes`` (base64 uint16 or uint32), ``groups``, ``groupOf``; for
        numbers ``values`` (base64 float64); for text ``values`` (list).
    """
    kind = column_kind(name, column)
    page: dict[str, Any] = {"name": showable(name), "kind": kind}
    if kind == "number":
        return page | {"values": base64_array(column.to_numpy(dtype=np.float64, na_value=np.nan))}
    if kind == "text":
        return page | {"values": ["" if pd.isna(value) else showable(value) for value in column]}
    coded = classes(name, column)
    wide = len(coded.names) > np.iinfo(np.uint16).max
    return page | {
        "names": list(coded.names),
        "codes": base64_array(coded.codes.astype(np.uint32 if wide else np.uint16)),
        "wide": wide,
        "groupOf": coded.group_of.tolist(),
        "groups": [
            {
                "name": g.name,
                "count": g.count,
                "light": g.mark.light,
                "dark": g.mark.dark,
                "symbol": g.mark.symbol,
                "noise": g.mark is NOISE_MARK,
            }
            for g in coded.groups
        ],
    }


def shown_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the column of predicted labels where all are empty."""
    return table if (table["predicted"] != "").any() else table.drop(columns="predicted")
