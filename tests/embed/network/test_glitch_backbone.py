"""The backbone that ships: what its file holds, when it is the default, how it does on real glitches, and the scripts that make and judge it."""

import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.neighbors import KNeighborsClassifier
from support.gallery import draw_levels, make_gallery, png, published, view_name, write

from audit import check_leak
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import WeightsError
from embed.network.network import load_network
from embed.network.pretrained import GLITCH_WEIGHTS
from embed.network.sources import default_weights
from embed.training.options import TrainingOptions
from embed.training.start import starting_weights
from embed.views.encoding import parse_encoding

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
JUDGE = runpy.run_path(str(EXAMPLES / "judge_backbone.py"))


def test_the_file_is_small_and_has_a_card():
    assert GLITCH_WEIGHTS.stat().st_size <= 12 * 2**20
    state = load_file(GLITCH_WEIGHTS)
    assert all(value.dtype == torch.float16 for value in state.values() if value.ndim > 1)
    assert all(value.dtype != torch.float16 for value in state.values() if value.ndim <= 1)
    assert "Trained on" in GLITCH_WEIGHTS.with_name("README.md").read_text()


def test_it_is_another_network_than_imagenets_in_single_precision():
    ours, theirs = load_network(weights="glitch"), load_network(weights="bundled")
    assert ours.weights == "glitch"
    assert all(value.dtype in (torch.float32, torch.int64) for value in ours.module.state_dict().values())
    pictures = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        one, other = ours.module(pictures), theirs.module(pictures)
    assert one.shape == (2, 1280)
    assert torch.isfinite(one).all()
    assert (one - other).abs().max() > 0.1
    with pytest.raises(WeightsError, match="no glitch weights ship for vgg16, only for efficientnet_lite0"):
        load_network("vgg16", "glitch")


def test_it_is_the_default_for_spectrograms_alone(tmp_path):
    assert default_weights("efficientnet_lite0", parse_encoding("4.0")) == "glitch"
    assert default_weights("efficientnet_lite0", parse_encoding("1.0,2.0,4.0")) == "glitch"
    assert default_weights("efficientnet_lite0", parse_encoding("plain")) == "bundled"
    assert default_weights("vgg16", parse_encoding("4.0")) == "bundled"
    make_gallery(tmp_path / "data", {"Blip": 3, "Koi_Fish": 3})
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        store = embed(study, EmbeddingOptions())
        assert store.passport["weights"] == "glitch"
        assert "saw none of these labels" in check_leak(store.passport)
        assert starting_weights(study, TrainingOptions()) == "glitch"
        assert starting_weights(study, TrainingOptions(preset="o1-paper")) == "bundled"
        assert starting_weights(study, TrainingOptions(weights="model:x")) == "model:x"
        # What was chosen for a study stays chosen.
        embed(study, EmbeddingOptions(weights="bundled"))
        assert embed(study, EmbeddingOptions()).passport["weights"] == "bundled"


def test_real_glitches_are_better_kept_apart(real_data, tmp_path):
    """Real pictures, never trained on; a regression test of what the card says."""
    truth_of = pd.read_csv(real_data / "gravityspy" / "truth.csv").drop_duplicates("id").set_index("id")["truth"]
    shutil.copytree(real_data / "gravityspy" / "None_of_the_Above", tmp_path / "data" / "None_of_the_Above")
    for name in ("Blip", "Koi_Fish", "Whistle"):
        shutil.copytree(real_data / "gravityspy" / name, tmp_path / "data" / name)
    figures = {}
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
        truth = study.glitches()["id"].map(truth_of)
        for weights in ("bundled", "glitch"):
            store = embed(study, EmbeddingOptions(weights=weights, views="4.0"))
            figures[weights] = JUDGE["judge"](study, store, truth, "None_of_the_Above", 1)
    for name in ("5-NN", "AMI hdbscan", "AMI spectral"):
        assert figures["glitch"][name] >= figures["bundled"][name]
        assert figures["glitch"][name] >= 0.95


