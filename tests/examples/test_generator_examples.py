"""The examples that train and judge a generator, small, on pictures that are there already."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.generators import make_study

from embed.generator.learned import read_learned, write_learned
from embed.generator.model import load_generator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def pictures(tmp_path):
    """A folder with views of eight classes, bright in different rows."""
    rng = np.random.default_rng(1)
    labels = np.repeat([f"Class_{code}" for code in range(8)], 30)
    levels = rng.integers(5, 60, (240, 3, 8, 8), dtype=np.uint8)
    levels[np.arange(240), :, np.repeat(np.arange(8), 30)] += 120
    np.save(tmp_path / "views.npy", levels)
    np.save(tmp_path / "labels.npy", labels)
    return tmp_path


def play(monkeypatch, script, *options):
    monkeypatch.setattr(sys, "argv", [script, *map(str, options)])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return runpy.run_path(str(EXAMPLES / script), run_name="__main__")


def test_a_generator_is_trained_by_pictures_or_by_time(pictures, monkeypatch, capsys):
    size = ("--channels", 8, "--batch", 8, "--device", "cpu", "--out", pictures)
    play(monkeypatch, "train_generator.py", "--images", 64, *size)
    assert "'images': 64, 'resolution': 8, 'alpha': 1.0" in capsys.readouterr().out
    model = load_generator(pictures / "generator")
    assert len(model.classes) == 8
    assert model.sample("Class_3", 2, 1).shape == (2, 3, 8, 8)
    for name in ("samples.png", "real.png"):
        with Image.open(pictures / name) as sheet:
            assert sheet.height == 8 * (8 + 2)
    assert (pictures / "critic.safetensors").exists()
    play(monkeypatch, "train_generator.py", "--seconds", 0.5, "--every", 0.2, *size)
    with (pictures / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["resolution"] == "8"
    assert rows[-1]["alpha"] == "1.0"


def test_a_generator_of_simulated_glitches_says_that_it_learned_from_none_of_a_study(pictures, monkeypatch):
    write_learned(pictures, (), ())
    size = ("--images", 16, "--channels", 8, "--batch", 8, "--device", "cpu", "--out", pictures)
    play(monkeypatch, "train_generator.py", *size)
    model = load_generator(pictures / "generator")
    assert read_learned(model).ids == frozenset()
    assert "parts.csv" in (pictures / "generator" / "SHA256SUMS").read_text()


SMALL = ("--resolution", 8, "--images", 16, "--channels", 8, "--batch", 8, "--device", "cpu", "--features", "glitch")


def test_real_ones_are_few_and_what_lacks_is_said(tmp_path, monkeypatch, capsys):
    make_study(tmp_path, {"Blip": 14, "Whistle": 8})
    ways = ("--ways", "none", "oversampling", "progan", "--filled", 11, "--tested", 4)
    options = ("--out", tmp_path / "out", "--real", tmp_path / "data", *SMALL, *ways)
    play(monkeypatch, "judge_generator.py", *options, "--seeds", 1)
    out = capsys.readouterr().out
    assert "few 10: Whistle: 5 of 10 asked for to learn from, 3 of 4 to test (8 in all)" in out
    assert "progan: learned from the 15 glitches of a draw, 5 to 10 of each class" in out
    play(monkeypatch, "judge_generator.py", *options, "--seeds", 2)
    out = capsys.readouterr().out
    assert "\n5 0 " not in out  # kept
    assert "deviation nan" not in out
    assert "over oversampling" in out
    with pytest.raises(
        SystemExit, match=r"judged-real.csv in .* was made with --filled 11, not 12: give another --out"
    ):
        play(monkeypatch, "judge_generator.py", *options, "--filled", 12)
    with (tmp_path / "out" / "judged-real-table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["few"] for row in rows} == {"5", "10"}
    assert {row["measure"] for row in rows} == {"macro F1", "F1 of Blip", "F1 of Whistle"}
    for row in rows:
        assert row["seeds"] == "2"
        assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
        assert float(row["over_none"]) == pytest.approx(0) or row["way"] != "none"


@pytest.mark.long
def test_simulated_ones_are_in_the_balance_of_the_first_run(tmp_path, monkeypatch, capsys):
    tool = play_names(monkeypatch, "judge_generator.py")
    counts = tool["o1_counts"](6575)
    assert counts["Blip"] / counts["Koi_Fish"] == pytest.approx(1742 / 704, rel=0.01)  # counted in the published table
    rare = tool["rarest"](tool["o1_counts"](60))
    rng = np.random.default_rng(1)
    pool = {name: 2 + (50 if name in rare else count) for name, count in tool["o1_counts"](60).items()}
    labels = np.repeat(list(pool), list(pool.values()))
    folder = tmp_path / "simulated-60-2-8"
    folder.mkdir()
    np.save(folder / "views.npy", rng.integers(0, 255, (len(labels), 3, 8, 8), dtype=np.uint8))
    np.save(folder / "labels.npy", labels)
    ways = ("--ways", "none", "oversampling", "--filled", 30, "--tested", 2, "--n", 60)
    play(monkeypatch, "judge_generator.py", "--out", tmp_path, *SMALL, *ways, "--seeds", 2)
    assert "few  o1  oversampling F1 of those with 10" in capsys.readouterr().out
    with (tmp_path / "judged.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 5
    assert all(0 <= float(row["value"]) <= 1 for row in rows)


def play_names(monkeypatch, script):
    """What a script defines, without running it."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return runpy.run_path(str(EXAMPLES / script))
