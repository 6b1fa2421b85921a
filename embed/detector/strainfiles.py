"""The strain files that are within reach of a study: those that it was scanned from, and those that are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embed.strain.files import StrainFile, open_strain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embed.study.study import Study


@dataclass(frozen=True)
class ReachedFile:
    """A strain file, and whether its strain is whitened already."""

    file: StrainFile
    whitened: bool


def reached_files(study: Study, named: Iterable[Path] = ()) -> list[ReachedFile]:
    """Open the strain files of a study.

    Parameters
    ----------
    study : Study
    named : iterable of Path
        Further ones, not whitened.

    Returns
    -------
    list of ReachedFile
        Those named, and those of the study's scans that are still there: also what ``discover scan --open-data`` downloaded.

    Raises
    ------
    InputError
        When a named one cannot be read.
    """
    found = {path.absolute(): ReachedFile(open_strain(path), whitened=False) for path in named}
    for arguments in study.past_arguments("scan"):
        ifo, channel = arguments.get("ifo"), arguments.get("channel")
        downloaded = sorted((study.folder / "strain").glob("*.hdf5"))
        for path in [*map(Path, arguments.get("strain", ())), *downloaded]:
            if path.absolute() not in found and path.is_file():
                whitened = bool(arguments.get("whitened")) and path not in downloaded
                found[path.absolute()] = ReachedFile(open_strain(path, ifo=ifo, channel=channel), whitened=whitened)
    return list(found.values())
