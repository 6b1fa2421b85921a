"""The check of the blocks of vectors beside stores: what predictions and unfinished embeddings keep."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import DAMAGED, FINE, Finding
from embed.errors import StudyError
from embed.vectors.parts import SUFFIX, check_part

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REMEDY = "`discover check --repair` removes it; its glitches are embedded again when needed"


def part_folders(folder: Path) -> list[Path]:
    """The folders of a study that hold parts, by name."""
    return sorted({path.parent for path in (folder / "vectors").glob(f"*{SUFFIX}/*.npz")})


def check_parts(folder: Path, advance: Callable[[int], None]) -> list[Finding]:
    """Check the parts beside every vector store of a study, also where there is no store yet.

    Parameters
    ----------
    folder : Path
        The study's.
    advance : callable
        Called with the bytes of each file.

    Returns
    -------
    list of Finding
        For each folder of parts one that is fine, or one for each part that is damaged.
    """
    found = []
    for parts in part_folders(folder):
        files = sorted(parts.glob("*.npz"))
        name, size = f"vectors {parts.name}", sum(path.stat().st_size for path in files)
        faults = [fault for path in files if (fault := _fault(name, path, advance)) is not None]
        what = f"{len(files)} files, {size / 2**20:.1f} MiB, by their checksums; kept by predictions, or an unfinished embedding"
        found += faults or [Finding(name, FINE, what)]
    return found


def _fault(name: str, path: Path, advance: Callable[[int], None]) -> Finding | None:
    try:
        check_part(path)
    except StudyError as error:
        return Finding(f"{name}: {path.name}", DAMAGED, str(error.__cause__), _REMEDY, partial(_remove, path))
    finally:
        advance(path.stat().st_size)
    return None


def _remove(path: Path) -> str:
    path.unlink()
    return f"removed {path.parent.name}/{path.name}: its glitches are embedded again when needed"
