"""The hashes of a finished folder's files, kept beside them in ``SHA256SUMS``, which ``sha256sum --check`` reads.

The last two lines are comments: the text of the folder's mark, so that a damaged one can be written again, and the hash of the
lines before, so that damage to the list itself is told from damage to a file.
"""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embed.storage import file_digest, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/]+)")
_SLIPS = 4
"""Digits of a kept hash that damage to the list itself may have changed: the hash of another file differs in about 60 of 64."""


def seal(folder: Path, mark: str, text: str) -> None:
    """Write the hashes of a folder's files, then the mark, which makes the folder whole.

    Parameters
    ----------
    folder : Path
        Its files are written already.
    mark : str
        Name of the file that is written last.
    text : str
        Its content.
    """
    write_sums(folder, mark, text)
    write_text(folder / mark, text)


def write_sums(folder: Path, mark: str, text: str, kept: Mapping[str, str] | None = None) -> None:
    """Write the hashes of a folder's files, or those given as `kept` (name -> hash), with the mark's text."""
    hashes = dict(kept or {})
    if not kept:
        own = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        files = [path for path in own if path.name not in (mark, SUMS)]
        with ThreadPoolExecutor() as pool:
            hashes = dict(zip((path.name for path in files), pool.map(file_digest, files), strict=True))
    hashes[mark] = hashlib.sha256(text.encode()).hexdigest()
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    lines += f"# {mark}: {text.encode('unicode_escape').decode()}\n"
    write_text(folder / SUMS, f"{lines}# {hashlib.sha256(lines.encode()).hexdigest()}\n")


@dataclass(frozen=True)
class Sums:
    """What a folder's files should be, and what they are.

    Attributes
    ----------
    damaged, missing : list of str
        Names of files whose hash is another, and of files that are gone.
    whole : bool
        Whether the list itself is undamaged.
    mark : str
        The mark's text as it was written; empty where the list does not hold it undamaged.
    kept : dict of str to str
        Name -> hash that the list holds.
    unread : dict of str to str
        Of the damaged files those that cannot be read: name -> why.
    """

    damaged: list[str]
    missing: list[str]
    whole: bool
    mark: str
    kept: dict[str, str]
    unread: dict[str, str]


def check_sums(folder: Path, mark: str, advance: Callable[[int], None] = lambda _: None) -> Sums | None:
    """Compare a folder's files with their kept hashes.

    Parameters
    ----------
    folder : Path
    mark : str
        Name of the file that was written last.
    advance : callable, optional
        Called with the bytes of each file that was read.

    Returns
    -------
    Sums or None
        None where no hashes are kept, as in folders that an earlier version wrote.
    """
    try:
        text = (folder / SUMS).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError:
        text = ""
    body, _, own = text.removesuffix("\n").rpartition("\n# ")
    whole = hashlib.sha256(f"{body}\n".encode()).hexdigest() == own
    lines, _, last = body.rpartition("\n")
    kept = {found[2]: found[1] for line in lines.split("\n") if (found := _LINE.fullmatch(line))}
    there, unread = {}, {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != SUMS and (path.name in kept or not whole) and path.suffix != ".tmp":
            try:
                there[path.name] = file_digest(path)
            except OSError as error:
                there[path.name], unread[path.name] = "", str(error.strerror or error)
            advance(path.stat().st_size)
    if whole:
        damaged = [name for name in kept if name in there and there[name] != kept[name]]
    else:  # a file is whole where a line of the damaged list nearly holds its hash
        hashes = kept.values() if lines else ()
        rest = re.findall(r"^(\S{64})  ", lines, re.MULTILINE)
        damaged = [name for name, own in there.items() if not any(_near(own, other) for other in (*hashes, *rest))]
    missing = [name for name in kept if name not in there] if whole else []
    prefix = f"# {mark}: "
    copy = last.removeprefix(prefix).encode("latin-1", "replace").decode("unicode_escape") if whole else ""
    return Sums(damaged, missing, whole, copy if last.startswith(prefix) else "", kept, unread)


def _near(one: str, other: str) -> bool:
    return bool(one) and sum(a != b for a, b in zip(one, other, strict=False)) <= _SLIPS
