"""The volunteers' folder: what Panoptes does with it, that controls cannot be told, and pictures as Gravity Spy's."""

import csv
import io
import os
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from support.audited import CLASSES, make_study, read_csv, run_audit
from support.gallery import draw_levels, png, published, write

from audit.review import spectrograms
from audit.review.ledger import find_audit, subjects_of
from audit.review.manifest import AUDIT, SUBJECT, put_safe_row_first, write_manifest
from audit.review.spectrograms import MAX_BYTES, draw_picture, picture_png, title
from audit.review.table import IMAGES
from discovery.labelaudit.glitches import read_glitches
from embed import Study
from embed.errors import InputError
from embed.qtransform.picture import PUBLISHED_SHAPE
from embed.study.records import View
from embed.views.decoding import PUBLISHED_BOX, picture_box
from embed.views.png import levels_to_png
from embed.views.viridis import colours_of_levels


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder, truth = make_study(tmp_path_factory.mktemp("volunteers"))
    return folder, truth, run_audit(folder)


@pytest.fixture
def folder(audited):
    return audited[0] / "reports" / "audit" / "volunteers"


def views_of(folder):
    with Study(folder) as study:
        return read_glitches(study).views


def panoptes_rows(manifest, file_columns=()):
    """What ``panoptes subject-set upload-subjects`` makes of a manifest (commands/subject_set.py): files and metadata a row."""
    found = []
    root = os.path.dirname(manifest)  # noqa: PTH120 - as the program does
    columns = list(file_columns)
    reader = csv.reader(io.StringIO(manifest.read_text("utf-8")), skipinitialspace=True)
    headers = next(reader)
    for row in reader:
        if not columns:
            columns = [n for n, cell in enumerate(row, 1) if os.path.exists(os.path.join(root, cell))]  # noqa: PTH110, PTH118
        files = [os.path.join(root, row[n - 1]) for n in columns]  # noqa: PTH118
        assert all(os.path.isfile(path) and 0 < os.path.getsize(path) <= 1024 * 1024 for path in files)  # noqa: PTH113, PTH202
        found.append((files, dict(zip(headers, row, strict=True))))
    return found


@pytest.mark.parametrize("options", [(), (1, 2, 3, 4)])
def test_panoptes_finds_four_pictures_in_order_with_and_without_their_columns(folder, options):
    rows = panoptes_rows(folder / "manifest.csv", options)
    assert rows
    for files, metadata in rows:
        assert [re.search(r"_spectrogram_(.+)\.png", name).group(1) for name in files] == ["0.5", "1.0", "2.0", "4.0"]
        assert len({name.split("_spectrogram_")[0] for name in files}) == 1
        assert all(metadata.values())


def test_the_names_are_gravity_spys_and_ours_are_hidden(audited, folder):
    rows = read_csv(folder / "manifest.csv")
    assert list(rows[0]) == [
        *("Filename1", "Filename2", "Filename3", "Filename4", "date", "subject_id", "q_value", "label"),
        *("#discover_subject", "#discover_audit"),
    ]
    assert {row[AUDIT] for row in rows} == {audited[2].passport}
    assert all(re.fullmatch(r"20151[0-9]{3}|2015[0-9]{4}", row["date"]) for row in rows)
    assert {row["q_value"] for row in rows} == {"unknown"}
    assert len({row[SUBJECT] for row in rows}) == len({row["subject_id"] for row in rows}) == len(rows)


def test_controls_are_known_to_the_study_alone(audited, folder):
    study_folder, truth, found = audited
    with Study(study_folder) as study:
        subjects = subjects_of(study, find_audit(study, found.passport))
        names = study.glitches()["id"].to_dict()
    rows = {row[SUBJECT]: row for row in read_csv(folder / "manifest.csv")}
    assert set(rows) == set(subjects)
    kinds = Counter(subject.control for subject in subjects.values())
    assert kinds["right"] == kinds["planted"] == 4
    assert kinds[""] == found.result.listed
    labels = dict(zip(found.glitches["id"], found.glitches["label"], strict=True))
    for key, subject in subjects.items():
        name = names[subject.glitch]
        assert rows[key]["label"] == subject.shown
        if subject.control == "planted":
            assert subject.shown != labels[name] == truth[name]
        else:
            assert subject.shown == labels[name]
        if subject.control == "right":
            assert labels[name] == truth[name]
    everything = (folder / "manifest.csv").read_text() + (folder / "README.md").read_text()
    assert "planted" not in (folder / "manifest.csv").read_text()
    assert all(key not in (folder / "README.md").read_text() for key in subjects)
    assert "control" not in "".join(path.name for path in folder.iterdir())
    assert everything


def test_the_coordinator_reads_the_interval_of_the_page(audited, folder):
    stated = audited[2].result.in_list
    assert f"about {stated.expected:.0f} ({stated.low:.0f} to {stated.high:.0f})" in " ".join(
        (folder / "README.md").read_text().split()
    )


def test_controls_are_mixed_in(audited, folder):
    with Study(audited[0]) as study:
        subjects = subjects_of(study, find_audit(study, audited[2].passport))
    order = [subjects[row[SUBJECT]].control != "" for row in read_csv(folder / "manifest.csv")]
    assert 0 < np.mean(np.flatnonzero(order)) / len(order) < 1
    assert order != sorted(order)
    assert order != sorted(order, reverse=True)


