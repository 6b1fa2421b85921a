"""``discover evaluate`` and ``discover predict`` on a study whose models are a tiny frozen network with a fitted final layer."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from support.gallery import draw_levels, make_gallery, png, published, view_name, write
from support.models import LABELS, make_model
from support.terminal import error_of, run

from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.errors import InputError
from embed.metrics.calibration import softmax
from embed.network.model import load_model
from embed.network.sources import model_folder


@pytest.fixture
def study(tmp_path, modelled):
    return shutil.copytree(modelled, tmp_path / "study")


def test_figures_files_and_what_they_rest_on(capsys, study, tiny, tmp_path):
    code, out, _ = run(
        capsys, "evaluate", "one", "two", "--ensemble", "--baseline", "--study", study, "--out", tmp_path / "out", "--json",
        "--backbone", tiny["backbone"], "--weights", tiny["weights"], "--runtime", "torch",
    )  # fmt: skip
    assert code == 0
    result = json.loads(out)
    assert result["glitches"] == 24
    assert list(result["classifiers"]) == ["one", "two", "baseline", "ensemble"]
    with Study(study) as opened:
        table = opened.glitches()
        model = load_model(model_folder(opened.folder, "one"))
        store = embed(opened, EmbeddingOptions(weights="model:one", runtime="torch"), command="test")
        runs = opened.runs()["command"].tolist()
    held = table[table["id"].map(model.parts) == "test"]
    probabilities = softmax(model.logits(np.asarray(store.vectors[store.rows(held.index.to_numpy())])))
    said = np.array(model.classes)[probabilities.argmax(axis=1)]
    assert result["classifiers"]["one"]["top1"] == (said == held["label"]).mean()
    assert "embed" not in runs  # the vectors that other commands take by default are still none of these
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    one = predictions[predictions["classifier"] == "one"]
    assert one["id"].tolist() == held["id"].tolist()
    assert one["predicted"].tolist() == said.tolist()
    np.testing.assert_allclose(one["probability"], probabilities.max(axis=1))
    wrong = pd.read_csv(tmp_path / "out" / "misclassified.csv")
    assert set(wrong["id"]) == set(held["id"][said != held["label"]])
    assert wrong["probability"].is_monotonic_decreasing
    metrics = pd.read_csv(tmp_path / "out" / "metrics.csv").set_index("classifier")
    assert metrics.loc["two", "top1"] == result["classifiers"]["two"]["top1"]
    classes = pd.read_csv(tmp_path / "out" / "classes.csv")
    assert classes[classes["classifier"] == "one"]["glitches"].tolist() == [8, 8, 8]
    facts = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert np.trace(np.array(facts["classifiers"]["one"]["confusion"])) == (said == held["label"]).sum()
    page = (tmp_path / "out" / "evaluation.html").read_text("utf-8")
    assert "of <b>24</b> test glitches of 3 classes" in page
    assert page.count("<figcaption><code>") == len(wrong)
    assert {"confusion-one.png", "confusion-ensemble.png"} < {path.name for path in (tmp_path / "out").iterdir()}


def test_the_studys_own_folder_holds_no_picture_of_an_earlier_judging(capsys, study):
    folder = study / "reports" / "evaluate-one-test"
    assert run(capsys, "evaluate", "one", "two", "--study", study)[0] == 0
    assert {path.name for path in folder.glob("*.png")} == {"confusion-one.png", "confusion-two.png"}
    assert run(capsys, "evaluate", "one", "--study", study)[0] == 0
    assert {path.name for path in folder.glob("*.png")} == {"confusion-one.png"}


def test_same_seed_same_files(capsys, study, tmp_path):
    contents = []
    for name in ("first", "second"):
        assert run(capsys, "evaluate", "one", "two", "--study", study, "--out", tmp_path / name)[0] == 0
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    first, second = contents
    assert first.pop("evaluation.html") != b""
    second.pop("evaluation.html")  # it holds the command as typed
    assert first == second


def test_training_glitches_among_the_judged_are_a_leak(capsys, study):
    code, out, _ = run(capsys, "evaluate", "one", "--part", "all", "--study", study)
    assert code == 0
    assert "Leak: 36 of the 72 judged glitches were in the training of one" in out
    code, out, _ = run(capsys, "evaluate", "one", "--study", study)
    assert "Leak" not in out
    code, out, _ = run(capsys, "evaluate", "one", "--part", "validation", "--study", study)
    assert "The validation part chose the best epoch" in out


def test_a_model_that_began_from_one_trained_on_the_test_glitches_is_a_leak(capsys, study, tiny):
    with Study(study) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        turned = {name: {"train": "test", "test": "train"}.get(part, part) for name, part in parts.items()}
        parent = make_model(opened, tiny, "parent", parts=turned)
        child = make_model(opened, tiny, "child", parts=parts, before=parent)
        make_model(opened, tiny, "parent", parts=parts, before=parent)  # in its own place
        make_model(opened, tiny, "grandchild", parts=parts, before=child)
    for name in ("child", "parent", "grandchild"):
        _, out, _ = run(capsys, "evaluate", name, "--study", study)
        assert f"Leak: 24 of the 24 judged glitches were in the training of {name} (or of a model it began from)" in out


def test_near_duplicates_of_training_glitches_are_counted(capsys, tmp_path, tiny, modelled):
    """Two test glitches are the very pictures of training ones."""
    folder = tmp_path / "study"
    make_gallery(tmp_path / "data", dict.fromkeys(LABELS, 12), seed=3)
    for place in (0, 1):
        picture = (tmp_path / "data" / "Blip" / view_name(f"a{place:09d}", 4.0)).read_bytes()
        write(tmp_path / "data" / "Blip" / view_name(f"twin{place}", 4.0), picture)
    with Study(folder, create=True) as opened:
        with opened.run("ingest"):
            ingest_folder(opened, tmp_path / "data")
        ids = opened.glitches()["id"]
        parts = {name: "test" if "twin" in name or place % 4 == 3 else "train" for place, name in enumerate(ids)}
        make_model(opened, tiny, "one", parts=parts)
    _, out, _ = run(capsys, "evaluate", "--study", folder)
    assert "Near-duplicates between training and judged glitches were not looked for" in out
    assert run(capsys, "embed", "--study", folder)[0] == 0
    _, out, _ = run(capsys, "evaluate", "--study", folder)
    assert "2 judged glitches have a near-duplicate in the training of one; without them it is right on" in out


def test_temperature_is_fitted_on_the_validation_part(capsys, study):
    _, out, _ = run(capsys, "evaluate", "one", "--study", study, "--json")
    plain = json.loads(out)["classifiers"]["one"]
    _, out, _ = run(capsys, "evaluate", "one", "--temperature", "--study", study, "--json")
    tempered = json.loads(out)["classifiers"]["one"]
    assert tempered["top1"] == plain["top1"]
    assert tempered["log_loss"] != plain["log_loss"]
    assert "so they cannot be judged on 'validation'" in error_of(
        capsys, "evaluate", "one", "--temperature", "--part", "validation", "--study", study
    )


def test_the_baseline_alone_on_a_split_of_its_own(capsys, study):
    code, out, _ = run(capsys, "evaluate", "--baseline", "--study", _without_models(study), "--json")
    assert code == 0
    result = json.loads(out)
    assert list(result["classifiers"]) == ["baseline"]
    assert 6 <= result["glitches"] <= 18
    assert result["classifiers"]["baseline"]["top1"] > 0.8
    assert not any("Leak" in caution or "near-duplicate" in caution for caution in result["cautions"])


def _without_models(study):
    shutil.rmtree(study / "models")
    return study


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "one", "one"], "model 'one' is named twice"),
        (["evaluate", "one", "--ensemble"], "an ensemble of 1 models: name two or more"),
        (["evaluate", "three"], "no model 'three'"),
        (["predict"], "the study has 2 models (one, two); name one"),
        (["predict", "one", "--top", "0"], "--top 0: give a number from 1"),
        (["predict", "one", "--label", "Tomte"], "no glitch is labelled 'Tomte'"),
    ],
)
def test_usage_errors(capsys, study, arguments, message):
    assert message in error_of(capsys, *arguments, "--study", study)


def test_no_model_at_all(capsys, study):
    _without_models(study)
    assert "has no trained model; make one with `discover train`" in error_of(capsys, "evaluate", "--study", study)
    assert "has no trained model; make one with `discover train`" in error_of(capsys, "predict", "--study", study)


def test_a_class_that_the_model_does_not_know_is_left_out_and_said(capsys, study, tiny):
    with Study(study) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        make_model(opened, tiny, "small", parts=parts, classes=LABELS[:2])
    _, out, _ = run(capsys, "evaluate", "one", "small", "--study", study, "--json")
    result = json.loads(out)
    assert result["glitches"] == 16
    assert result["left_out"] == 8
    assert (
        "8 glitches were left out, the first: H1_c000000004: its label 'Whistle' is no class of small."
        in result["cautions"]
    )


def test_models_whose_test_parts_have_nothing_in_common(capsys, study, tiny):
    with Study(study) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        other = {name: {"test": "validation", "validation": "test"}.get(part, part) for name, part in parts.items()}
        make_model(opened, tiny, "other", parts=other)
    assert "no labelled glitch of this study is in the test part of one and other" in error_of(
        capsys, "evaluate", "one", "other", "--study", study
    )


def test_predict_labels_the_unlabelled_once(capsys, study):
    code, out, err = run(capsys, "predict", "one", "--study", study, "--runtime", "torch")
    assert code == 0
    assert "6 label events added" in err
    table = pd.read_csv(pd.io.common.StringIO(out))
    assert list(table.columns) == [
        "id", "ifo", "gps", "label", "none_of_these",
        *(name for place in (1, 2, 3) for name in (f"predicted_{place}", f"probability_{place}")),
    ]  # fmt: skip
    assert len(table) == 6
    sums = table[[f"probability_{place}" for place in (1, 2, 3)]].sum(axis=1)
    np.testing.assert_allclose(sums, 1)
    with Study(study) as opened:
        glitches = opened.glitches()
        events = opened.count("labels")
        sources = {row[0] for row in opened.connection.execute("SELECT source FROM labels WHERE by = 'model'")}
    free = glitches[glitches["label"] == ""]
    assert free["predicted"].tolist() == table["predicted_1"].tolist()
    np.testing.assert_allclose(free["confidence"], table["probability_1"], atol=1e-6)
    assert len(sources) == 1
    assert next(iter(sources)).startswith("one ")
    _, again, err = run(capsys, "predict", "one", "--study", study, "--runtime", "torch")
    assert again == out
    assert "0 label events added" in err
    with Study(study) as opened:
        assert opened.count("labels") == events


def test_predict_one_label_or_all_to_a_file(capsys, study, tmp_path):
    _, out, _ = run(
        capsys,
        "predict",
        "one",
        "--label",
        "Whistle",
        "--top",
        1,
        "--out",
        tmp_path / "w.csv",
        "--study",
        study,
        "--json",
    )
    assert json.loads(out)["glitches"] == 24
    assert list(pd.read_csv(tmp_path / "w.csv").columns[4:]) == ["none_of_these", "predicted_1", "probability_1"]
    _, out, _ = run(capsys, "predict", "two", "--all", "--out", tmp_path / "a.csv", "--study", study)
    assert "78 glitches labelled by two" in out
    assert len(pd.read_csv(tmp_path / "a.csv")) == 78


def test_predict_says_where_the_classes_differ(capsys, study, tiny):
    with Study(study) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        make_model(opened, tiny, "small", parts=parts, classes=LABELS[:2])
    _, _, err = run(capsys, "predict", "small", "--study", study)
    assert (
        "labels of the study that the model never predicts, because they are none of its classes: Whistle (24)" in err
    )


def test_glitches_without_the_models_views_are_left_out(capsys, study, tmp_path):
    write(tmp_path / "more" / view_name("short", 1.0), png(published(draw_levels(np.random.default_rng(0)))))
    run(capsys, "ingest", tmp_path / "more", "--study", study)
    _, _, err = run(capsys, "predict", "one", "--study", study)
    assert "left out 1, the first: H1_short, no view 4.0 s" in err


def test_every_glitch_labelled(capsys, tmp_path, study):
    with Study(study) as opened, opened.run("label"), opened.transaction():
        for glitch in opened.glitches().index:
            from embed.study.records import Label

            opened.add_label(int(glitch), Label("Blip", "person", "test"))
    assert "every glitch of the study has a given label already" in error_of(capsys, "predict", "one", "--study", study)


def test_a_model_of_a_reserved_name(study, tiny):
    from discovery.evaluation.evaluation import assess

    with Study(study) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        model = make_model(opened, tiny, "ensemble", parts=parts)
        with pytest.raises(InputError, match="a model named 'ensemble' has the same name as the ensemble"):
            assess(opened, [model])
