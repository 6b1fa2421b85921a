import io
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree
from support.gallery import draw_levels, png, published, viridis

from embed.errors import InputError
from embed.views.decoding import PUBLISHED_BOX, picture_box, plain_image, spectrogram_levels
from embed.views.png import levels_to_png
from embed.views.viridis import LUMINANCE, _inverse, colours_of_levels, levels_of_colours, levels_of_luminance, table


def padded(colours):
    """Colours with a fourth byte that must not matter."""
    rest = np.random.default_rng(4).integers(0, 256, (*colours.shape[:-1], 1), dtype=np.uint8)
    return np.concatenate([colours, rest], -1)


def test_viridis_is_matplotlibs_and_inverts_exactly():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(colours_of_levels(levels), viridis(levels))
    # four pairs of neighbouring levels share a colour in 8 bits; either is right
    assert np.array_equal(colours_of_levels(levels_of_colours(padded(viridis(levels)))), viridis(levels))


@settings(max_examples=50)
@given(st.integers(0, 254), st.floats(0, 1))
def test_between_two_colours_lies_one_of_the_two_levels(level, share):
    mixed = np.rint(table()[level] * (1 - share) + table()[level + 1] * share).astype(np.uint8)
    assert (
        abs(int(levels_of_colours(padded(mixed))) - (level + share)) <= 2
    )  # a step of the table is 1.2 of 255 on average: rounding costs a level


def test_any_colour_gives_a_nearly_nearest_level():
    colours = np.random.default_rng(0).integers(0, 256, (2000, 3), dtype=np.uint8)
    tree = cKDTree(table().astype(float))
    nearest = tree.query(colours.astype(float))[0]
    ours = np.linalg.norm(colours.astype(float) - table()[levels_of_colours(padded(colours))], axis=1)
    assert (ours - nearest).max() < 7  # half a coarse cell's diagonal


def test_luminance_inverts():
    levels = np.arange(256, dtype=np.uint8)
    assert np.abs(levels_of_luminance(viridis(levels) / 255 @ LUMINANCE).astype(int) - levels).max() <= 1


@pytest.mark.parametrize(
    ("make", "box"),
    [
        (published, PUBLISHED_BOX),
        (viridis, (0, 0, 573, 479)),
        (
            lambda picture: np.pad(viridis(picture), ((30, 40), (50, 20), (0, 0)), constant_values=255),
            (50, 30, 623, 509),
        ),
        (lambda picture: published(picture)[:, :-10], PUBLISHED_BOX),
        (
            lambda picture: np.pad(published(picture), ((5, 0), (9, 0), (0, 0)), constant_values=255),
            (110, 66, 683, 545),
        ),
    ],
    ids=["published", "cropped", "framed", "narrower", "shifted"],
)
def test_the_picture_is_found_inside_the_axes(make, box):
    assert picture_box(make(draw_levels(np.random.default_rng(1)))) == box


def test_a_figure_drawn_by_matplotlib():
    """The oracle is matplotlib itself: what it draws in its axes is what we read back."""
    levels = np.repeat(np.repeat(np.random.default_rng(2).integers(0, 256, (16, 16)), 16, 0), 16, 1).astype(np.uint8)
    with mpl.rc_context(mpl.rcParamsDefault):  # importing gwpy changes the defaults
        figure = Figure(figsize=(8, 6), dpi=100)
        axes = figure.add_axes((0.125, 0.1, 0.7, 0.8))
        image = axes.imshow(levels / 10, cmap="viridis", vmin=0, vmax=25.5, aspect="auto", interpolation="nearest")
        figure.colorbar(image)
        axes.set_title("Livingston - O1")
        out = io.BytesIO()
        figure.savefig(out, format="png")
    read = spectrogram_levels(out.getvalue(), 256).astype(int)
    centres = np.arange(8, 256, 16)
    assert np.abs(read[np.ix_(centres, centres)] - levels[np.ix_(centres, centres)].astype(int)).max() <= 1


def test_published_cropped_and_jpeg_give_the_same_quantity():
    levels = draw_levels(np.random.default_rng(3))
    whole, cropped = spectrogram_levels(png(published(levels)), 224), spectrogram_levels(png(viridis(levels)), 224)
    assert np.array_equal(whole, cropped)
    out = io.BytesIO()
    Image.fromarray(viridis(levels)).save(out, "JPEG", quality=92)
    assert np.corrcoef(spectrogram_levels(out.getvalue(), 224).ravel(), whole.ravel())[0, 1] > 0.98
    expected = np.asarray(Image.fromarray(levels).resize((224, 224), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(whole.astype(int) - expected).max() <= 1


def test_a_picture_gives_the_same_levels_with_transparency_and_with_a_palette():
    levels = draw_levels(np.random.default_rng(3))
    expected = spectrogram_levels(png(published(levels)), 224)
    assert np.array_equal(spectrogram_levels(png(padded(published(levels))), 224), expected)
    assert np.array_equal(spectrogram_levels(levels_to_png(levels), 224), expected)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((600, 800, 3), 255, np.uint8), "no spectrogram found in the image of 800x600"),
        (np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8), "are no viridis colours"),
        (np.tile(np.array([255, 0, 0, 9], np.uint8), (300, 300, 1)), "100 % of its pixels are no viridis colours"),
    ],
)
def test_what_is_no_spectrogram(picture, message):
    with pytest.raises(InputError, match=message):
        spectrogram_levels(png(picture), 224)


def test_a_plain_image_keeps_its_colours():
    colours = np.zeros((300, 200, 4), np.uint8)
    colours[:150] = (200, 30, 10, 255)
    image = plain_image(png(colours), 256)
    assert image.shape == (256, 256, 3)
    assert tuple(image[10, 10]) == (200, 30, 10)
    assert tuple(image[-10, 10]) == (0, 0, 0)


def test_the_real_pictures(real_data):
    """Every published picture has the published box, and its noise floor is dark."""
    paths = sorted((real_data / "gravityspy").glob("*/*.png"))[::20]
    for path in paths:
        with Image.open(path) as image:
            assert picture_box(np.asarray(image.convert("RGB"))) == PUBLISHED_BOX
        levels = spectrogram_levels(path.read_bytes(), 224)
        assert np.median(levels) < 40
        assert levels.max() > 80


def test_the_first_threads_invert_the_colours_once(monkeypatch):
    calls = []
    monkeypatch.setattr("embed.views.viridis.table", lambda: calls.append(1) or viridis(np.arange(256)))
    _inverse.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(levels_of_colours, np.zeros((8, 5, 4), np.uint8)))
    assert len(calls) == 1
