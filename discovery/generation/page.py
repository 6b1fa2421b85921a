"""`generator.html`: generated glitches beside real ones, and how near they are, on one page that loads nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from discovery.pages.page import NOTHING, PageShell, rendered
from discovery.pages.thumbnails import png_uri
from embed.generator.sheet import strip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from embed.generator.judgement import ClassFidelity, Judgement
    from embed.types import Pixels

HEADS = (
    "class", "learned from", "held out", "FID", "floor", "ceiling", "KID", "floor", "ceiling", "precision", "recall",
    "copies", "told apart", "given its class", "real ones", "found by generated ones",
)  # fmt: skip
HELD_OUT = "All figures are of held-out glitches, which the generator did not learn from. "
NOT_KNOWN = "All figures are of glitches that a split drawn anew holds out; the generator may have learned from them. "
UNKNOWN = "not known"
CAPTION = (
    "FID and KID are distances from them: of generated "
    "glitches; of as many real ones, the floor; of the nearest other class, the ceiling. FID is too large for few glitches, its floor "
    "alike; KID is not. Precision: share of generated glitches that lie among real ones. Recall: share of real ones that lie among "
    "generated ones. Copies: share of generated glitches nearer to one learned from than those are to each other. Told apart: how often "
    "a classifier tells generated from real ones; 50 % is by chance. Given its class: by a classifier that saw real glitches alone, of "
    "generated and of real ones. Found by generated ones: real glitches given their class by a classifier that saw generated ones alone."
)


@dataclass(frozen=True)
class Shown:
    """Pictures of a class, each uint8 (N, 3, R, R).

    Attributes
    ----------
    label : str
    real, made, copied : ndarray
        Real glitches, generated ones, and those of the latter that are copies.
    walk : ndarray or None
        From one generated glitch to another.
    """

    label: str
    real: Pixels
    made: Pixels
    copied: Pixels
    walk: Pixels | None


def generator_html(
    found: Judgement,
    shown: Sequence[Shown],
    *,
    title: str,
    asked: Mapping[str, object],
    command: str = "",
    passport: Mapping[str, object] | None = None,
) -> Markup:
    """Write the page.

    Parameters
    ----------
    found : Judgement
    shown : sequence of Shown
        A row for each class.
    title : str
    asked : mapping of str to object
        The settings, in order.
    command : str
        The command line that makes this again.
    passport : mapping of str to object, optional
        Seeds, versions, hashes.

    Returns
    -------
    Markup
        The page; the same input gives the same text.
    """
    few = [row.label for row in found.classes if math.isnan(row.fid)]
    cautions = [f"{caution[0].upper()}{caution[1:]}." for caution in found.cautions]
    if few:
        cautions.append(f"Too few held-out glitches to measure distances of {', '.join(few)}.")
    return rendered(
        "generation/generator.html",
        shell=PageShell(title, ("evaluation.csv", "summary.json"), cautions, asked, command, passport or {}),
        lede=_lede(found),
        caption=(HELD_OUT if all(row.learned is not None for row in found.classes) else NOT_KNOWN) + CAPTION,
        heads=HEADS,
        rows=[(row.label, _cells(row)) for row in found.classes],
        shown=[
            {
                "label": item.label,
                "pictures": [(what, _picture(levels)) for what, levels in _strips(item) if len(levels)],
            }
            for item in shown
        ],
    )


def _lede(found: Judgement) -> list[tuple[str, bool]]:
    summary, classes = found.summary, found.classes
    within = sum(row.kid < row.kid_ceiling for row in classes)
    measured = sum(not math.isnan(row.kid) for row in classes)
    return [
        (f"{within} of {measured} classes", True),
        (" are nearer to their real glitches than the nearest other class is, by KID. ", False),
        (f"{_percent(summary['generated_given_class'], 1)}", True),
        (" of generated glitches are given their class by a classifier that saw real ones alone (", False),
        (
            f"{_percent(summary['real_accuracy'], 1)} of held-out real ones). Trained on generated glitches alone, it recognises ",
            False,
        ),
        (f"{_percent(summary['generated_accuracy'], 1)}", True),
        (" of the real ones.", False),
    ]


def _cells(row: ClassFidelity) -> list[str]:
    distances = (row.fid, row.fid_floor, row.fid_ceiling)
    kernels = (row.kid, row.kid_floor, row.kid_ceiling)
    shares = (row.told_apart, row.given_class, row.real_given_class, row.found_by_generated)
    return [
        UNKNOWN if row.learned is None else f"{row.learned:,}",
        f"{row.held_out:,}",
        *(_number(value, ".2f") for value in distances),
        *(_number(value, ".3f") for value in kernels),
        *(_percent(value, 0) for value in (row.precision, row.recall)),
        UNKNOWN if row.learned is None else _percent(row.copied, 0),
        *(_percent(value, 0) for value in shares),
    ]


def _number(value: float, form: str) -> str:
    return NOTHING if math.isnan(value) else format(value, form)


def _percent(share: float, digits: int) -> str:
    return NOTHING if math.isnan(share) else f"{100 * share:.{digits}f} %"


def _strips(item: Shown) -> list[tuple[str, Pixels]]:
    walk: Any = np.empty((0, 3, 1, 1), np.uint8) if item.walk is None else item.walk
    return [("real", item.real), ("generated", item.made), ("from one to another", walk), ("copies", item.copied)]


def _picture(levels: Pixels) -> Markup:
    return png_uri(np.asarray(strip(levels)))
