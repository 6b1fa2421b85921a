import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.gallery import png, write

from embed.errors import InputError
from embed.views.imagefile import image_size, probe

PICTURE = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)


def jpeg():
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize("data", [png(PICTURE), jpeg()], ids=["png", "jpeg"])
def test_size_and_hash(tmp_path, data):
    import hashlib

    image = probe(write(tmp_path / "x", data))
    assert (image.width, image.height, image.size) == (80, 60, len(data))
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert image.modified == (tmp_path / "x").stat().st_mtime_ns


@settings(max_examples=60)
@given(st.data())
def test_a_truncated_png_is_found_wherever_it_ends(data):
    whole = png(PICTURE)
    end = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(InputError, match="truncated PNG"):
        image_size(whole[:end])


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_byte_is_found(data):
    whole = bytearray(png(PICTURE))
    place = data.draw(st.integers(8, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InputError, match=r"truncated|damaged|limit"):
        image_size(bytes(whole))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"hello, this is text", "not a PNG or JPEG image"),
        (jpeg()[:-40], "truncated JPEG"),
        (b"\x89PNG\r\n\x1a\n", "truncated PNG"),
    ],
)
def test_what_is_no_image(data, message):
    with pytest.raises(InputError, match=message):
        image_size(data)


def test_an_enormous_image_is_refused_by_its_header():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    with pytest.raises(InputError, match=r"20000x20000 pixels is more than the limit of 25000000"):
        image_size(data)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        probe(tmp_path / "nothing.png")
