import csv
import json
import shutil

import numpy as np
import pytest
from support.gallery import make_gallery

import discovery.commands.train
import embed.dataset.gap
from discovery.cli import main
from embed import Study, ingest_folder
from embed.network.model import load_model
from embed.network.sources import models
from embed.study.clusterings import latest_clusters
from embed.vectors.standing import latest_choice

QUICK = ("--epochs", "1", "--batch", "8", "--lr", "1e-3", "--device", "cpu")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """30 labelled glitches and 6 without a label."""
    folder = tmp_path_factory.mktemp("learned")
    make_gallery(folder / "data", {"Blip": 10, "Koi_Fish": 10, "Power_Line": 10})
    make_gallery(folder / "more", {"Blip": 3, "Koi_Fish": 3}, prefix="more", seed=5)
    for path in list((folder / "more").glob("*/*.png")):
        path.rename(folder / "more" / path.name)
    with Study(folder / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
        ingest_folder(study, folder / "more")
    return folder / "study"


@pytest.fixture
def study(tmp_path, learned):
    return shutil.copytree(learned, tmp_path / "study")


def run(study, tiny, *arguments):
    return main(
        [
            "train",
            "--study",
            str(study),
            "--backbone",
            tiny["backbone"],
            "--weights",
            tiny["weights"],
            *QUICK,
            *arguments,
        ]
    )


def test_train_says_what_it_did(study, tiny, capsys, monkeypatch):
    monkeypatch.setattr(discovery.commands.train, "WEIGHT_SOURCES", (tiny["weights"],))
    monkeypatch.setattr(embed.dataset.gap, "find_groups", lambda labelled, _: np.zeros(len(labelled.glitches), int))
    assert run(study, tiny, "--name", "same", "--split", "random") == 0
    said = capsys.readouterr().out
    assert (
        "the gap between random and honest splits was not measured: no glitch is left for the validation part" in said
    )
    monkeypatch.setattr(embed.dataset.gap, "find_groups", lambda labelled, _: np.arange(len(labelled.glitches)) // 2)
    assert run(study, tiny, "--name", "mine", "--split", "random") == 0
    with Study(study) as opened:
        assert latest_choice(opened) is None  # only `discover embed` chooses the vectors of later commands
    said = capsys.readouterr().out
    assert "epoch   1  training loss " in said
    assert "mine: timm:test_efficientnet from tiny.safetensors, views 4.0, 3 classes" in said
    assert "split random, 30 groups; epoch " in said
    assert "by a random split, " in said
    assert " by grouped, a gap of " in said
    monkeypatch.setattr(embed.dataset.gap, "find_groups", lambda labelled, _: np.arange(len(labelled.glitches)))
    assert run(study, tiny, "--name", "apart", "--split", "random") == 0
    assert (
        "not measured: no near-duplicates were found, so grouped and random splits are the same"
        in capsys.readouterr().out
    )
    assert "use it with --weights model:mine" in said
    assert models(study) == ["apart", "mine", "same"]
    assert (
        main(["embed", "--study", str(study), "--weights", "model:mine", "--runtime", "torch", "--device", "cpu"]) == 0
    )
    assert "timm:test_efficientnet (model:mine)" in capsys.readouterr().out


def test_train_as_json(study, tiny, capsys):
    more = ("--balanced", "--freeze", "conv_stem", "--labels", "Blip", "Koi_Fish")
    assert run(study, tiny, "--json", "--epochs", "2", *more) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["name"] == "finetuned"
    assert result["classes"] == ["Blip", "Koi_Fish"]
    assert result["gap"] is None
    assert result["recipe"]["balanced"]
    assert result["recipe"]["freeze"] == ["conv_stem"]
    assert [row["epoch"] for row in result["history"]] == [1, 2]


def test_refusals_are_one_line(study, tiny, capsys):
    for arguments, message in (
        (("--labels", "Whistle"), "no glitch is labelled 'Whistle'"),
        (("--epochs", "0"), "epochs 0: give a number from 1 to 100"),
        (("--name", "../up"), "cannot be a model's name"),
        (("--add-class", "Blip"), "--add-class extends a trained model; name it with --weights model:NAME"),
        (
            ("--add-class", "Blip", "--weights", "model:old", "--resume", "--dropout", "0.0"),
            "has no use for --epochs, --batch, --lr, --dropout, --backbone, --resume; leave that out",
        ),
        (("--figures", "pdf"), "--figures has no effect without --recursive"),
        (("--truth", "truth.csv"), "--truth has no effect without --recursive"),
        (("--recursive", "3", "--truth", "none.csv"), "--truth none.csv cannot be read"),
    ):
        assert run(study, tiny, *arguments) == 2
        said = capsys.readouterr().err.splitlines()
        assert message in said[-1]
        assert said[-1].startswith("discover train: error: ")


def test_one_process_for_what_needs_one(study, tiny, capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert run(study, tiny, "--recursive", "2") == 2
    assert "--recursive and --add-class run in one process; leave torchrun out" in capsys.readouterr().err


def test_recursive_training(study, tiny, capsys, tmp_path):
    with Study(study) as opened:
        ids = opened.glitches().query("label == ''")["id"]
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        rows = [(name.removeprefix("H1_"), "H1", "Blip" if name.startswith("H1_morea") else "Koi_Fish") for name in ids]
        csv.writer(file).writerows([("id", "ifo", "truth"), *rows])
    arguments = ("--truth", str(tmp_path / "truth.csv"), "--out", str(tmp_path / "out"))
    assert run(study, tiny, "--name", "r", "--figures", "svg", "--recursive", "4", *arguments) == 0
    said = capsys.readouterr().out
    assert "6 unlabelled glitches to choose from, 0 left out" in said
    assert "none of these: not asked, the study holds too few held-out glitches to compare with: 9" in said
    assert models(study) == ["r", "r-4"]
    assert (tmp_path / "out" / "recursion.html").exists()
    assert b">pseudo-labels<" in (tmp_path / "out" / "figures" / "accuracy.svg").read_bytes()
    assert " of 4" in said  # pseudo-labels whose truth is known
    assert "4 pseudo-labels: right on " in said
    assert "the gap between random and honest splits was not measured: there are no vectors" in said
    assert "the same share of each" in (tmp_path / "out" / "recursion.html").read_text()
    assert run(study, tiny, "--name", "any", "--any-class", "--recursive", "2", *arguments) == 0
    assert "the most confident of all" in (tmp_path / "out" / "recursion.html").read_text()


def test_a_class_is_added(study, tiny, capsys, tmp_path):
    assert run(study, tiny, "--name", "old", "--labels", "Blip", "Koi_Fish") == 0
    extend = [
        "train",
        "--study",
        str(study),
        "--weights",
        "model:old",
        "--name",
        "new",
        "--add-class",
        "Power_Line",
        "--device",
        "cpu",
    ]
    assert main([*extend, "--examples", "6"]) == 0
    assert "Power_Line: 6 examples" in capsys.readouterr().out
    assert load_model(study / "models" / "new").classes == ("Blip", "Koi_Fish", "Power_Line")
    assert main(extend) == 2
    assert "there is a model 'new' already" in capsys.readouterr().err


def test_the_gap_is_that_of_planted_duplicates():
    """Vectors of no class information but for duplicates: a random split recognises the twins, an honest one nothing."""
    from embed.dataset.gap import split_gap
    from embed.dataset.splits import make_split

    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(150), 4)
    targets = rng.integers(0, 3, 150)[groups]
    vectors = (rng.normal(size=(150, 200))[groups] + 0.01 * rng.normal(size=(600, 200))).astype(np.float32)
    grouped = split_gap(vectors, targets, make_split(targets, "grouped", groups=groups))
    assert grouped.random > grouped.honest + 0.25
    assert grouped.interval[0] < 1 / 3 < grouped.interval[1]
    assert f"a gap of +{100 * (grouped.random - grouped.honest):.2f} points" in grouped.in_words()
    honest = split_gap(vectors, targets, make_split(targets, "random"))
    assert honest.random == pytest.approx(honest.honest, abs=0.12)


def test_a_found_cluster_becomes_a_class_of_the_model(tmp_path, tiny, capsys):
    """The whole way: a model that does not know the family, the cluster, its name, the extended model and its predictions."""
    make_gallery(tmp_path / "data", {"Blip": 10, "Power_Line": 10, "None_of_the_Above": 12})
    study = tmp_path / "study"
    network = ("--backbone", tiny["backbone"], "--weights", tiny["weights"], "--device", "cpu")
    assert main(["ingest", str(tmp_path / "data"), "--study", str(study)]) == 0
    assert run(study, tiny, "--name", "mine", "--no-vectors") == 0
    assert load_model(study / "models" / "mine").classes == ("Blip", "None_of_the_Above", "Power_Line")
    assert main(["cluster", "None_of_the_Above", "--study", str(study), *network]) == 0
    with Study(study) as opened:
        members = latest_clusters(opened).query("cluster == 0").index.to_numpy()
    assert main(["name", "0", "Arch", "--study", str(study)]) == 0
    step = "discover train --weights model:mine --name NEW --add-class Arch"
    assert step in capsys.readouterr().out
    assert main([*step.replace("NEW", "more").split()[1:], "--study", str(study), "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert f"Arch: {len(members)} examples" in said
    model = load_model(study / "models" / "more")
    assert model.classes == ("Arch", "Blip", "None_of_the_Above", "Power_Line")
    assert main(["predict", "more", "--all", "--study", str(study), "--device", "cpu"]) == 0
    with Study(study) as opened:
        assert (opened.glitches().loc[members, "predicted"] == "Arch").mean() > 0.8
