"""The examples are run, small."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.gallery import draw_levels, png, published, view_name, write

from embed.simulator import simulate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def tell(tmp_path, monkeypatch, capsys):
    """Run a story with some options, its results in the test's folder; returns what it printed."""

    def told(script, *options):
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.setattr(sys, "argv", [script, *map(str, options), "--out", str(tmp_path)])
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        return capsys.readouterr().out

    return told


def png_size(path):
    with Image.open(path) as picture:
        return picture.size


def after(out, words):
    """The number that comes after some words."""
    return float(out.split(words)[1].split()[0].rstrip(",:"))


def test_the_demonstration_finds_the_three_hidden_families_and_wrong_labels(tell, tmp_path, monkeypatch):
    for least_or_most in (
        "MIN_PLANTINGS",
        "MAX_PLANTINGS",
    ):  # how good a calibration is, is the business of tests/audit
        monkeypatch.setattr(f"audit.verdict.{least_or_most}", 2)
    out = tell("demo.py", "--n", 220)
    score = float(out.split("adjusted mutual information with the truth:")[1].split()[0])
    assert score >= 0.85
    for name in ("Harmonic_Comb", "Reverse_Chirp", "Triangle_Sweep"):
        assert name in out
    assert (tmp_path / "study" / "reports" / "map-tsne-3d" / "embedding.html").exists()
    assert float(out.split("precision ")[1].split(":")[0]) >= 0.6
    assert float(out.split("recall ")[1].split(":")[0]) >= 0.2
    assert (tmp_path / "study" / "reports" / "audit" / "volunteers" / "manifest.csv").exists()


def test_the_best_cluster_holds_most_of_the_wanted(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    story = runpy.run_path(str(EXAMPLES / "story.py"))
    clusters = pd.Series([0, 0, 0, 1, 1, -1, -1], index=list("abcdefg"))
    assert story["best_cluster"](clusters, pd.Index(["b", "c", "d", "f", "g"])) == (0, 2 / 3, 0.4)
    assert story["best_cluster"](clusters, pd.Index(["f", "g"])) == (-1, 0.0, 0.0)
    header = "cluster,size,verdict,probability,nearest_1,nearest_2,nearest_3"
    (tmp_path / "certificates.csv").write_text(
        f"{header}\n0,3,new class,0.98,Blip (5.0),Chirp (6.1),\n1,2,distinct group,,,,\n"
    )
    said = "cluster 0: 3 glitches, new class, probability of being new 0.98; nearest known classes: Blip (5.0), Chirp (6.1)"
    assert story["certificate_of"](tmp_path, 0) == said
    assert story["certificate_of"](tmp_path, 1) == "cluster 1: 2 glitches, distinct group; nearest known classes: none"
    points = np.random.default_rng(0).random((7, 3))
    groups = clusters.astype(str)
    for name, axes in (("flat", 2), ("deep", 3)):
        story["draw_panels"](tmp_path / f"{name}.png", points[:, :axes], {"a": groups, "b": groups}, quiet="-1")
        assert png_size(tmp_path / f"{name}.png") == (1320, 616)


def test_reversed_chirps_are_found(tell, tmp_path):
    out = tell("reverse_chirp.py", "--n", 115)
    assert after(out, "purity ") >= 0.8
    assert after(out, "recall ") >= 0.6
    assert "nearest known classes: " in out
    assert png_size(tmp_path / "reverse_chirp.png") == (660, 616)
    assert (tmp_path / "study" / "reports" / "cluster-None_of_the_Above-hdbscan" / "contact-sheet.png").exists()


def test_pictures_are_mirrored_in_time_within_their_axes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    rng = np.random.default_rng(3)
    levels = draw_levels(rng, 2)
    for duration in (1.0, 4.0):
        write(tmp_path / "real" / "Chirp" / view_name("a", duration), png(published(levels)))
    story = runpy.run_path(str(EXAMPLES / "reverse_chirp.py"))
    assert story["mirror"](tmp_path / "real", tmp_path / "out") == ["H1_mirroreda"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["H1_mirroreda_spectrogram_1.0.png", "H1_mirroreda_spectrogram_4.0.png"]
    with Image.open(tmp_path / "out" / names[0]) as picture:
        pixels = np.asarray(picture)
    expected = published(levels[:, ::-1])
    assert (pixels == expected).all()


def test_real_classes_are_found_again(tell, tmp_path, real_data):
    """A part of the real glitches: every third one."""
    source = real_data / "gravityspy"
    names = sorted({path.name.split("_spectrogram_")[0] for path in source.rglob("*.png")})[::3]
    for path in source.rglob("*.png"):
        if path.name.split("_spectrogram_")[0] in names:
            (tmp_path / "part" / path.parent.name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "part" / path.parent.name / path.name).symlink_to(path)
    (tmp_path / "part" / "truth.csv").symlink_to(source / "truth.csv")
    out = tell("fast_scattering.py", tmp_path / "part")
    scores = [float(part.split()[0]) for part in out.split("information with the expert: ")[1:]]
    assert len(scores) == 2
    assert min(scores) >= 0.85
    assert after(out, "Fast_Scattering: purity ") >= 0.95


def test_a_story_of_real_glitches_needs_their_truth(tell, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tell("fast_scattering.py", tmp_path)
    assert "has no truth.csv; give a folder of images" in capsys.readouterr().err


def test_what_is_in_none_of_the_above(tell, tmp_path):
    out = tell("none_of_the_above.py", "--n", 60)
    scores = [float(part.split()[0]) for part in out.split("information with the truth: ")[1:]]
    assert len(scores) == 2
    assert max(scores) >= 0.7
    for method in ("tsne", "umap"):
        assert png_size(tmp_path / f"{method}.png") == (1980, 616)


def test_an_onset_is_recovered(tell, tmp_path):
    out = tell("onset.py", "--n", 100, "--name", "Blip")
    assert "it holds the true time" in out
    assert (tmp_path / "study" / "reports" / "onset" / "onset.png").exists()


def test_looks_are_compared_and_what_holds_no_whole_glitch_is_refused(tmp_path, monkeypatch, capsys):
    simulate(tmp_path / "sim", 2, 1, classes=("Blip",))
    script = str(EXAMPLES / "compare_looks.py")
    out = tmp_path / "looks.png"
    options = ["--out", str(out), "--each", "2", "--draws", "2"]
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "sim"), *options])
    runpy.run_path(script, run_name="__main__")
    assert ": 1 class\n" in capsys.readouterr().out
    with Image.open(out) as sheet:
        assert sheet.size == (3 * (4 * 112 + 6), 112 + 12)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "empty"), *options])
    with pytest.raises(SystemExit):
        runpy.run_path(script, run_name="__main__")
    assert "holds no folder of a simulated class with a glitch that has all four views" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["compare_looks.py", "judge_backbone.py"])
