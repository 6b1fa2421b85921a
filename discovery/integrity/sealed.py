"""The check of the folders whose files have kept hashes: vector stores, models and generators."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from discovery.integrity.finding import DAMAGED, FINE, MISSING, REPAIR, Finding
from embed.storage import write_text
from embed.sums import SUMS, check_sums, write_sums

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embed.sums import Sums

NO_SUMS = "no hashes are kept yet (an earlier version wrote it): `discover check --repair` adds them"


def finished_folders(parent: Path) -> list[Path]:
    """Return the folders in `parent` that hold a file, by name, but for those that are being built: what is finished lies at its place as a whole."""
    found = {path.parent for path in parent.glob("*/*") if path.is_file()}
    return sorted(path for path in found if path.suffix not in (".new", ".old", ".parts", ".training"))


def check_folder(
    part: str,
    folder: Path,
    mark: str,
    remedy: str,
    advance: Callable[[int], None],
    *,
    by_itself: Callable[[], list[Finding]],
) -> tuple[Sums | None, list[Finding]]:
    """Compare the files of a folder with their kept hashes, or, where these are gone or damaged, with each other.

    Parameters
    ----------
    part : str
        What the findings call the folder.
    folder : Path
    mark : str
        The file that was written last.
    remedy : str
        What to do where a file cannot be made again.
    advance : callable
        Called with the bytes of each file.
    by_itself : callable
        Checks the folder without hashes.

    Returns
    -------
    sums : Sums or None
        None where no hashes are kept.
    found : list of Finding
        One for each file that is damaged or missing.
    """
    sums = check_sums(folder, mark, advance)
    if sums is None:
        return None, by_itself()
    unsure = [name for name in sums.damaged if not sums.whole and name not in sums.kept and name not in sums.unread]
    found = by_itself() if unsure else []  # the list has lost their hashes
    for name in sums.damaged + sums.missing:
        if name in unsure:
            continue
        state = MISSING if name in sums.missing else DAMAGED
        what = "is not there" if state == MISSING else "has another hash than when it was written"
        what = f"cannot be read ({sums.unread[name]})" if name in sums.unread else what
        if name == mark and sums.mark:
            mend = partial(_write_mark, folder, mark, sums.mark)
            found.append(Finding(f"{part}: {name}", state, what, REPAIR, mend))
        else:
            found.append(Finding(f"{part}: {name}", state, what, remedy))
    if not sums.whole:
        whole = (folder / mark).is_file() and not found
        what = "the list of hashes is damaged" + (", the files are whole" if whole else "")
        again = partial(rewrite_sums, folder, mark) if whole else None
        found.append(Finding(f"{part}: {SUMS}", DAMAGED, what, REPAIR if whole else remedy, again))
    return sums, found


def fine(part: str, folder: Path, how: str, mend: Callable[[], str] | None = None) -> Finding:
    """Return the finding of a folder whose files are whole; `mend` keeps their hashes where none are kept."""
    files = [path for path in folder.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return Finding(part, FINE, f"{len(files)} files, {size / 2**20:.1f} MiB, {how}", mend=mend)


def rewrite_sums(folder: Path, mark: str) -> str:
    """Keep the hashes of a folder's files as they are now."""
    write_sums(folder, mark, (folder / mark).read_bytes().decode("utf-8"))
    return f"wrote {folder.name}/{SUMS}"


def _write_mark(folder: Path, mark: str, text: str) -> str:
    write_text(folder / mark, text)
    return f"wrote {folder.name}/{mark} from the copy in {SUMS}"
