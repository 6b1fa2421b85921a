"""A map is drawn once: later glitches are placed on it, and what was there stays."""

import shutil

import numpy as np
import pandas as pd
import pytest
from support.gallery import make_gallery

from discovery.candidates.maps import draw_map
from discovery.candidates.options import MapOptions
from discovery.candidates.storedmap import load_map
from embed import Study, embed, ingest_folder
from embed.errors import InputError, StudyError
from embed.vectors.options import EmbeddingOptions

AXES = ["x", "y", "z", "flat_x", "flat_y"]


@pytest.fixture
def study(embedded, tmp_path):
    with Study(shutil.copytree(embedded, tmp_path / "study")) as opened:
        yield opened


@pytest.fixture
def vectors(study, tiny):
    """Make the study's vectors by a tiny network, after more glitches where a folder for them is given."""

    def make(folder=None, counts=None, seed=0):
        if folder is not None:
            make_gallery(folder, counts, seed=seed, prefix=f"s{seed}")
            with study.run("ingest"):
                ingest_folder(study, folder)
        return embed(study, EmbeddingOptions(**tiny))

    return make


def lines(drawn):
    """The axes of each glitch as text, byte for byte as written."""
    table = pd.read_csv(drawn.files["coordinates.csv"], dtype=str)
    return {row["id"]: tuple(row[name] for name in AXES if name in table.columns) for _, row in table.iterrows()}


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_old_points_stay_and_new_ones_are_placed_in_any_order(study, vectors, tmp_path, method):
    options = MapOptions(method=method)
    first = draw_map(study, vectors(), options=options)
    assert first.layout.note == ""
    assert "placed" not in first.table.columns
    before = lines(first)
    store = vectors(tmp_path / "more", {"Blip": 3, "Power_Line": 2}, seed=5)
    second = draw_map(study, store, options=options)
    after = lines(second)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 5 == 29
    assert (second.layout.added, second.layout.note) == (5, "")
    assert second.table["placed"].sum() == 5
    again = draw_map(study, store, options=options)
    assert lines(again) == after
    assert (again.layout.added, again.layout.placed.sum()) == (0, 5)
    third = lines(draw_map(study, vectors(tmp_path / "still", {"Blip": 2}, seed=6), options=options))
    assert {name: third[name] for name in after} == after
    apart = draw_map(study, vectors(tmp_path / "none", {"Blip": 1}, seed=7), options=options, out=tmp_path / "out")
    assert not apart.layout.placed.any()  # another folder holds no map
    text = second.files["embedding.html"].read_text("utf-8")
    assert "placed on the map that was there" in text


def test_of_many_glitches_some_are_placed_among_the_others(study, vectors, monkeypatch, tmp_path):
    monkeypatch.setattr("discovery.candidates.options.LEAST_LANDMARKS", 8)
    store = vectors()
    drawn = draw_map(study, store, options=MapOptions(landmarks=16))
    assert (drawn.layout.sampled, drawn.table["placed"].sum(), drawn.layout.added) == (8, 8, 0)
    assert "placed among those laid out" in drawn.files["embedding.html"].read_text("utf-8")
    before = lines(drawn)
    later = draw_map(study, vectors(tmp_path / "more", {"Blip": 3}, seed=5), options=MapOptions(landmarks=16))
    assert {name: lines(later)[name] for name in before} == before
    assert (later.layout.sampled, later.layout.added) == (0, 3)


def test_too_few_landmarks_are_refused():
    with pytest.raises(InputError, match="99 landmarks are too few for a map; give at least 100"):
        MapOptions(landmarks=99)


def test_why_a_map_is_laid_out_afresh(study, vectors, tmp_path):
    store = vectors()
    first = lines(draw_map(study, store))
    assert draw_map(study, store, options=MapOptions(seed=4)).layout.note == "the map that was there has seed 0"
    assert draw_map(study, store, options=MapOptions(seed=4)).layout.note == ""
    draw_map(study, store)
    larger = vectors(tmp_path / "more", {"Blip": 3}, seed=5)
    fresh = draw_map(study, larger, options=MapOptions(anew=True))
    assert not fresh.layout.placed.any()
    assert fresh.layout.note == ""
    assert {name: lines(fresh)[name] for name in first} != first
    stored = load_map(fresh.files["map.npz"].parent)
    assert (stored.points == fresh.layout.points).all()
    assert stored.settings["method"] == "tsne"


def test_glitches_with_other_pictures_move(study, vectors):
    store = vectors()
    drawn = draw_map(study, store)
    path = drawn.files["map.npz"]
    with np.load(path) as held:
        arrays = dict(held)
    arrays["inputs"][3] ^= 1
    np.savez(path, **arrays)
    assert draw_map(study, store).layout.note == "1 glitch of the map that was there has other pictures now"


def test_a_damaged_map_is_named(study, vectors):
    store = vectors()
    path = draw_map(study, store).files["map.npz"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(StudyError, match=r"map.npz cannot be read; delete it, or lay out afresh with --anew"):
        draw_map(study, store)
    assert draw_map(study, store, options=MapOptions(anew=True)).layout.points.shape == (24, 3)


def test_a_map_in_3d_has_a_flat_one_that_an_older_map_lacks(study, vectors):
    store = vectors()
    first = draw_map(study, store)
    flat = draw_map(study, store, options=MapOptions(dims=2))
    assert first.layout.flat.shape == (24, 2)
    np.testing.assert_array_equal(first.layout.flat, flat.layout.points)  # the same method, laid out on its own
    assert flat.layout.flat.shape == (0, 2)
    assert list(flat.table.columns[-2:]) == ["x", "y"]
    assert "laid out by t-SNE on its own" in first.files["embedding.html"].read_text("utf-8")
    path = first.files["map.npz"]
    with np.load(path) as held:
        arrays = {name: values for name, values in held.items() if name != "flat"}
    np.savez(path, **arrays)
    again = draw_map(study, store)
    assert again.layout.note == ""
    assert lines(again) == lines(first)
    np.savez(path, **arrays, flat=np.zeros((3, 2), np.float32))
    with pytest.raises(StudyError, match="is damaged"):
        draw_map(study, store)
