"""Whether a file is a whole image, and its size, found from the file's structure without decoding it.

The chunks of a PNG are read to its end mark and their checksums compared: a truncated or damaged file is found at the speed
of reading, about ten times faster than by decoding. The markers of a JPEG are read up to its size, and it must end with its end
mark. The layouts are those of the PNG specification (third edition, section 5) and of ITU T.81, annex B.
"""

import hashlib
import stat
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from embed.errors import InputError

MAX_FILE_BYTES = 64 * 2**20
"""Largest image file that is read; a Gravity Spy view has about 0.2 MB."""

MAX_PIXELS = 25_000_000
"""Largest picture that is decoded (100 MB as RGBA): a damaged or hostile header must not exhaust the memory."""

SUFFIXES = (".png", ".jpg", ".jpeg")

PNG = b"\x89PNG\r\n\x1a\n"
"""The first bytes of a PNG."""

_JPEG = b"\xff\xd8\xff"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class ImageFile:
    """Size, time and hash of an image file that is not decoded yet.

    Attributes
    ----------
    width, height : int
        Pixels.
    size : int
        Bytes.
    modified : int
        The file's time of change, nanoseconds since 1970.
    sha256 : str
        Hash of the file's bytes, hexadecimal.
    """

    width: int
    height: int
    size: int
    modified: int
    sha256: str


def probe(path: Path) -> ImageFile:
    """Read an image file once and check that it is whole.

    Raises
    ------
    InputError
        When the file cannot be read, is empty, truncated, damaged, no image, or too large; the message is a short reason
        that fits into a table of skipped files.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError("is a pipe, a socket, a device or a folder; remove it")
        if status.st_size > MAX_FILE_BYTES:
            raise InputError(f"{status.st_size} bytes is more than the limit of {MAX_FILE_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})") from error
    width, height = image_size(data)
    return ImageFile(width, height, len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())


def image_size(data: bytes) -> tuple[int, int]:
    """Return width and height of an image held in memory, after the checks of `probe`."""
    if not data:
        raise InputError("empty file")
    if data.startswith(PNG):
        width, height = _png_size(data)
    elif data.startswith(_JPEG):
        width, height = _jpeg_size(data)
    elif PNG.startswith(data[:8]):
        raise InputError(f"truncated PNG (only {len(data)} bytes)")
    else:
        raise InputError(f"not a PNG or JPEG image (begins with {data[:8]!r})")
    if width * height > MAX_PIXELS:
        raise InputError(f"{width}x{height} pixels is more than the limit of {MAX_PIXELS}; scale the image down")
    if width == 0 or height == 0:
        raise InputError(f"{width}x{height} pixels: an image without pixels")
    return width, height


def _png_size(data: bytes) -> tuple[int, int]:
    position, size, pixels = len(PNG), (0, 0), False
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            break
        (stored,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(memoryview(data)[position + 4 : end]) != stored:
            raise InputError(
                f"damaged PNG (checksum of its {kind.decode('latin-1')} chunk at byte {position} is wrong)"
            )
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, position + 8)
        elif kind == b"IDAT":
            pixels = True
        elif kind == b"IEND":
            if not pixels:
                raise InputError("damaged PNG (it holds no pixels)")
            return size
        position = end + 4
    raise InputError(f"truncated PNG (ends at byte {len(data)}, before its end mark)")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    if b"\xff\xd9" not in data[-64:]:
        raise InputError(f"truncated JPEG (ends at byte {len(data)}, before its end mark)")
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            break
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + length
    raise InputError("damaged JPEG (no frame header)")
