"""The examples that train and judge a generator, small, on pictures that are there already."""

import csv
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


@pytest.mark.long
def test_ways_of_filling_are_judged_and_finished_ones_are_kept(pictures, monkeypatch, capsys):
    options = ("--out", pictures, "--tested", 8, "--common", 20, "--images", 64, "--channels", 8, "--batch", 8)
    ways = ("--methods", "none", "oversampling", "classical", "progan", "--device", "cpu", "--features", "glitch")
    play(monkeypatch, "judge_generator.py", *options, *ways, "--seeds", 1)
    play(monkeypatch, "judge_generator.py", *options, *ways, "--seeds", 2)
    out = capsys.readouterr().out
    assert out.count("\n0 progan ") == 1
    assert "progan (2 seeds): macro_f1 " in out
    with (pictures / "judged.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["method"]) for row in rows] == [(seed, way) for seed in "01" for way in ways[1:5]]
    assert all(0 <= float(row["rare_f1"]) <= 1 for row in rows)