def test_the_neighbours_vote_is_scikit_learns():
    rng = np.random.default_rng(0)
    classes = np.repeat(np.array(["a", "b", "c"]), 30)
    vectors = rng.normal(size=(90, 6)) + 1.2 * np.eye(6)[np.repeat([0, 1, 2], 30)]
    found = JUDGE["neighbour_accuracy"](vectors.astype(np.float32), classes, np.arange(90))
    right = []
    for row in range(90):
        rest = np.arange(90) != row
        judge = KNeighborsClassifier(5, metric="cosine", weights=lambda d: 1 - 1e-3 * d).fit(
            vectors[rest], classes[rest]
        )
        right.append(judge.predict(vectors[[row]])[0] == classes[row])
    assert found == pytest.approx(np.mean(right), abs=0.03)  # ties may go another way
    # A twin of one's own group has no vote.
    twins = np.concatenate([vectors, vectors])
    alone = JUDGE["neighbour_accuracy"](
        twins.astype(np.float32), rng.permutation(np.tile(classes, 2)), np.tile(np.arange(90), 2)
    )
    assert alone < 0.6


def test_unlabelled_glitches_are_passed_over(tmp_path, tiny):
    """First of all rows, so that places in the store and among the labelled ones differ."""
    rng = np.random.default_rng(0)
    for number in range(4):
        write(tmp_path / "free" / view_name(f"0free{number}", 4.0), png(published(draw_levels(rng, number % 2))))
    make_gallery(tmp_path / "data", {"Blip": 8, "Power_Line": 8})
    figures = []
    for folders in (("free", "data"), ("data",)):
        with Study(tmp_path / f"study{len(folders)}", create=True) as study:
            with study.run("ingest"):
                for folder in folders:
                    ingest_folder(study, tmp_path / folder)
            truth = study.glitches()["label"]
            store = embed(study, EmbeddingOptions(**tiny, views="4.0"))
            assert len(store.glitches) == 16 + 4 * (len(folders) - 1)
            figures.append(JUDGE["judge"](study, store, truth, "Blip", 1))
    assert figures[0]["glitches"] == 16
    assert figures[0] == pytest.approx(figures[1])


def test_the_scripts_make_weights_and_judge_them(tmp_path, monkeypatch, capsys):
    """Three families, a handful of glitches, one epoch; then beside ImageNet's weights on the same glitches."""
    script = runpy.run_path(str(EXAMPLES / "train_backbone.py"))
    for function in (script["main"], script["fine_tune"]):
        monkeypatch.setitem(function.__globals__, "FAMILIES", ("Blip", "Power_Line", "Whistle"))
    arguments = ["train_backbone.py", "--out", str(tmp_path), "--n", "30", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--hold-out", "Whistle", "--name", "two"])
    script["main"]()
    out = capsys.readouterr().out
    assert "epoch 1: " in out
    assert (tmp_path / "two.safetensors").exists()
    with Study(tmp_path / "study") as study:
        store = embed(study, EmbeddingOptions(weights=str(tmp_path / "two.safetensors"), views="4.0"))
        assert len(store.glitches) == 30
    monkeypatch.setattr(
        sys, "argv",
        ["judge_backbone.py", str(tmp_path / "glitches"), "--truth", str(tmp_path / "glitches" / "truth.csv"), "--seeds", "1",
         "--weights", "bundled", str(tmp_path / "two.safetensors"), "--views", "4.0", "--within", "Blip", "--head", "2", "--mistakes"],
    )  # fmt: skip
    JUDGE["main"]()
    table = capsys.readouterr().out.splitlines()
    interval = ["95", "%"]
    assert table[0].split() == [
        "folder",
        "views",
        "weights",
        "asked",
        "top-1",
        "top-1",
        *interval,
        "top-3",
        "top-3",
        *interval,
    ]
    assert [line.split()[3] for line in table[1:5]] == ["30", "120", "30", "120"]
    assert table[5].split() == ["folder", "views", "weights", "truth", "answers"]
    assert table[-3].split() == ["folder", "views", "weights", "glitches", "5-NN", "AMI", "hdbscan", "AMI", "spectral"]
    assert [line.split()[3] for line in table[-2:]] == ["30", "30"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--hold-out", "Whistle", "--name", "two"])
    script["main"]()
    assert "two is trained already" in capsys.readouterr().out
