import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from support.forked import run_ranks, run_step, train_anew
from support.gallery import make_gallery

from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError, TrainingError
from embed.network.model import load_model
from embed.study.records import Label
from embed.training.checkpoint import Checkpoint, latest_checkpoint, read_best, write_checkpoint
from embed.training.classifier import Classifier, GlitchDropout, choose_trained, set_mode, summed_contrast
from embed.training.distributed import Ranks
from embed.training.epoch import epoch_rows
from embed.training.options import TrainingOptions
from embed.training.place import training_folder
from embed.training.recipe import PRESETS, make_recipe
from embed.training.schedule import PLATEAU_EPOCHS, best_epoch, learning_rate, should_stop, stale, trained_share
from embed.training.trainer import train

COUNTS = {"Blip": 12, "Koi_Fish": 12, "Power_Line": 12}
QUICK = {"epochs": 3, "batch": 8, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A study of 36 glitches of three labels with two views; copied by whoever writes."""
    folder = tmp_path_factory.mktemp("learned")
    make_gallery(folder / "data", COUNTS, durations=(2.0, 4.0))
    with Study(folder / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
    return folder / "study"


@pytest.fixture
def study(tmp_path, learned):
    shutil.copytree(learned, tmp_path / "study")
    with Study(tmp_path / "study") as study:
        yield study


@pytest.fixture
def start(tiny):
    return TrainingOptions(backbone=tiny["backbone"], weights=tiny["weights"], views="4.0", device="cpu", name="first")


def label(study, glitch, name):
    with study.run("label"), study.transaction():
        study.add_label(glitch, Label(name, "person", "test"))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# From a study to a model


def test_a_model_is_trained_and_kept(study, start):
    rows, steps = [], []
    done = train(study, start, changes=QUICK, report=rows.append, progress=lambda *news: steps.append(news))
    model = load_model(study.folder / "models" / "first")
    assert model.classes == tuple(sorted(COUNTS))
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert model.card["history"] == rows
    assert model.card["epoch"] == best_epoch(rows, "macro-f1") + 1
    assert (model.card["split"], model.card["weights"], model.card["seed"]) == ("grouped", "tiny.safetensors", 0)
    assert steps[-1] == ("train", 72, 72)  # three epochs of two thirds
    assert ("decode", 36, 36) in steps
    assert not training_folder(model.folder).exists()
    assert done.notes == ()
    # Each glitch has one part, by class; the digest is of the labels that touched the weights.
    parts = model.parts
    table = study.glitches()
    assert sorted(parts) == sorted(table["id"])
    assert table.assign(part=[parts[name] for name in table["id"]]).groupby(["label", "part"]).size().min() >= 1
    assert model.trained_on.startswith(f"labels {model.card['label_digest'][:12]} of ")
    # The weights are those of the network at its best epoch: embedding and one product repeat the test's accuracy.
    store = embed(study, EmbeddingOptions(weights="model:first", runtime="torch"))
    tested = [place for place, glitch in enumerate(store.glitches) if parts[table.loc[glitch, "id"]] == "test"]
    truth = table.loc[store.glitches[tested], "label"].tolist()
    found = [model.classes[place] for place in model.logits(np.array(store.vectors))[tested].argmax(1)]
    assert model.card["test"]["accuracy"] == pytest.approx(sklearn.metrics.accuracy_score(truth, found))
    assert model.card["test"]["macro_f1"] == pytest.approx(
        sklearn.metrics.f1_score(truth, found, average="macro", zero_division=0)
    )


def test_it_learns_what_there_is_to_learn(study, start):
    """A vertical stroke, a horizontal line, an arch: told apart within seconds; with shuffled labels it is not (the control)."""
    changes = {"epochs": 14, "batch": 8, "learning_rate": 3e-3, "batch_norm": "batch"}
    good = train(study, start, changes=changes).fitted
    assert good.test["accuracy"] >= 0.9
    rng = np.random.default_rng(0)
    table = study.glitches()
    for glitch, name in zip(table.index, rng.permutation(table["label"]), strict=True):
        label(study, int(glitch), name)
    control = train(study, replace(start, name="control"), changes=changes).fitted
    assert control.test["accuracy"] <= 0.75


def test_the_same_seed_is_the_same_bytes(study, start):
    first = train(study, start, changes=QUICK).model.folder
    kept = bytes_of(first)
    assert bytes_of(train(study, replace(start, replace=True), changes=QUICK).model.folder) == kept
    other = train(study, replace(start, seed=1, replace=True), changes=QUICK).model.folder
    assert bytes_of(other)["weights.safetensors"] != kept["weights.safetensors"]


def test_bfloat16_on_a_cpu(study, start):
    """Half the digits: other weights than float32's, which stay float32, and the same ones from the same seed."""
    kept = {}
    for name, precision in (("exact", "float32"), ("auto", "auto"), ("half", "bfloat16"), ("again", "bfloat16")):
        done = train(study, replace(start, name=name), changes=QUICK | {"epochs": 1, "precision": precision})
        assert done.model.card["recipe"]["precision"] == precision
        kept[name] = load_file(done.model.folder / "weights.safetensors")
    for name, weight in kept["exact"].items():
        torch.testing.assert_close(kept["auto"][name], weight, rtol=0, atol=0)
        torch.testing.assert_close(kept["again"][name], kept["half"][name], rtol=0, atol=0)
        assert kept["half"][name].dtype == weight.dtype
    assert any(not torch.equal(kept["half"][name], weight) for name, weight in kept["exact"].items())
    with pytest.raises(InputError, match="precision 'half': give auto, float32, bfloat16"):
        make_recipe(precision="half")


@pytest.mark.parametrize(
    ("preset", "views", "changes"),
    [
        ("o1-paper", None, {}),
        ("galaxy-paper", "4.0", {"unfreezing": ((0, 0.0), (1, 0.5), (2, 1.0))}),
        ("default", "4.0", {"balanced": True, "accumulate": 2, "contrastive": 0.5, "optimizer": "adam"}),
        ("default", "2.0", {"batch_norm": "frozen", "freeze": ("conv_stem", "blocks.0"), "metric": "loss"}),
    ],
)
def test_ways_to_train(study, start, preset, views, changes):
    """Each preset and option trains, to the same bytes when it is stopped after an epoch and goes on."""
    asked = replace(start, preset=preset, views=views)
    whole = train(study, asked, changes=QUICK | changes)
    assert np.isfinite([row["training_loss"] for row in whole.fitted.history]).all()
    assert whole.model.card["views"] == (views or "2.0")
    tensors = load_file(whole.model.folder / "weights.safetensors")
    assert ("mean_image" in tensors) == (preset == "o1-paper")
    if "freeze" in changes:
        before = load_file(start.weights)
        still = [name for name in before if torch.equal(before[name], tensors[name])]
        assert {"conv_stem.weight", "blocks.0.0.bn1.weight"} <= set(still)
        assert "conv_head.weight" not in still
    stopped = replace(asked, name="stopped")
    with pytest.raises(KeyboardInterrupt):
        train(study, stopped, changes=QUICK | changes, report=interrupt)
    again = train(study, replace(stopped, resume=True), changes=QUICK | changes)
    assert bytes_of(again.model.folder)["weights.safetensors"] == bytes_of(whole.model.folder)["weights.safetensors"]


def interrupt(row):
    raise KeyboardInterrupt


def test_the_mean_image_is_that_of_the_training_part(study, start):
    model = train(study, replace(start, preset="o1-paper", views=None), changes=QUICK | {"epochs": 1}).model
    from embed.views.cache import ViewCache
    from embed.views.encoding import parse_encoding

    table = study.glitches()
    rows = [glitch for glitch in table.index if model.parts[table.loc[glitch, "id"]] == "train"]
    with ViewCache(None, 160, plain=False) as cache:
        levels = np.stack([cache.get(view) for view in study.views(rows) if view.duration == 2.0]).astype(float)
    spec = model.network.backbone
    expected = (levels.mean(axis=0) / 255 - np.array(spec.mean)[:, None, None]) / np.array(spec.std)[:, None, None]
    assert np.allclose(load_file(model.folder / "weights.safetensors")["mean_image"], expected, atol=1e-5)
    assert parse_encoding("2.0") == model.encoding


def test_it_goes_on_from_a_model_of_the_study(study, start):
    first = train(study, start, changes=QUICK | {"epochs": 1}).model
    second = train(
        study,
        replace(start, name="second", backbone=None, weights="model:first", views=None),
        changes=QUICK | {"epochs": 1},
    ).model
    assert second.card["weights"] == "model:first"
    assert second.encoding == first.encoding
    assert second.trained_on.endswith(f"and before that on {first.trained_on}")
    with pytest.raises(InputError, match="--backbone vgg16 does not go with model 'first'"):
        train(study, replace(start, name="third", backbone="vgg16", weights="model:first"))


def test_extra_labels_are_trained_on_and_never_tested(study, start, tmp_path):
    make_gallery(tmp_path / "more", {"Blip": 5}, durations=(2.0, 4.0), prefix="more", seed=9)
    for path in (tmp_path / "more" / "Blip").iterdir():
        path.rename(tmp_path / "more" / path.name)
    with study.run("ingest"):
        ingest_folder(study, tmp_path / "more")
    table = study.glitches()
    unlabelled = table.index[table["label"] == ""].tolist()
    assert len(unlabelled) == 5
    before = train(study, start, changes=QUICK | {"epochs": 1}).model.parts
    after = train(
        study, replace(start, name="more"), changes=QUICK | {"epochs": 1}, extra=dict.fromkeys(unlabelled, "Blip")
    ).model.parts
    assert {after[table.loc[glitch, "id"]] for glitch in unlabelled} == {"train"}
    assert {name: part for name, part in after.items() if name in before} == before
    with pytest.raises(InputError, match=r"H1_\S+ is labelled \S+ already; extra labels are for glitches without"):
        train(study, replace(start, name="wrong"), extra={1: "Blip"})


def test_labels_may_be_chosen(study, start):
    model = train(study, replace(start, labels=("Blip", "Koi_Fish")), changes=QUICK | {"epochs": 1}).model
    assert model.classes == ("Blip", "Koi_Fish")
    assert len(model.parts) == 24
    with pytest.raises(InputError, match="no glitch is labelled 'Whistle'; there are: Blip"):
        train(study, replace(start, name="second", labels=("Blip", "Whistle")))


# What goes wrong


def test_what_cannot_be_learned(study, start, tmp_path):
    with pytest.raises(InputError, match="all labels are the same: a network needs glitches of two classes or more"):
        train(study, replace(start, labels=("Blip",)))
    label(study, 1, "Scratchy")
    with pytest.raises(InputError, match="one example only of 'Scratchy': a class needs two"):
        train(study, start)
    with pytest.raises(InputError, match="no preset 'best'; give default, o1-paper, galaxy-paper"):
        train(study, replace(start, preset="best"))
    with pytest.raises(InputError, match="--freeze stem: no weight's name begins so; they begin with blocks, bn1"):
        train(study, replace(start, labels=("Blip", "Koi_Fish")), changes={"freeze": ("stem",)})
    with Study(tmp_path / "empty", create=True) as empty, pytest.raises(InputError, match="no glitch is labelled"):
        train(empty, start)


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(study, start, monkeypatch):
    import embed.training.epoch

    honest = embed.training.epoch.summed_cross_entropy
    calls = []

    def broken(logits, targets, smoothing):
        calls.append(1)
        return honest(logits, targets, smoothing) * (np.nan if len(calls) > 4 else 1.0)

    monkeypatch.setattr(embed.training.epoch, "summed_cross_entropy", broken)
    with pytest.raises(
        TrainingError,
        match=r"the loss became nan in epoch 2, at a learning rate of 0.0\d+; give a lower --lr \(--resume continues from the checkpoint after epoch 1\)",
    ):
        train(study, start, changes=QUICK)
    monkeypatch.setattr(embed.training.epoch, "summed_cross_entropy", honest)
    model = train(study, replace(start, resume=True), changes=QUICK | {"learning_rate": 5e-4}).model
    assert [row["epoch"] for row in model.card["history"]] == [1, 2, 3]
    assert model.card["history"][2]["learning_rate"] < 5e-4


def test_a_name_that_is_taken(study, start):
    train(study, start, changes=QUICK | {"epochs": 1})
    with pytest.raises(InputError, match="there is a model 'first' already; give another --name, or --replace"):
        train(study, start)
    with pytest.raises(InputError, match="give one of them"):
        train(study, replace(start, resume=True, replace=True))
    assert train(study, replace(start, resume=True), changes=QUICK | {"epochs": 1}).notes == (
        "the model was finished already",
    )
    (note,) = train(study, replace(start, resume=True), changes=QUICK | {"epochs": 7}).notes
    assert (
        "finished already, with epochs 1 and now 7: nothing was trained; to train on, give --weights model:first"
        in note
    )
    with pytest.raises(
        TrainingError, match=r"the training that was stopped was another: the labels or the split; seed 0 and now 3"
    ):
        train(study, replace(start, resume=True, seed=3), changes=QUICK | {"epochs": 1})
    stopped = replace(start, name="stopped")
    with pytest.raises(KeyboardInterrupt):
        train(study, stopped, changes=QUICK, report=interrupt)
    with pytest.raises(
        InputError, match="the training of 'stopped' was stopped; give --resume to continue it, or --replace"
    ):
        train(study, stopped)
    with pytest.raises(TrainingError, match=r"another: dropout 0.2 and now 0.5; ask for the same"):
        train(study, replace(stopped, resume=True), changes=QUICK | {"dropout": 0.5})
    for glitch in range(1, 4):
        label(study, glitch, "Scratchy")
    with pytest.raises(TrainingError, match=r"the classes have changed .* \(gone: none; new: Scratchy\)"):
        train(study, replace(stopped, resume=True), changes=QUICK)


def test_a_damaged_checkpoint(study, start):
    def second(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(study, start, changes=QUICK, report=second)
    folder = training_folder(study.folder / "models" / "first")
    assert sorted(path.name for path in folder.iterdir()) == [
        "best.safetensors",
        "epoch-0001.safetensors",
        "epoch-0002.safetensors",
    ]
    path = folder / "epoch-0002.safetensors"
    good = path.read_bytes()
    for damage, message in ((good[: len(good) // 2], "cannot be read"), (good[:-9] + b"x" + good[-8:], "is damaged")):
        path.write_bytes(damage)
        with pytest.raises(
            TrainingError,
            match=f"epoch-0002.safetensors {message}.*; delete it and --resume to continue from epoch-0001",
        ):
            train(study, replace(start, resume=True), changes=QUICK)
        assert (folder / "epoch-0001.safetensors").exists()
    path.unlink()
    resumed = train(study, replace(start, resume=True), changes=QUICK).model
    whole = train(study, replace(start, name="whole"), changes=QUICK).model
    assert bytes_of(resumed.folder)["weights.safetensors"] == bytes_of(whole.folder)["weights.safetensors"]


# Killed and gone on, in processes


def child(folder, start, name, *, batch_norm="batch", resume=False, kill_when=None):
    """Train in a process of its own; returns its exit code, and how long it took."""
    options = replace(start, name=name, resume=resume)
    code, seconds = run_step(train_anew, folder, options, QUICK | {"batch_norm": batch_norm}, kill_when=kill_when)
    assert code in {0, -signal.SIGKILL if kill_when else 0}
    return code, seconds


def test_killed_in_mid_epoch_and_gone_on(study, start):
    """Struck a moment after the first checkpoint is there, which is in the second epoch."""
    folder = study.folder
    child(folder, start, "whole")
    checkpoints = training_folder(folder / "models" / "killed")
    seen = []

    def mid_epoch(seconds):
        if not seen and (checkpoints / "epoch-0001.safetensors").exists():
            seen.append(seconds)
        return bool(seen) and seconds - seen[0] > 0.05

    assert child(folder, start, "killed", kill_when=mid_epoch)[0] == -signal.SIGKILL
    assert latest_checkpoint(checkpoints).epochs < 3
    child(folder, start, "killed", resume=True)
    whole, killed = (bytes_of(folder / "models" / name) for name in ("whole", "killed"))
    assert whole["weights.safetensors"] == killed["weights.safetensors"]
    cards = [json.loads(files["model.json"]) for files in (whole, killed)]
    assert cards[0]["history"] == cards[1]["history"]


@pytest.mark.long
def test_killed_at_any_moment(study, start):
    """While decoding, in an epoch, between two writes, while the model is put in its place: the same weights in the end."""
    folder = study.folder
    _, lasts = child(folder, start, "whole")
    expected = bytes_of(folder / "models" / "whole")["weights.safetensors"]
    rng = np.random.default_rng(0)
    struck = 0
    while struck < 8:
        end = rng.uniform(0, lasts)
        shutil.rmtree(folder / "models", ignore_errors=True)
        shutil.rmtree(folder / "cache", ignore_errors=True)
        code, _ = child(folder, start, "killed", kill_when=lambda seconds, end=end: seconds > end)
        if code == 0:  # it was quicker than its kill
            lasts *= 0.95
            continue
        struck += 1
        child(folder, start, "killed", resume=True)
        assert bytes_of(folder / "models" / "killed")["weights.safetensors"] == expected
        assert sorted(path.name for path in (folder / "models").iterdir()) == ["killed"]


def test_two_processes_train_as_one_does(study, start):
    """With the statistics of batch normalisation kept, every gradient is of the weights' own size: the weights agree to rounding."""
    folder = study.folder
    child(folder, start, "one", batch_norm="frozen")
    assert run_ranks(train_anew, folder, replace(start, name="two"), QUICK | {"batch_norm": "frozen"}, world=2) == [
        0,
        0,
    ]
    one, two = (load_file(folder / "models" / name / "weights.safetensors") for name in ("one", "two"))
    before = load_file(start.weights)
    assert max(float((one[name] - before[name]).abs().max()) for name in before) > 1e-3
    for name in one:
        assert torch.allclose(one[name], two[name], atol=2e-6), name
    cards = [load_model(folder / "models" / name).card for name in ("one", "two")]
    assert cards[1]["processes"] == 2
    assert [row["training_loss"] for row in cards[0]["history"]] == pytest.approx(
        [row["training_loss"] for row in cards[1]["history"]], rel=1e-5
    )


TORCHRUN = """
import sys
from dataclasses import replace
from support.forked import train_anew
from embed.training.options import TrainingOptions
folder, backbone, weights = sys.argv[1:]
start = TrainingOptions(name="two", backbone=backbone, weights=weights, views="4.0", device="cpu")
train_anew(folder, start, {"epochs": 3, "batch": 8, "learning_rate": 1e-3, "batch_norm": "batch"})
"""


@pytest.mark.long
def test_two_processes_normalise_by_the_global_batch(study, start):
    """By torchrun itself. Statistics are gathered.

    A shift ahead of a normalisation has no gradient but rounding, which Adam scales up: such biases wander.
    """
    folder = study.folder
    child(folder, start, "one")
    script = folder.parent / "child.py"
    script.write_text(TORCHRUN)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["--local-addr=127.0.0.1", str(script), str(folder), start.backbone, start.weights]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, check=True, timeout=300)
    one, two = (load_model(folder / "models" / name) for name in ("one", "two"))
    losses = [[row["training_loss"] for row in model.card["history"]] for model in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    first, second = (load_file(model.folder / "weights.safetensors") for model in (one, two))
    before = load_file(start.weights)
    for name in first:
        if name.endswith("weight") and first[name].ndim > 1:
            came = (first[name] - before.get(name, torch.zeros(()))).norm()
            assert (first[name] - second[name]).norm() < 0.02 * came, name


# The parts


def test_each_row_is_drawn_once_or_by_class():
    targets = np.repeat([0, 1, 2], [900, 90, 10])
    rows = np.arange(1000)
    drawn, before = epoch_rows(targets, rows, balanced=False, seed=0, epoch=3)
    assert sorted(drawn) == rows.tolist()
    assert not before.any()
    drawn, before = epoch_rows(targets, rows, balanced=True, seed=0, epoch=3)
    assert len(drawn) == 1000
    assert np.bincount(targets[drawn]) == pytest.approx([333, 333, 333], abs=60)
    seen = {}
    for row, count in zip(drawn.tolist(), before.tolist(), strict=True):
        assert seen.get(row, 0) == count
        seen[row] = count + 1
    again, _ = epoch_rows(targets, rows, balanced=True, seed=0, epoch=3)
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, epoch_rows(targets, rows, balanced=True, seed=0, epoch=4)[0])


@given(st.integers(0, 10_000), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_processes_share_every_row_once(count, world):
    shares = [list(range(count))[Ranks(rank, world).own(count)] for rank in range(world)]
    assert list(chain(*shares)) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_dropout_by_glitch():
    dropout = GlitchDropout(0.3, 1)
    dropout.train()
    dropout.keys = torch.arange(1, 101) * 7919
    values = dropout(torch.ones(100, 1000))
    assert values.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert float((values == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    whole = values
    dropout.keys = dropout.keys[40:60]
    assert torch.equal(dropout(torch.ones(20, 1000)), whole[40:60])
    assert torch.equal(dropout.eval()(values), values)


@pytest.mark.parametrize("name", ["vgg16", "inception_v3", "googlenet"])
def test_hidden_dropout_is_by_glitch_too(name):
    from embed.network.backbones import REGISTRY
    from embed.network.network import truncated

    module = truncated(REGISTRY[name])
    names = set(module.state_dict())
    classifier = Classifier(module, REGISTRY[name].dimension, 3)
    assert not any(type(layer) is torch.nn.Dropout for layer in classifier.modules())
    hidden = [layer.probability for layer in classifier.trunk.modules() if isinstance(layer, GlitchDropout)]
    assert hidden == ([0.5] if name == "vgg16" else [0.0])  # VGG's second one stands before the final layer
    assert {key for key in classifier.weights() if not key.startswith("head.")} == names


def test_contrast_by_brute_force():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(9, 5, generator=generator)
    targets = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3, 0])
    found = float(summed_contrast(vectors, torch.arange(9), vectors, targets, 0.2))
    unit = (vectors / vectors.norm(dim=1, keepdim=True)).double().numpy()
    expected = 0.0
    for i in range(9):
        partners = [j for j in range(9) if j != i and targets[j] == targets[i]]
        whole = sum(np.exp(unit[i] @ unit[k] / 0.2) for k in range(9) if k != i)
        expected -= sum(np.log(np.exp(unit[i] @ unit[j] / 0.2) / whole) for j in partners) / max(len(partners), 1)
    assert found == pytest.approx(expected, rel=1e-5)
    parts = sum(float(summed_contrast(vectors[rows], rows, vectors, targets, 0.2)) for rows in torch.arange(9).split(4))
    assert parts == pytest.approx(found, rel=1e-5)


def test_what_is_trained_of_a_network():
    from embed.network.backbones import find_backbone
    from embed.network.network import truncated

    backbone = find_backbone("timm:test_efficientnet")
    classifier = Classifier(truncated(backbone), backbone.dimension, 3)
    names = [name for name, _ in classifier.trunk.named_parameters()]
    for share, expected in ((0.0, 0), (0.5, round(0.5 * len(names))), (1.0, len(names))):
        choose_trained(classifier, share)
        trained = [name for name, weight in classifier.trunk.named_parameters() if weight.requires_grad]
        assert trained == names[len(names) - expected :]
        assert classifier.head.weight.requires_grad
    choose_trained(classifier, 0.0)
    set_mode(classifier, frozen_statistics=False)
    norms = [layer for layer in classifier.trunk.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    assert not any(layer.training for layer in norms)
    choose_trained(classifier, 1.0)
    set_mode(classifier, frozen_statistics=False)
    assert all(layer.training for layer in norms)
    set_mode(classifier, frozen_statistics=True)
    assert not any(layer.training for layer in norms)


def history_of(*losses):
    return [{"validation_loss": loss, "validation_macro_f1": 1 - loss} for loss in losses]


def test_the_best_epoch_by_hand():
    history = history_of(0.9, 0.5, 0.7, 0.5, 0.6)
    assert best_epoch(history, "loss") == best_epoch(history, "macro-f1") == 1
    assert stale(history, "loss") == 3
    history[3]["validation_loss"] = 0.4  # equal macro-F1, lower loss
    assert best_epoch(history, "macro-f1") == 3


def test_learning_rates_by_hand():
    recipe = make_recipe(epochs=10, learning_rate=1.0, warmup=2.0)
    rates = [learning_rate(recipe, time, []) for time in (0.5, 1.0, 2.0, 6.0, 10.0)]
    assert rates == pytest.approx([0.25, 0.5, 1.0, 0.5, 0.0])
    constant = make_recipe(epochs=10, learning_rate=1.0, warmup=0.0, schedule="constant")
    assert learning_rate(constant, 7.0, history_of(*[1.0] * 7)) == 1.0
    plateau = make_recipe(epochs=10, learning_rate=1.0, warmup=0.0, schedule="plateau", metric="loss")
    losses = [0.5, 0.4, *[0.6] * PLATEAU_EPOCHS, 0.3, *[0.6] * (2 * PLATEAU_EPOCHS)]
    found = [learning_rate(plateau, count, history_of(*losses[:count])) for count in range(1, len(losses) + 1)]
    assert found == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def test_early_stopping_and_unfreezing_by_hand():
    recipe = make_recipe("galaxy-paper", patience=3, metric="loss", unfreezing=((0, 0.0), (2, 0.5), (4, 1.0)))
    assert [trained_share(recipe, epoch) for epoch in range(6)] == [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]
    assert trained_share(make_recipe(), 0) == 1.0
    history = history_of(0.1, *[0.5] * 9)
    stops = [should_stop(recipe, history[:count]) for count in range(10)]
    assert (
        stops == [False] * 8 + [True] * 2
    )  # the whole network is open from epoch 4 on, and has three epochs and one to improve
    assert not should_stop(make_recipe(), history)


def test_recipes():
    assert PRESETS["o1-paper"].augmentation.shift == 10
    assert make_recipe("o1-paper", encoding="rgb").augmentation.shift == 0
    assert not make_recipe("o1-paper", encoding="rgb").mean_image
    assert make_recipe("galaxy-paper", encoding="plain").augmentation.rotate
    assert not make_recipe("galaxy-paper", encoding="single").augmentation.rotate
    assert make_recipe(optimizer="adagrad").learning_rate == 1e-4
    assert make_recipe(normalised=False).learning_rate == 1e-4
    assert make_recipe(normalised=False, learning_rate=0.01).learning_rate == 0.01
    for changes, message in (
        ({"epochs": 101}, "epochs 101: give a number from 1 to 100"),
        ({"learning_rate": -1.0}, "learning_rate -1.0: give a number"),
        ({"optimizer": "sgd"}, "optimizer 'sgd': give adam, adamw, adagrad"),
        ({"batch": 8, "accumulate": 5}, "batch 8 in 5 parts"),
    ):
        with pytest.raises(InputError, match=message):
            make_recipe(**changes)


def test_checkpoints_that_are_kept(tmp_path):
    for epochs in range(1, 6):
        weights = {"a": torch.full((3,), float(epochs))}
        write_checkpoint(
            tmp_path, Checkpoint(weights, {"0.step": torch.tensor(2.0)}, {"history": [{}] * epochs}), best=epochs == 3
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "best.safetensors",
        "epoch-0004.safetensors",
        "epoch-0005.safetensors",
    ]
    found = latest_checkpoint(tmp_path)
    assert found.epochs == 5
    assert torch.equal(found.weights["a"], torch.full((3,), 5.0))
    assert found.optimizer["0.step"] == 2
    best, epoch = read_best(tmp_path)
    assert epoch == 3
    assert torch.equal(best["a"], torch.full((3,), 3.0))
    save_file({"a": torch.zeros(3)}, tmp_path / "best.safetensors")
    with pytest.raises(TrainingError, match=r"best.safetensors cannot be read"):
        read_best(tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu(study, start):
    done = train(study, replace(start, device="cuda"), changes={"epochs": 14, "batch": 8, "learning_rate": 3e-3})
    assert done.model.card["device"] == "cuda"
    assert done.fitted.test["accuracy"] >= 0.8
