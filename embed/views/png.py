"""View files: levels written as the picture inside a published image's axes, a viridis PNG with a palette.

A palette PNG holds the levels themselves, one byte a pixel, and the 256 colours once: it is half the size of an RGB
image, quick to write, looks like Gravity Spy's, and its levels come back exactly. Pillow writes palette images without
the difference filter: the same 38 published views were 41 % larger and took 37 % longer at this compression.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.storage import write_bytes
from embed.views.viridis import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from embed.types import Pixels

COMPRESSION = 2
"""zlib's level; higher ones make files a twentieth smaller and take several times as long."""


def levels_to_png(levels: Pixels) -> bytes:
    """Encode one view.

    Parameters
    ----------
    levels : ndarray of uint8, shape (H, W)
        Row 0 on top.

    Returns
    -------
    bytes
        A PNG file of 8-bit palette indices, the palette matplotlib's viridis; with one version of zlib,
        the same levels give the same bytes.

    Raises
    ------
    InputError
        Not one uint8 image.
    """
    if levels.ndim != 2 or levels.dtype != np.uint8 or levels.size == 0:
        raise InputError(f"levels are one image of uint8, not {levels.dtype} of shape {levels.shape}")
    height, width = levels.shape
    rows = np.empty((height, width + 1), dtype=np.uint8)
    rows[:, 0] = 2  # filter "up": the difference to the row above, modulo 256
    rows[0, 1:] = levels[0]
    np.subtract(levels[1:], levels[:-1], out=rows[1:, 1:])
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", table().tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), COMPRESSION)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def write_views(
    folder: Path,
    ifo: str,
    gravityspy_id: str,
    levels: Pixels,
    durations: Sequence[float] = DURATIONS,
) -> list[Path]:
    """Write the views of one glitch under Gravity Spy's names, ``<IFO>_<id>_spectrogram_<duration>.png``.

    Parameters
    ----------
    folder : Path
        A missing folder is made.
    ifo, gravityspy_id : str
    levels : ndarray of uint8, shape (D, H, W)
    durations : sequence of float
        Seconds of each view.

    Returns
    -------
    list of Path

    Raises
    ------
    StorageError
        The folder cannot be written, or the disk is full.
    """
    return write_encoded(folder, ifo, gravityspy_id, map(levels_to_png, levels), durations)


def write_encoded(
    folder: Path, ifo: str, gravityspy_id: str, files: Iterable[bytes], durations: Sequence[float] = DURATIONS
) -> list[Path]:
    """Write views that are encoded already; otherwise as `write_views`."""
    paths = []
    for duration, data in zip(durations, files, strict=True):
        paths.append(folder / f"{ifo}_{gravityspy_id}_spectrogram_{float(duration)}.png")
        write_bytes(paths[-1], data)
    return paths