def test_same_seed_same_folder_and_another_seed_other_controls(audited, tmp_path):
    folder, _, found = audited
    old = tmp_path / "two" / "H1_old_spectrogram_0.5.png"
    write(old, b"of an earlier pack")
    views = views_of(folder)
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        write_manifest(tmp_path / name, found.result, found.glitches, views, "audit-x", first=3, seed=seed)
    one, two, three = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two", "three")
    )
    assert one == two
    assert one["manifest.csv"] != three["manifest.csv"]
    assert len(read_csv(tmp_path / "one" / "manifest.csv")) == 3 + 8
    assert not old.exists()


def test_nothing_to_ask(audited, tmp_path):
    folder, _, found = audited
    views = views_of(folder)
    bare = found.glitches.assign(**dict.fromkeys(IMAGES, ""))
    assert write_manifest(tmp_path / "v", found.result, bare, views, "audit-x") is None
    empty = replace(found.result, listed=0)
    assert write_manifest(tmp_path / "v", empty, found.glitches, views, "audit-x") is None
    some = found.glitches.copy()
    some.loc[found.result.order[0], "image_4.0"] = ""
    manifest = write_manifest(tmp_path / "v", found.result, some, views, "audit-x", first=2)
    assert manifest.without_pictures == 1
    assert found.glitches["glitch"].iloc[found.result.order[0]] not in {s.glitch for s in manifest.subjects}


def test_the_coordinators_readme(audited, folder):
    text = (folder / "README.md").read_text()
    assert "panoptes subject-set upload-subjects -f 1 -f 2 -f 3 -f 4 SUBJECT_SET_ID manifest.csv" in text
    assert "discover audit import" in text
    assert all(f"- {name}\n" in text for name in CLASSES)
    assert audited[2].passport in text
    assert "8 are controls" in text


def test_a_first_row_that_names_a_file_is_not_first(tmp_path):
    (tmp_path / "H1").mkdir()
    rows = [["a.png", "H1", "x"], ["b.png", "Blip", "y"], ["c.png", "", "z"]]
    put_safe_row_first(rows, 1, tmp_path)
    assert rows[0] == ["b.png", "Blip", "y"]
    bad = [["a.png", "d", "i", "q", "H1"], ["c.png", "d", "i", "q", "."]]
    with pytest.raises(InputError, match="every row for volunteers has a cell that names a file, for example 'H1'"):
        put_safe_row_first(bad, 1, tmp_path)


def view(path, kind="spectrogram", duration=1.0):
    return View(1, 1, duration, kind, str(path), "", "")


def test_a_published_picture_is_copied(tmp_path):
    data = png(published(draw_levels(np.random.default_rng(0))))
    (tmp_path / "x.png").write_bytes(data)
    assert picture_png(view(tmp_path / "x.png"), "H1", 1.13e9) == data


def test_a_drawn_picture_reads_back_as_the_same_levels(tmp_path):
    levels = draw_levels(np.random.default_rng(0))
    drawn = np.asarray(Image.open(io.BytesIO(draw_picture(levels, 2.0, "Hanford - O1"))).convert("RGB"))
    assert drawn.shape == (600, 800, 3)
    assert picture_box(drawn) == PUBLISHED_BOX
    left, top, right, bottom = PUBLISHED_BOX
    np.testing.assert_array_equal(drawn[top:bottom, left:right], colours_of_levels(levels))
    assert (drawn[:40, 250:560] < 100).any()  # the title
    assert (drawn[549:, 380:420] < 100).any()  # a tick's number
    (tmp_path / "x.png").write_bytes(levels_to_png(levels[::2, ::2]))
    other = picture_png(view(tmp_path / "x.png"), "L1", 1.17e9)
    assert 0 < len(other) <= MAX_BYTES
    assert picture_box(np.asarray(Image.open(io.BytesIO(other)).convert("RGB"))) == PUBLISHED_BOX


def test_pictures_drawn_at_once_leave_the_users_settings_of_matplotlib(monkeypatch):
    """Two threads draw: the second one's settings must not be taken from the first, who ends first."""
    begun, both, ended = threading.Event(), threading.Event(), threading.Event()
    make = spectrograms.Figure

    def figure(*given, **named):
        if begun.is_set():
            both.set()
            ended.wait(5)
        else:
            begun.set()
            both.wait(0.5)
        return make(*given, **named)

    def draw(heading):
        draw_picture(np.zeros(PUBLISHED_SHAPE, np.uint8), 1.0, heading)
        ended.set()

    monkeypatch.setattr(spectrograms, "Figure", figure)
    with mpl.rc_context({"font.size": 23.0}), ThreadPoolExecutor(2) as pool:
        first = pool.submit(draw, "drawn at once, first")
        begun.wait(5)
        second = pool.submit(draw, "drawn at once, second")
        first.result(), second.result()
        assert mpl.rcParams["font.size"] == 23.0


def test_a_plain_picture_is_shrunk_below_the_limit(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3)).astype(np.uint8)
    (tmp_path / "x.png").write_bytes(png(noise))
    assert len(picture_png(view(tmp_path / "x.png", "image", 0.0), "", np.nan)) <= MAX_BYTES


def test_titles():
    assert title("L1", 1.2389e9) == "Livingston - O3"
    assert title("H1", 1.13e9) == "Hanford - O1"
    assert title("X1", 5.0) == "X1"
    assert title("", np.nan) == ""


def test_a_picture_that_is_gone(tmp_path):
    with pytest.raises(InputError, match=r"gone\.png cannot be read .*restore it"):
        picture_png(view(tmp_path / "gone.png"), "H1", 1.13e9)
