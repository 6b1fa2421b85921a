"""Maps for papers: each class with its colour and shape, names as they are, scales that show a wide range."""

from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import LogNorm, to_hex

from discovery.figures.files import figure_bytes
from discovery.figures.maps import MARKERS, map_figure
from discovery.pages.palette import SYMBOLS, class_marks

HOSTILE = ["$\\frac{1}$", "<script>alert(1)</script>", "_hidden", "a\nb", "$", "{x}"]


def points(count, dims=2):
    return np.random.default_rng(1).normal(size=(count, dims)).astype(np.float32)


def texts(figure):
    root = ET.fromstring(figure_bytes(figure, "svg"))
    return {"".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")}


def test_every_symbol_of_the_palette_has_a_marker():
    assert set(SYMBOLS) < set(MARKERS)


@pytest.mark.parametrize("dims", [2, 3])
def test_hostile_labels_stay_text(dims):
    column = pd.Series(HOSTILE * 3, name="label")
    found = texts(map_figure(points(len(column), dims), column, method="UMAP"))
    assert {"$\\frac{1}$ (3)", "<script>alert(1)</script> (3)", "_hidden (3)", "a b (3)", "$ (3)", "{x} (3)"} <= found


def test_points_have_the_colours_and_places_of_their_classes():
    own = points(30)
    column = pd.Series(["b"] * 20 + ["a"] * 10, name="label")
    panel = map_figure(own, column, method="t-SNE").axes[0]
    drawn = {to_hex(part.get_facecolor()[0]).upper(): part.get_offsets() for part in panel.collections}
    first, second = (mark.light for mark in class_marks(2))
    np.testing.assert_allclose(drawn[first], own[:20])
    np.testing.assert_allclose(drawn[second], own[20:])


def test_noise_is_hollow_and_behind():
    column = pd.Series([0] * 5 + [-1] * 9, name="cluster")
    panel = map_figure(points(14), column, method="UMAP").axes[0]
    assert [len(part.get_offsets()) for part in panel.collections] == [9, 5]
    assert len(panel.collections[0].get_facecolor()) == 0


def test_a_wide_range_of_numbers_has_a_logarithmic_scale_without_its_extremes():
    snr = np.geomspace(7, 90, 500)
    column = pd.Series(np.append(snr, [1e5, np.nan]), name="snr")
    figure = map_figure(points(502), column, method="t-SNE")
    missing, known = figure.axes[0].collections
    assert (len(missing.get_offsets()), len(known.get_offsets())) == (1, 501)
    assert known.norm.vmax < 100
    wide = pd.Series(np.geomspace(1, 1e4, 300), name="snr")
    scale = map_figure(points(300), wide, method="t-SNE").axes[0].collections[0].norm
    assert isinstance(scale, LogNorm)
    assert not isinstance(known.norm, LogNorm)