def test_what_is_no_folder_is_refused_at_once(tmp_path, monkeypatch, capsys, script):
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit):
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    assert "nowhere is not a folder; give" in capsys.readouterr().err


def test_heads_are_asked_about_whole_glitches_and_single_views_and_counted(tmp_path):
    simulate(tmp_path / "sim", 6, 1, classes=("Koi_Fish", "Scattered_Light"), equal=True)
    script = str(EXAMPLES / "judge_backbone.py")
    judge = runpy.run_path(script)
    pictures = judge["read_pictures"](tmp_path / "sim", {}, judge["RGB"], 64)
    singles = judge["read_pictures"](tmp_path / "sim", {}, judge["ANY"], 64)
    assert pictures.levels.shape == (6, 3, 64, 64)
    assert singles.levels.shape == (24, 1, 64, 64)
    first = next((tmp_path / "sim").rglob("*_4.0.png")).name.split("_")[1]
    told = judge["read_pictures"](tmp_path / "sim", {first: "Blip"}, judge["RGB"], 64)
    assert sorted(told.classes) != sorted(pictures.classes)
    classes = np.array(["A", "B", "C", "D"])
    chances = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    row, wrong = judge["judged"](np.array(["A", "A"]), classes, chances)
    assert (row["asked"], row["top-1"], row["top-3"]) == (2, 0.5, 0.5)
    assert wrong == [{"truth": "A", "answers": "D, C, B"}]


def test_the_extent_of_a_glitch_is_that_of_the_bright_pixels_that_touch(tmp_path, monkeypatch, capsys):
    script = str(EXAMPLES / "compare_spread.py")
    extent = runpy.run_path(script)["extent"]
    view = np.full((154, 400), 10, np.uint8)  # 154 rows of a twentieth of an octave, 0.01 s a column
    view[60:80, 190:210] = 200
    view[60:80, 300:320] = 250  # brighter, but apart and far from the middle
    duration, bandwidth = extent(view)
    octaves = np.log2(204.8) / 154
    assert duration == pytest.approx(0.2)
    assert bandwidth == pytest.approx(2048 * (2 ** (-octaves * 60) - 2 ** (-octaves * 80)))
    table = tmp_path / "real.csv"
    table.write_text("snr,peakFreq,duration,bandwidth,label\n20,150,0.1,300,Blip\n9,150,0.1,300,Blip\n")
    monkeypatch.setattr(sys, "argv", [script, str(table), "--most", "4", "--classes", "Blip"])
    runpy.run_path(script, run_name="__main__")
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["Blip", "2", "14.5"]
    table.write_text("snr,label\n20,Blip\n")
    with pytest.raises(SystemExit):
        runpy.run_path(script, run_name="__main__")
    assert "has no column bandwidth, duration, peakFreq" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "nowhere.csv")])
    with pytest.raises(SystemExit):
        runpy.run_path(script, run_name="__main__")
    assert "nowhere.csv is not a file; give a CSV of real glitches" in capsys.readouterr().err


@pytest.mark.long
def test_the_demonstration_takes_any_images_and_ends_with_the_audit(tell, tmp_path):
    """Plain pictures of two kinds, none of them None_of_the_Above."""
    rng = np.random.default_rng(0)
    for kind, count in (("discs", 14), ("stripes", 12)):
        for number in range(count):
            pixels = rng.integers(0, 60, (64, 64, 3), np.uint8)
            if kind == "discs":
                pixels[16:48, 16:48] += 150
            else:
                pixels[::8] += 150
            (tmp_path / "images" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "images" / kind / f"{kind}{number}.png")
    out = tell("demo.py", "--data", tmp_path / "images")
    assert "$ discover cluster discs" in out
    assert (tmp_path / "reports" / "audit" / "audit.html").exists()
    assert out.rstrip().endswith("index.html")
