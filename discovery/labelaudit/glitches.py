"""The glitches that an audit is of: labelled, with what the study knows of them, and found in tables by id."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from audit.review.table import IMAGES, image_column
from discovery.pages.gpstime import utc
from embed.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from audit.heldout.probabilities import External
    from embed.study.study import Study


def labelled_glitches(study: Study) -> tuple[pd.DataFrame, int]:
    """Return the labelled glitches, and how many others have no label.

    Raises
    ------
    InputError
        When none has.
    """
    frame = study.glitches()
    labelled = frame[frame["label"] != ""]
    if labelled.empty:
        raise InputError(
            f"none of the {len(frame)} glitches in {study.folder} has a label to audit; add labels with `discover ingest --labels CSV`"
        )
    return labelled, len(frame) - len(labelled)


def audited_glitches(study: Study, numbers: NDArray[np.int64]) -> pd.DataFrame:
    """What the study knows of some glitches, in order.

    Returns
    -------
    DataFrame
        ``glitch``, ``id``, ``gravityspy_id``, ``ifo``, ``gps``, ``label``, ``date`` (UTC, YYYYMMDD), ``q_value`` and the paths of
        the views in the columns `audit.review.table.IMAGES`, empty where there is none.
    """
    frame = study.glitches().loc[numbers, ["id", "gravityspy_id", "ifo", "gps", "label"]].reset_index()
    frame["date"] = [utc(gps)[:10].replace("-", "") if gps >= 0 else "" for gps in frame["gps"]]
    metadata = study.metadata()
    frame["q_value"] = metadata.loc[numbers, "q_value"].to_numpy() if "q_value" in metadata.columns else np.nan
    place = {int(number): row for row, number in enumerate(numbers)}
    paths = {name: np.full(len(numbers), "", dtype=object) for name in IMAGES}
    for view in study.views():
        row = place.get(view.glitch)
        if row is not None:
            paths[image_column(view.duration)][row] = view.source + (f":/{view.dataset}" if view.dataset else "")
    return frame.assign(**paths)


def rows_by_glitch(study: Study, given: External) -> dict[int, int]:
    """Find the row of the probabilities of each glitch of the study that has one.

    Raises
    ------
    InputError
        Naming the line, where two rows are one glitch, or an id without a detector could be several.
    """
    frame = study.glitches()
    numbers = frame.index.tolist()
    by_id = dict(zip(frame["id"], numbers, strict=True))
    shared = Counter(frame["gravityspy_id"])
    by_short = {name: glitch for name, glitch in zip(frame["gravityspy_id"], numbers, strict=True) if shared[name] == 1}
    found: dict[int, int] = {}
    for row, (name, ifo, where) in enumerate(zip(given.ids, given.ifos, given.lines, strict=True)):
        glitch = by_id.get(f"{ifo}_{name}" if ifo else name, by_id.get(name))
        if glitch is None and not ifo:
            if shared[name] > 1:
                raise InputError(
                    f"{where}: {shared[name]} detectors have a glitch {name!r}; write the detector before it"
                )
            glitch = by_short.get(name)
        if glitch is None:
            continue
        if glitch in found:
            raise InputError(
                f"{where}: id {name!r} stands in {given.lines[found[glitch]]} already; one glitch is one row"
            )
        found[glitch] = row
    return found
