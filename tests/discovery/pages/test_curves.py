"""Scales and curves: places on an axis, powers of ten, and what the picture holds."""

import re

import pytest

from discovery.pages.curves import Curve, Scale, curves_svg


def test_places_on_a_scale():
    linear = Scale("x", 2.0, 6.0)
    assert [linear.at(value) for value in (2, 3, 6, 7, 1)] == [0, 0.25, 1, 1, 0]
    log = Scale("x", 1e-4, 1.0, log=True)
    assert log.at(1e-2) == pytest.approx(0.5)
    assert log.at(0.0) == 0
    assert [name for _, name in log.ticks()] == ["0.0001", "0.001", "0.01", "0.1", "1"]
    wide = Scale("x", 1e-12, 1.0, log=True)
    assert len(wide.ticks()) <= 8
    assert Scale("x", 3.0, 3.0).at(3.0) == 0


def test_a_curve_has_its_band_its_whiskers_and_its_titles():
    curve = Curve([(0.0, 0.0), (1.0, 1.0)], ends=[(0.0, 0.5), (0.5, 1.0)], dots=[(1.0, 0.5, 0.25, 0.75, "half")])
    drawn = str(curves_svg({"<a>": curve}, Scale("x", 0, 1), Scale("y", 0, 1), title="t"))
    assert "&lt;a&gt;: half" in drawn
    line = re.search(r'class="line s0" points="([^"]+)"', drawn)[1]
    (left, bottom), (right, top) = (map(float, pair.split(",")) for pair in line.split())
    whisker = re.search(r'class="whisker s0" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', drawn)
    x1, y1, x2, y2 = map(float, whisker.groups())
    assert x1 == x2 == right
    assert y1 == pytest.approx(bottom - 0.25 * (bottom - top), abs=0.1)
    assert y2 == pytest.approx(bottom - 0.75 * (bottom - top), abs=0.1)
    assert len(re.search(r'class="band s0" points="([^"]+)"', drawn)[1].split()) == 4
    assert left < right
