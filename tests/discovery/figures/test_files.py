"""Figures as files: embedded fonts, no dates, the same bytes, the asked formats only."""

import io
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from discovery.figures.files import DOTS, DOUBLE, figure_bytes, save_figures
from discovery.figures.maps import map_figure
from discovery.figures.options import FORMATS


def drawn():
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    return map_figure(points, pd.Series(["Blip", "Koi_Fish", "Tomte"] * 20, name="label"), method="t-SNE")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_same_figure_has_the_same_bytes_and_no_date(kind, monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    first = figure_bytes(drawn(), kind)
    assert first == figure_bytes(drawn(), kind)
    assert not re.search(rb"Date|dc:date|20[0-9]{2}-", first if kind != "png" else b"")


def test_text_stays_text_and_fonts_are_embedded():
    assert b">Koi_Fish (20)<" in figure_bytes(drawn(), "svg")
    pdf = figure_bytes(drawn(), "pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_a_figure_is_as_wide_as_two_columns():
    picture = Image.open(io.BytesIO(figure_bytes(drawn(), "png")))
    assert picture.width == DOUBLE * DOTS
    width = re.search(rb'width="([0-9.]+)pt"', figure_bytes(drawn(), "svg"))
    assert float(width[1]) == DOUBLE * 72


def test_matplotlib_keeps_its_settings():
    before = dict(mpl.rcParams)
    figure_bytes(drawn(), "svg")
    assert dict(mpl.rcParams) == before


def test_figures_are_the_same_whatever_another_package_set():
    plain = [figure_bytes(drawn(), kind) for kind in FORMATS]
    with mpl.rc_context({"axes.grid": True, "font.size": 12.0, "savefig.facecolor": "red"}):
        assert [figure_bytes(drawn(), kind) for kind in FORMATS] == plain


def test_a_picture_is_copied_as_png_and_embedded_whole_elsewhere(tmp_path):
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)).save(out, "PNG")
    files = save_figures({"sheet": out.getvalue()}, tmp_path, FORMATS)
    assert files["figures/sheet.png"].read_bytes() == out.getvalue()
    assert b"/Width 60" in files["figures/sheet.pdf"].read_bytes()
    assert b"<image" in files["figures/sheet.svg"].read_bytes()


def test_figures_of_an_earlier_run_go(tmp_path):
    save_figures({"old": drawn(), "kept": drawn()}, tmp_path, ["svg"])
    (tmp_path / "figures" / "notes.txt").write_text("mine")
    save_figures({"kept": drawn()}, tmp_path, ["png"])
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["kept.png", "notes.txt"]
