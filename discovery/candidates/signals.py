"""What a detector on strain says of the clusters of one label, and of the glitches beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from discovery.certificates.signals import count_signals
from embed.detector.judging import FALSE_ALARM, judge_glitches
from embed.sample import at_most

if TYPE_CHECKING:
    import pandas as pd

    from discovery.candidates.known import Known
    from discovery.candidates.options import ClusterOptions
    from discovery.certificates.certificate import Certificate
    from embed.detector.model import Detector
    from embed.study.study import Study
    from embed.types import Codes, Progress, Rows, Step

MOST_JUDGED = 100
"""Glitches of each cluster, of those in none, and of each known class that are judged: of more a sample."""


def with_signals(
    certificates: list[Certificate],
    study: Study,
    options: ClusterOptions,
    labels: Codes,
    glitches: Rows,
    *,
    known: Known,
    table: pd.DataFrame,
    detector: Detector,
    step: Step,
    progress: Progress | None = None,
) -> tuple[list[Certificate], list[str]]:
    """Say in each certificate what the detector of the options calls a signal.

    Parameters
    ----------
    certificates : list of Certificate
    study : Study
    options : ClusterOptions
        Of which further strain files and the seed of the samples are used.
    labels : ndarray of int64, shape (M,)
        Clusters.
    glitches : ndarray of int64, shape (M,)
        Row numbers in the study.
    known : Known
    table : DataFrame
        All glitches of the study: ``id``, ``ifo``, ``gps``.
    detector : Detector
    step, progress : callable
        Receive what is done, and (glitches judged, glitches in all).

    Returns
    -------
    list of Certificate
    list of str
        Remarks for the page: how the detector judged, and what it could not.

    Raises
    ------
    InputError
        When a named strain file cannot be read, or the detector's spectra are no longer there.
    """
    rng = np.random.default_rng(options.seed)
    own = [at_most(np.flatnonzero(labels == number), MOST_JUDGED, rng) for number in np.unique(labels)]
    classes = {name: at_most(rows, MOST_JUDGED, rng) for name, rows in known.classes.items()}
    rows = np.concatenate(own)
    asked = np.concatenate([glitches[rows], *(known.glitches[some] for some in classes.values())])
    step("certificates: signals")
    judged = judge_glitches(
        study,
        detector,
        [*table.loc[asked, ["id", "ifo", "gps"]].itertuples(index=False, name=None)],
        strain=options.strain,
        progress=progress,
    )
    called = np.where(np.isnan(judged.statistic), np.nan, judged.statistic > judged.threshold)
    of_label = np.full(len(labels), np.nan)
    of_label[rows] = called[: len(rows)]
    ends = len(rows) + np.cumsum([len(some) for some in classes.values()], dtype=np.int64)
    of_known = dict(zip(classes, np.split(called[len(rows) :], ends[:-1] - len(rows)), strict=True)) if classes else {}
    counts = count_signals(labels, of_label, of_known, detector=judged.detector, false_alarm=FALSE_ALARM)
    remarks = [
        f"{judged.detector} calls a signal what has a statistic above {judged.threshold:.2f}; of each cluster and class at most {MOST_JUDGED} glitches are judged"
    ]
    remarks += [
        f"glitches that {judged.detector} did not judge: {count:,} ({reason})"
        for reason, count in judged.unreached.items()
    ]
    return [
        replace(certificate, signals=one, reasons=(*certificate.reasons, one.sentence()))
        for certificate, one in zip(certificates, counts, strict=True)
    ], remarks
