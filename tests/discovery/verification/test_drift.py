"""How far a map is from another: turned, shifted and mirrored it is the same map."""

import numpy as np
import pytest

from discovery.verification.drift import compare_maps, measure_drift
from embed.errors import InputError


@pytest.mark.parametrize("dims", [2, 3])
def test_a_turned_mirrored_and_shifted_map_has_not_drifted(dims):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(60, dims))
    turn, _ = np.linalg.qr(rng.normal(size=(dims, dims)))
    drift = measure_drift(points, points @ turn + 7)
    assert drift.moved < 1e-12
    assert drift.kept == 1.0
    grown = measure_drift(points, 3 * points)
    assert grown.moved == pytest.approx(2)  # its size counts
    assert grown.kept == 1.0


def test_drift_is_a_share_of_the_spread():
    """Noise of a tenth of the spread, which fitting a turn hardly takes away."""
    rng = np.random.default_rng(1)
    points = rng.normal(size=(5000, 2))
    drift = measure_drift(100 * points, 100 * (points + 0.1 * rng.normal(size=(5000, 2))))
    assert drift.moved == pytest.approx(0.1, rel=0.05)
    assert 0.05 < drift.kept < 0.6
    assert measure_drift(points, rng.normal(size=(5000, 2))).kept < 0.02


def chart(folder, rows, header="id,label,x,y"):
    folder.mkdir()
    (folder / "coordinates.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_maps_are_compared_by_their_glitches(tmp_path):
    one = chart(tmp_path / "one", ["a,Blip,0,0", "b,Blip,1,0", "c,Blip,0,1"])
    named = compare_maps(one, chart(tmp_path / "named", ["a,Blip,0,0", "b,Tomte,1,0", "c,Blip,0,1"]))
    assert (named.answer, named.is_same) == ("map drift 0", False)
    assert named.differences == ["the points are the same; other columns of the table differ, such as labels"]
    moved = compare_maps(one, chart(tmp_path / "moved", ["d,Blip,9,9", "c,Blip,0,3", "b,Blip,1,0"]))
    assert moved.differences == ["of the map's 3 glitches 1 is not on it, and 1 other is"]
    assert moved.answer.startswith("map drift ")
    assert moved.answer.endswith(" % of its spread, 100 % of 15 nearest neighbours kept")
    other = compare_maps(one, chart(tmp_path / "other", ["e,Blip,0,0", "f,Blip,1,0"]))
    assert (other.answer, other.is_same) == ("no glitch is on both maps", False)
    nearly = compare_maps(one, chart(tmp_path / "nearly", ["a,Blip,0,0", "b,Blip,1,1e-9", "c,Blip,0,1"]))
    assert (nearly.differences, nearly.is_same) == ([], False)
    for name, row in (("broken", "a,Blip,left,0"), ("twice", "b,Blip,0,0\nb,Blip,0,0")):
        with pytest.raises(InputError, match=r"coordinates\.csv cannot be read .*; draw the map again with"):
            compare_maps(one, chart(tmp_path / name, [row]))
    with pytest.raises(InputError, match="has 2 axes, the run that wrote it 3"):
        compare_maps(one, chart(tmp_path / "deep", ["a,Blip,0,0,0"], "id,label,x,y,z"))
