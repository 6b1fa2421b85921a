"""What an audit reads of a study, once: its glitches with labels, metadata and views, and where each is in a table of probabilities."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.review.table import IMAGES, image_column
from discovery.pages.gpstime import utc
from embed.errors import InputError
from embed.gravityspy import NUMBERS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from audit.heldout.probabilities import External
    from embed.study.records import View
    from embed.study.study import Study
    from embed.types import Rows


@dataclass(frozen=True)
class StudyGlitches:
    """Every glitch of a study, as read at one moment.

    Attributes
    ----------
    folder : Path
        The study's, for messages.
    table : DataFrame
        Index ``glitch``; ``id``, ``gravityspy_id``, ``ifo``, ``gps``, ``label`` and the metadata `embed.gravityspy.NUMBERS`
        (NaN where unknown).
    views : dict of int to list of View
        By glitch, in order of duration; glitches without views are absent.
    """

    folder: Path
    table: pd.DataFrame
    views: dict[int, list[View]]

    def labelled(self) -> Rows:
        """Numbers of the labelled glitches, int64.

        Raises
        ------
        InputError
            When none has a label.
        """
        labelled = self.table.index[self.table["label"] != ""]
        if labelled.empty:
            raise InputError(
                f"none of the {len(self.table)} glitches in {self.folder} has a label to audit; add labels with `discover ingest --labels CSV`"
            )
        return labelled.to_numpy(np.int64)

    def audited(self, numbers: Rows) -> pd.DataFrame:
        """Some glitches, in order.

        Returns
        -------
        DataFrame
            ``glitch``, ``id``, ``gravityspy_id``, ``ifo``, ``gps``, ``label``, ``date`` (UTC, YYYYMMDD), the metadata and the
            paths of the views in the columns `audit.review.table.IMAGES`, empty where there is none.
        """
        table = self.table.loc[numbers].reset_index()
        table["date"] = [utc(gps)[:10].replace("-", "") if gps >= 0 else "" for gps in table["gps"]]
        paths = {name: np.full(len(numbers), "", dtype=object) for name in IMAGES}
        for row, number in enumerate(numbers.tolist()):
            for view in self.views.get(number, ()):
                paths[image_column(view.duration)][row] = view.path
        return table.assign(**paths)

    def rows_in(self, given: External) -> dict[int, int]:
        """Find the row of the probabilities of each glitch that has one.

        Raises
        ------
        InputError
            Naming the line, where two rows are one glitch, or an id without a detector could be several.
        """
        numbers = self.table.index.tolist()
        by_id = dict(zip(self.table["id"], numbers, strict=True))
        shared = Counter(self.table["gravityspy_id"])
        by_short = {
            name: glitch for name, glitch in zip(self.table["gravityspy_id"], numbers, strict=True) if shared[name] == 1
        }
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
                    f"{where}: id {name!r} is in {given.lines[found[glitch]]} already; give one row for each glitch"
                )
            found[glitch] = row
        return found


def read_glitches(study: Study) -> StudyGlitches:
    """Read all that an audit needs of a study, in three queries."""
    table = study.glitches()[["id", "gravityspy_id", "ifo", "gps", "label"]]
    metadata = study.metadata()
    views: dict[int, list[View]] = {}
    for view in study.views():
        views.setdefault(view.glitch, []).append(view)
    return StudyGlitches(study.folder, table.join(metadata.reindex(columns=list(NUMBERS))), views)
