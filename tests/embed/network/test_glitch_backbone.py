"""The backbone that ships: what its file holds, when it is the default, how it does on real glitches, and the scripts that make and judge it."""

import runpy
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

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
from embed.simulator import simulate
from embed.training.options import TrainingOptions
from embed.training.randomness import draw_keys
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
        store = embed(study, EmbeddingOptions(runtime="torch"))
        assert store.passport["weights"] == "glitch"
        assert "saw none of these labels" in check_leak(store.passport)
        assert starting_weights(study, TrainingOptions()) == "glitch"
        assert starting_weights(study, TrainingOptions(preset="o1-paper")) == "bundled"
        assert starting_weights(study, TrainingOptions(weights="model:x")) == "model:x"
        # What was chosen for a study stays chosen.
        embed(study, EmbeddingOptions(weights="bundled", runtime="torch"))
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


@pytest.mark.long
def test_the_scripts_make_weights_and_judge_them(tmp_path, monkeypatch, capsys):
    """Three families, a handful of glitches, one epoch; then beside ImageNet's weights on the same glitches."""
    script = runpy.run_path(str(EXAMPLES / "train_backbone.py"))
    families = ("Blip", "Power_Line", "Whistle")
    for function in (script["main"], script["fit"], script["read_pictures"]):
        monkeypatch.setitem(function.__globals__, "FAMILIES", families)
    monkeypatch.setitem(script["main"].__globals__, "ProcessPoolExecutor", InOneProcess)
    simulate(tmp_path / "real", 6, 3, classes=families, equal=True, label_noise=0.0)
    arguments = ["train_backbone.py", "--out", str(tmp_path), "--n", "30", "--epochs", "1", "--batch", "16"]
    own = [*arguments, "--hold-out", "Whistle", "--real", str(tmp_path / "real"), "--repeats", "2", "--name", "two"]
    monkeypatch.setattr(sys, "argv", own)
    script["main"]()
    out = capsys.readouterr().out
    assert "epoch 1: " in out
    assert "one duration: top-1 " in out
    weights = tmp_path / "two.safetensors"
    assert load_network(weights=str(weights)).weights == "two.safetensors"
    assert not (tmp_path / "two.checkpoint.pt").exists()
    script["main"]()
    assert "two.safetensors is there already" in capsys.readouterr().out
    monkeypatch.setattr(
        sys, "argv",
        ["judge_backbone.py", str(tmp_path / "real"), "--truth", str(tmp_path / "real" / "truth.csv"), "--seeds", "1",
         "--weights", "bundled", str(weights), "--views", "4.0", "--within", "Blip", "--head", "2", "--mistakes"],
    )  # fmt: skip
    JUDGE["main"]()
    table = capsys.readouterr().out.splitlines()
    interval = ["95", "%"]
    heads = ["folder", "views", "weights", "asked", "top-1", "top-1", *interval, "top-3", "top-3", *interval]
    assert table[0].split() == [*heads, "AMI", "hdbscan", "AMI", "spectral"]
    assert [line.split()[3] for line in table[1:5]] == ["6", "24", "6", "24"]
    assert table[5].split() == ["folder", "views", "weights", "truth", "answers"]
    assert table[-3].split()[:5] == ["folder", "views", "weights", "glitches", "5-NN"]
    assert [line.split()[3] for line in table[-2:]] == ["6", "6"]


class InOneProcess:
    """An executor that runs everything at once, here."""

    def __init__(self, workers, mp_context):
        assert workers >= 1
        assert mp_context.get_start_method() == "spawn"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def map(self, function, *arguments):
        return map(function, *arguments)


def test_each_encoding_shows_the_durations_that_it_is_of():
    """Four views of one grey each: what the network sees tells which of them it was given."""
    script = runpy.run_path(str(EXAMPLES / "train_backbone.py"))
    levels = torch.tensor([40, 80, 120, 160], dtype=torch.uint8)[None, :, None, None].expand(8, 4, 224, 224)
    spec = SimpleNamespace(mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
    work = script["Work"](levels, torch.zeros(8, dtype=torch.int64), spec, None, 0)
    rows = np.arange(8)
    keys = draw_keys(0, 0, rows, rows)
    three, one, mosaic = (work.pictures(rows, keys, choice) for choice in range(3))
    assert torch.allclose(three[:, :, 0, 0], torch.tensor([80.0, 120.0, 160.0]).expand(8, 3))
    assert (one[:, 0] == one[:, 1]).all()
    assert {float(value) for value in one[:, 0, 0, 0].round()} <= {40.0, 80.0, 120.0, 160.0}
    assert len(one[:, 0, 0, 0].unique()) > 1
    corners = mosaic[0, 0, [0, -1, 0, -1], [0, 0, -1, -1]]
    assert torch.allclose(corners, torch.tensor([40.0, 80.0, 120.0, 160.0]))


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    script = runpy.run_path(str(EXAMPLES / "train_backbone.py"))
    for name, value in (("FAMILIES", ("Blip", "Power_Line")), ("SIDE", 96)):
        monkeypatch.setitem(script["fit"].__globals__, name, value)
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 255, (8, 4, 96, 96)).astype(np.uint8)
    pictures = script["Pictures"](levels, np.array(["Blip", "Power_Line"] * 4))
    options = SimpleNamespace(
        out=tmp_path, epochs=2, batch=4, contrastive=0.2, precision="float32", device="cpu", seed=1,
        hold_out=(), repeats=1, name="whole",
    )  # fmt: skip
    whole = script["fit"](pictures, [], options).weights()
    kept, keep = [], script["keep"]

    def stop(path, *state):
        keep(path, *state)
        kept.append(path)
        raise KeyboardInterrupt

    options.name = "stopped"
    monkeypatch.setitem(script["fit"].__globals__, "keep", stop)
    with pytest.raises(KeyboardInterrupt):
        script["fit"](pictures, [], options)
    monkeypatch.setitem(script["fit"].__globals__, "keep", keep)
    again = script["fit"](pictures, [], options).weights()
    assert kept == [tmp_path / "stopped.checkpoint.pt"]
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_the_cluster_of_the_wanted_glitches_is_found(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))  # it imports its neighbours
    script = runpy.run_path(str(EXAMPLES / "judge_held_out.py"))
    labels = np.array([0, 0, 0, 1, 1, -1, 1])
    wanted = np.array([False, True, True, True, False, True, False])
    assert script["found"](labels, wanted) == {"purity": 2 / 3, "recall": 0.5}
    assert script["found"](np.full(7, -1), wanted) == {"purity": 0.0, "recall": 0.0}
