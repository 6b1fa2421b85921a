"""View files: whole PNGs whose palette index is the level, read back by every reader we have."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embed.errors import InputError
from embed.gravityspy import parse_view_name
from embed.views.imagefile import image_size
from embed.views.png import levels_to_png, write_views
from embed.views.viridis import levels_of_colours, table


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_levels_come_back(height, width, seed):
    levels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    data = levels_to_png(levels)
    assert image_size(data) == (width, height)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), levels)
    np.testing.assert_array_equal(np.asarray(image.convert("RGB")), table()[levels])


def test_a_decoder_inverts_the_colours():
    levels = np.random.default_rng(0).integers(0, 256, (479, 573), dtype=np.uint8)
    colours = np.asarray(Image.open(io.BytesIO(levels_to_png(levels))).convert("RGBA"))
    assert np.abs(levels_of_colours(colours).astype(int) - levels).max() <= 1  # viridis repeats two of its colours


def test_same_levels_same_bytes_and_small():
    columns = np.arange(573)
    levels = (np.add.outer(np.arange(479), columns) % 256).astype(np.uint8)
    assert levels_to_png(levels) == levels_to_png(levels.copy(order="F"))
    assert len(levels_to_png(levels)) < 20_000


def test_what_is_no_view():
    with pytest.raises(InputError, match=r"not float64 of shape \(3, 3\)"):
        levels_to_png(np.zeros((3, 3)))
    with pytest.raises(InputError, match=r"not uint8 of shape \(4, 3, 3\)"):
        levels_to_png(np.zeros((4, 3, 3), np.uint8))
    with pytest.raises(InputError, match=r"shape \(0, 3\)"):
        levels_to_png(np.zeros((0, 3), np.uint8))


def test_views_are_named_as_gravity_spy_s(tmp_path):
    levels = np.arange(4 * 40 * 40, dtype=np.uint32).astype(np.uint8).reshape(4, 40, 40)
    paths = write_views(tmp_path / "new", "H1", "1126259462.400000000", levels)
    names = [parse_view_name(path) for path in paths]
    assert [(n.ifo, n.gravityspy_id, n.duration) for n in names] == [
        ("H1", "1126259462.400000000", duration) for duration in (0.5, 1.0, 2.0, 4.0)
    ]
    for path, view in zip(paths, levels, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), view)
    assert sorted(tmp_path.rglob("*.*")) == sorted(paths)
    with pytest.raises(ValueError, match="argument 2 is longer"):
        write_views(tmp_path, "H1", "a", levels, durations=(0.5,))
