"""Which glitches have the views that an encoding needs."""

import hashlib
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from embed.errors import InputError
from embed.study.study import Study
from embed.views.encoding import Encoding, richest


class LeftOut(NamedTuple):
    """A glitch without a vector, and why."""

    glitch: int
    reason: str


def richest_encoding(study: Study) -> Encoding:
    """The richest encoding that every glitch of the study has the views for; errors as `embed.views.encoding.richest`."""
    return richest(study.durations(), glitches_with_views(study))


def glitches_with_views(study: Study) -> int:
    """Count the glitches that have a view.

    Raises
    ------
    InputError
        When there is none.
    """
    (glitches,) = study.connection.execute("SELECT count(DISTINCT glitch) FROM views").fetchone()
    if glitches == 0:
        raise InputError(f"the study {study.folder} holds no images yet; bring some in with `discover ingest PATH`")
    return int(glitches)


def wanted(study: Study, encoding: Encoding) -> tuple[np.ndarray, np.ndarray, list[LeftOut]]:
    """Glitches that have every view of the encoding, a hash of each one's files, and those that lack some."""
    glitches: list[int] = []
    inputs = bytearray()
    left_out: list[LeftOut] = []
    rows = study.connection.execute("SELECT glitch, duration, sha256 FROM views ORDER BY glitch, duration")
    for glitch, group in groupby(rows, key=itemgetter(0)):
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
