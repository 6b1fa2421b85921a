"""Strain into a study: the views of each trigger are computed, written to the study's folder and added to its glitches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING

import torch

from embed.csvfile import write_csv
from embed.fleet.spread import check_processor, here
from embed.ingest.folders import Picture, add_picture, probed
from embed.qtransform.transform import DURATIONS
from embed.strain.scan import scan
from embed.study.records import Label
from embed.study.report import IngestReport, Skip, batches
from embed.study.reviews import given_labels
from embed.views.png import levels_to_png, write_encoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from embed.fleet.spread import Spread
    from embed.strain.record import StrainRecord
    from embed.strain.triggers import Trigger
    from embed.study.study import Study
    from embed.types import Progress

    _Made = tuple[Trigger, list[bytes] | Skip]

PART = 32
"""Triggers of a part."""

WRITERS = 8
"""Threads that write views: each waits for the disk."""

SCAN_COLUMNS = ("id", "ifo", "gps", "snr", "peak_frequency", "q_value")
"""Columns of the table of scanned triggers."""


@dataclass
class StrainReport(IngestReport):
    """What an ingest of strain did.

    Attributes
    ----------
    scanned : list of Trigger
        Triggers whose views were made, in the order given, with the values of their loudest tile.
    """

    scanned: list[Trigger] = field(default_factory=list)


def ingest_strain(
    study: Study,
    records: Mapping[str, StrainRecord],
    triggers: Sequence[Trigger],
    *,
    whitened: bool = False,
    device: torch.device | str | None = None,
    label: str | None = None,
    progress: Progress | None = None,
    spread: Spread = here,
) -> StrainReport:
    """Compute the four views of each trigger and add them to the study, in one transaction per trigger.

    The views go to the study's folder ``views`` under Gravity Spy's names. A second run adds nothing.

    Parameters
    ----------
    study : Study
        Open for writing within `Study.run`.
    records : mapping of str to StrainRecord
        Strain by detector, see `embed.strain.record.records`.
    triggers : sequence of Trigger
        See `embed.strain.triggers` and `embed.strain.detection.find_triggers`; order of time is quickest.
    whitened : bool
        The strain is whitened already.
    device : device, optional
        Where the Q-transform runs; the CPU unless given.
    label : str, optional
        Given to the scanned glitches that have none.
    progress : callable, optional
        Called with (triggers done, triggers in all).
    spread : Spread
        Where the views are made: in this process, or on an `embed.fleet.cluster.Fleet`, with the same bytes.

    Returns
    -------
    StrainReport
        A trigger without good strain around it is listed as skipped, with the reason.

    Raises
    ------
    InputError
        When a strain file is missing or damaged.
    StorageError
        When the disk is full or the study's folder cannot be written.

    Examples
    --------
    >>> from embed import Study, ingest_strain
    >>> from embed.strain.detection import find_triggers
    >>> from embed.strain.files import open_strain
    >>> from embed.strain.record import records
    >>> strain = records([open_strain("H-H1_GWOSC_16KHZ_R1-1126257415-4096.hdf5")])  # doctest: +SKIP
    >>> with Study("study", create=True) as study, study.run("scan"):  # doctest: +SKIP
    ...     ingest_strain(study, strain, find_triggers(strain["H1"]))
    """
    check_processor(spread, torch.device(device or "cpu").type)
    report = StrainReport()
    folder = study.folder / "views"
    needs = [file.path for record in records.values() for file in record.files]
    work = _Views(records, whitened, device)
    done = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        for _, part in spread(work, batches(triggers, PART), needs=needs, in_order=True):
            for trigger, paths in zip(
                (trigger for trigger, _ in part), pool.map(_written, part, repeat(folder)), strict=True
            ):
                done += 1
                if isinstance(paths, Skip):
                    report.skipped.append(paths)
                else:
                    _add(study, trigger, paths, label, report)
                if progress is not None:
                    progress(done, len(triggers))
    return report


def _written(made: _Made, folder: Path) -> list[Path] | Skip:
    trigger, files = made
    return files if isinstance(files, Skip) else write_encoded(folder, trigger.ifo, trigger.gravityspy_id, files)


@dataclass(frozen=True)
class _Views:
    """The work of a scan; a part is some triggers, and becomes the files of their views."""

    records: Mapping[str, StrainRecord]
    whitened: bool
    device: torch.device | str | None

    def __call__(self, triggers: Sequence[Trigger]) -> list[_Made]:
        return [
            (trigger, levels if isinstance(levels, Skip) else [levels_to_png(view) for view in levels])
            for trigger, levels in scan(self.records, triggers, whitened=self.whitened, device=self.device)
        ]


def _add(study: Study, trigger: Trigger, paths: list[Path], label: str | None, report: StrainReport) -> None:
    with study.transaction():
        glitch, added = study.add_glitch(trigger.gravityspy_id, trigger.ifo, trigger.gps, _metadata(trigger))
        report.glitches += added
        for picture, image in probed(_pictures(trigger, paths)):
            add_picture(study, picture, image, {}, report)
        if label is not None and not given_labels(study, [glitch]):
            report.labels += study.add_label(glitch, Label(label, by="metadata", source="scan"))
    report.scanned.append(trigger)


def write_scan_table(path: Path, triggers: Sequence[Trigger]) -> None:
    """Write the table of scanned triggers, columns `SCAN_COLUMNS`; errors as `embed.csvfile.write_csv`."""
    write_csv(
        path,
        SCAN_COLUMNS,
        [
            (
                f"{trigger.ifo}_{trigger.gravityspy_id}",
                trigger.ifo,
                trigger.gps,
                trigger.snr,
                trigger.peak_frequency,
                trigger.q_value,
            )
            for trigger in triggers
        ],
    )


def _metadata(trigger: Trigger) -> dict[str, float]:
    named = {"snr": trigger.snr, "peak_frequency": trigger.peak_frequency, "q_value": trigger.q_value}
    return {**(trigger.metadata or {}), **{name: value for name, value in named.items() if value is not None}}


def _pictures(trigger: Trigger, paths: list[Path]) -> Iterator[Picture]:
    for path, duration in zip(paths, DURATIONS, strict=True):
        yield Picture(path.absolute(), trigger.gravityspy_id, trigger.ifo, duration, "spectrogram", None, None)
