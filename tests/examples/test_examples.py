"""The examples are run, small."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embed.simulator import simulate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_demonstration_finds_the_three_hidden_families_and_wrong_labels(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["demo.py", "--out", str(tmp_path), "--n", "400"])
    runpy.run_path(str(EXAMPLES / "demo.py"), run_name="__main__")
    out = capsys.readouterr().out
    score = float(out.split("adjusted mutual information with the truth:")[1].split()[0])
    assert score >= 0.85
    for name in ("Harmonic_Comb", "Reverse_Chirp", "Triangle_Sweep"):
        assert name in out
    assert (tmp_path / "study" / "reports" / "map-tsne-3d" / "embedding.html").exists()
    assert float(out.split("precision ")[1].split(":")[0]) >= 0.6
    assert float(out.split("recall ")[1].split(":")[0]) >= 0.2
    assert (tmp_path / "study" / "reports" / "audit" / "volunteers" / "manifest.csv").exists()


def test_looks_are_compared_and_what_holds_no_whole_glitch_is_refused(tmp_path, monkeypatch, capsys):
    simulate(tmp_path / "sim", 2, 1, classes=("Blip",))
    script = str(EXAMPLES / "compare_looks.py")
    out = tmp_path / "looks.png"
    options = ["--out", str(out), "--each", "2", "--draws", "2"]
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "sim"), *options])
    runpy.run_path(script, run_name="__main__")
    assert "1 classes" in capsys.readouterr().out
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
