"""Which glitches have the views that an encoding needs."""

import hashlib
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from embed.errors import InputError
from embed.study.study import Study
from embed.study.views import count_viewed, view_hashes
from embed.types import Pixels, Rows
from embed.views.encoding import NO_VIEWS, Encoding, richest


class LeftOut(NamedTuple):
    """A glitch without a vector, and why."""

    glitch: int
    reason: str


def richest_encoding(study: Study) -> Encoding:
    """Return the first encoding of `RICHEST_FIRST` that every glitch has the views for; errors as `richest`."""
    return richest(study.durations(), glitches_with_views(study))


def glitches_with_views(study: Study) -> int:
    """Count the glitches that have a view.

    Raises
    ------
    InputError
        When there is none.
    """
    glitches = count_viewed(study)
    if glitches == 0:
        raise InputError(f"the study {study.folder} holds no images yet; add some with `discover ingest PATH`")
    return glitches


def wanted(study: Study, encoding: Encoding, only: Iterable[int] | None = None) -> tuple[Rows, Pixels, list[LeftOut]]:
    """Separate the glitches with every view of an encoding from the others; `NO_VIEWS` needs none, and a glitch's input is then its id.

    Parameters
    ----------
    study : Study
    encoding : Encoding
    only : iterable of int, optional
        Row numbers of the glitches that are looked at; by default all.

    Returns
    -------
    glitches : ndarray of int64, shape (N,)
        Row numbers of those with every view.
    inputs : ndarray of uint8, shape (N, 32)
        SHA-256 of the hashes of each one's files.
    left_out : list of LeftOut
        The others, and which views they lack.
    """
    glitches: list[int] = []
    inputs = bytearray()
    left_out: list[LeftOut] = []
    if encoding == NO_VIEWS:
        names = study.ids()
        glitches = sorted(names if only is None else names.keys() & {int(glitch) for glitch in only})
        inputs += b"".join(hashlib.sha256(names[glitch].encode()).digest() for glitch in glitches)
        return np.array(glitches, np.int64), np.frombuffer(bytes(inputs), np.uint8).reshape(-1, 32), left_out
    for glitch, group in groupby(view_hashes(study, only), key=itemgetter(0)):
        hashes = {duration: sha256 for _, duration, sha256 in group}
        lacking = [duration for duration in encoding.durations if duration not in hashes]
        if lacking:
            left_out.append(
                LeftOut(
                    glitch, "no view " + ", ".join(f"{duration} s" if duration else "(plain)" for duration in lacking)
                )
            )
        else:
            glitches.append(glitch)
            inputs += hashlib.sha256("".join(hashes[duration] for duration in encoding.durations).encode()).digest()
    return np.array(glitches, np.int64), np.frombuffer(bytes(inputs), np.uint8).reshape(-1, 32), left_out
