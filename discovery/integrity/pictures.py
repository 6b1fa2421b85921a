"""The check of a study's pictures, which lie where they were ingested from, and of its cache of decoded ones."""

from __future__ import annotations

import hashlib
import stat
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import h5py

from discovery.integrity.finding import DAMAGED, FINE, MISSING, REPAIR, Finding
from embed.errors import InputError
from embed.processors import usable_processors
from embed.storage import file_digest
from embed.study.views import each_view
from embed.views.cache import CHECK_BYTES, KEY_BYTES, record_bytes
from embed.views.plane import read_plane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from embed.study.records import View
    from embed.study.study import Study

PART = "pictures"
AHEAD = 64
"""Pictures that are read ahead of the comparison."""
RESTORE = (
    "restore the file from a copy; or `discover ingest` its folder again, if the change is meant, and `discover embed`"
)


def check_pictures(study: Study, advance: Callable[[int], None]) -> list[Finding]:
    """Compare each picture with the hash that the study keeps of it.

    Parameters
    ----------
    study : Study
    advance : callable
        Called with 1 for each picture.

    Returns
    -------
    list of Finding
        One for each picture that is damaged or missing, and one for the others.
    """
    found, whole = [], 0
    window: deque[tuple[View, Future[tuple[str, str]]]] = deque()
    views = each_view(study)
    with ThreadPoolExecutor(max_workers=min(8, usable_processors() * 2)) as pool:
        while True:
            window.extend((view, pool.submit(_state, view)) for view in islice(views, AHEAD - len(window)))
            if not window:
                break
            view, future = window.popleft()
            state, why = future.result()
            advance(1)
            if state == FINE:
                whole += 1
                continue
            found.append(Finding(f"picture {_name(view)}", state, why, RESTORE))
    if whole or not found:
        found.insert(0, Finding(PART, FINE, f"{whole:,} by their hashes"))
    return found


def _name(view: View) -> str:
    return f"{view.source}:/{view.dataset}" if view.dataset else view.source


def _state(view: View) -> tuple[str, str]:
    path = Path(view.source)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return DAMAGED, "is no file any more"
        if view.dataset:
            with h5py.File(path, "r") as file:
                own = hashlib.sha256(read_plane(file, view.dataset).tobytes()).hexdigest()
        else:
            own = file_digest(path)
    except FileNotFoundError:
        return MISSING, "is not there"
    except (OSError, InputError, KeyError, ValueError) as error:
        return DAMAGED, f"cannot be read ({str(error)[:200]})"
    return (FINE, "") if own == view.sha256 else (DAMAGED, "has another hash than when it was ingested")


def check_cache(study: Study, advance: Callable[[int], None]) -> list[Finding]:
    """Check the decoded pictures that are kept for other networks; a record that is not whole is decoded again when it is needed.

    Parameters
    ----------
    study : Study
    advance : callable
        Called with the bytes of each record.
    """
    hashes = {view.view: view.sha256 for view in each_view(study)}
    found = []
    for path in sorted((study.folder / "cache").glob("*.bin")):
        part = f"cache {path.name}"
        try:
            size = record_bytes(path.name)
        except InputError as error:
            found.append(Finding(part, DAMAGED, str(error), "--repair removes it", partial(_remove, path)))
            continue
        try:
            bad = [
                number
                for number, record in _records(path, size, advance)
                if not _is_whole(record, hashes.get(number + 1, ""))
            ]
        except OSError as error:
            what = f"cannot be read ({error.strerror or error})"
            found.append(Finding(part, DAMAGED, what, "--repair removes it", partial(_remove, path)))
            continue
        if bad:
            what = f"{len(bad):,} records are damaged, or of pictures that have changed since"
            found.append(
                Finding(
                    part,
                    DAMAGED,
                    what,
                    f"nothing: they are decoded again when needed; {REPAIR}",
                    partial(_clear, path, size, bad),
                )
            )
        else:
            found.append(Finding(part, FINE, f"{path.stat().st_size / 2**20:.0f} MiB by their checksums"))
    return found


def _records(path: Path, size: int, advance: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while record := file.read(size):
            yield number, record
            advance(len(record))
            number += 1


def _is_whole(record: bytes, sha256: str) -> bool:
    """Whether a record is empty, or is that of the picture of this hash."""
    key, check, pixels = (
        record[:KEY_BYTES],
        record[KEY_BYTES : KEY_BYTES + CHECK_BYTES],
        record[KEY_BYTES + CHECK_BYTES :],
    )
    if not any(key) and not record.strip(b"\0"):
        return True
    return key.hex() == sha256 and zlib.crc32(pixels).to_bytes(CHECK_BYTES, "little") == check


def _clear(path: Path, size: int, bad: list[int]) -> str:
    with path.open("r+b") as file:
        for number in bad:
            file.seek(number * size)
            file.write(bytes(min(size, path.stat().st_size - number * size)))
    return f"emptied {len(bad):,} records of {path.name}"


def _remove(path: Path) -> str:
    path.unlink()
    return f"removed {path.name}"
