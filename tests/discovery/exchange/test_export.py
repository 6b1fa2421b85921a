"""What other tools read: the same facts as the study's, whole or not at all."""

import csv
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pyarrow import parquet
from support.audited import CLASSES, make_study, run_audit
from support.terminal import error_of, run

from discovery.exchange import listing, projector
from embed import Study
from embed.storage import beside
from embed.study.clusterings import save_clusters
from embed.study.records import Label
from embed.vectors.store import stores


@pytest.fixture(scope="module")
def full(embedded, tmp_path_factory):
    """The gallery with a clustering, metadata, a person's label and a model's."""
    folder = shutil.copytree(embedded, tmp_path_factory.mktemp("export") / "study")
    with Study(folder) as study:
        with study.run("cluster", {"label": "Blip"}) as number:
            save_clusters(study, number, np.array([1, 2]), np.array([0, -1]), np.array([0.5, 0.0]))
        with study.run("ingest"), study.transaction():
            study.add_glitch("a000000000", "H1", 1.1e9, {"snr": 8.25, "id": "old", "note": "=1+1"})
            study.add_label(1, Label("Whistle", by="person", source="me.csv"))
            study.add_label(2, Label("Tomte", by="model", source="mine", confidence=0.75))
    return folder


def test_csv_holds_what_the_study_knows(capsys, full, tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "BLOCK", 5)
    code, out, _ = run(capsys, "export", "--to", "csv", "--out", tmp_path / "o.csv", "--study", full, "--json")
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    assert (json.loads(out)["glitches"], len(rows)) == (24, 24)
    with Study(full) as study:
        glitches = study.glitches()
        views = {view.glitch: view.source for view in study.views()}
    assert [row["id"] for row in rows] == glitches["id"].tolist()
    assert [row["label"] for row in rows] == glitches["label"].tolist()
    assert [row["image_4.0"] for row in rows] == [views[glitch] for glitch in glitches.index]
    first, second = rows[:2]
    assert {name: first[name] for name in ("label", "label_by", "label_source", "cluster", "cluster_probability")} == {
        "label": "Whistle",
        "label_by": "person",
        "label_source": "me.csv",
        "cluster": "0",
        "cluster_probability": "0.5",
    }
    assert (first["snr"], first["metadata_id"], first["note"], first["gps"]) == ("8.25", "old", "'=1+1", "1100000000.0")
    assert (second["predicted"], second["predicted_by"], second["confidence"]) == ("Tomte", "mine", "0.75")
    assert (second["cluster"], second["snr"], second["p_wrong"]) == ("-1", "", "")


def test_parquet_has_types_and_vectors(capsys, full, tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "BLOCK", 5)
    with Study(full) as study, study.run("ingest"), study.transaction():
        study.add_glitch("zz", "L1", None)  # no vector
    path = tmp_path / "o.parquet"
    assert run(capsys, "export", "--to", "parquet", "--vectors", "--out", path, "--study", full)[0] == 0
    table = parquet.read_table(path)
    (store,) = stores(full)
    assert str(table.schema.field("vector").type) == f"fixed_size_list<element: float>[{store.passport['dimension']}]"
    vectors = table.column("vector").to_pylist()
    assert vectors[-1] is None
    np.testing.assert_array_equal(np.array(vectors[:-1], np.float32), store.vectors)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert (kinds["gps"], kinds["cluster"], kinds["snr"], kinds["note"]) == ("double", "int64", "double", "string")
    assert table.column("cluster").to_pylist()[:3] == [0, -1, None]


def test_embedding_atlas(capsys, full, tmp_path):
    path = tmp_path / "o.parquet"
    command = ("export", "--to", "embedding-atlas", "--method", "tsne", "--out", path)
    code, out, _ = run(capsys, *command, "--study", full)
    assert code == 0
    assert "--x projection_x --y projection_y --neighbors neighbors" in out
    table = parquet.read_table(path).to_pandas()
    (store,) = stores(full)
    unit = np.asarray(store.vectors, np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    for row, own in enumerate(table["neighbors"]):
        assert len(own["ids"]) == 15
        np.testing.assert_allclose(own["distances"], 1 - np.sort(cosines[row])[::-1][:15], atol=1e-5)
        np.testing.assert_allclose(cosines[row, own["ids"]], 1 - np.asarray(own["distances"]), atol=1e-5)
    assert np.isfinite(table[["projection_x", "projection_y"]].to_numpy()).all()
    assert table["id"].tolist() == store.folder.joinpath("ids.txt").read_text().split()


def test_tensorboard(capsys, full, tmp_path, monkeypatch):
    monkeypatch.setattr(projector, "ROWS", 7)
    out = tmp_path / "new" / "tb"
    assert run(capsys, "export", "--to", "tensorboard", "--out", out, "--study", full)[0] == 0
    (store,) = stores(full)
    np.testing.assert_allclose(np.loadtxt(out / "vectors.tsv", delimiter="\t"), store.vectors, rtol=1e-6)
    metadata = pd.read_csv(out / "metadata.tsv", sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
    assert metadata["id"].tolist() == store.folder.joinpath("ids.txt").read_text().split()
    (entry,) = json.loads((out / "projector_config.json").read_text())["embeddings"]
    assert entry["tensorShape"] == [24, store.passport["dimension"]]
    side = entry["sprite"]["singleImageDim"][0]
    with Image.open(out / "sprite.png") as sprite:
        assert sprite.size == (5 * side, 5 * side)
        pixels = np.asarray(sprite)
    assert (pixels[4 * side :, 4 * side :] == 255).all()  # the 25th place is empty
    assert (pixels[3 * side :, : 4 * side].std(axis=(0, 1)) > 0).all()
    assert f"single_image_dim: {side}" in (out / "projector_config.pbtxt").read_text()
    assert not beside(out)[0].exists()


def test_fiftyone(capsys, full, tmp_path):
    out = tmp_path / "fo"
    assert run(capsys, "export", "--to", "fiftyone", "--out", out, "--study", full)[0] == 0
    metadata = json.loads((out / "metadata.json").read_text())
    assert metadata["media_type"] == "image"
    assert "version" not in metadata  # else FiftyOne expects its database's own documents
    samples = json.loads((out / "samples.json").read_text())["samples"]
    assert len(samples) == 24
    first, second = samples[:2]
    assert first["ground_truth"] == {"_cls": "Classification", "label": "Whistle"}
    assert second["prediction"] == {"_cls": "Classification", "label": "Tomte", "confidence": 0.75}
    assert (first["glitch_id"], first["snr"], first["metadata_id"]) == ("H1_a000000000", 8.25, "old")
    for sample in samples:
        with Image.open(sample["filepath"]) as picture:
            assert picture.size == (800, 600)
        assert not [name for name in sample if "." in name or name.startswith("_") or name in ("id", "metadata")]


def test_generated_glitches_are_not_exported(capsys, full, tmp_path):
    folder = shutil.copytree(full, tmp_path / "study")
    with Study(folder) as study, study.run("ingest"), study.transaction():
        real = study.count("glitches")
        study.add_glitch("generated-Blip-1", "H1", 1.2e9, {"recipe": "gan"})
    for name in ("csv", "parquet"):
        assert run(capsys, "export", "--to", name, "--out", tmp_path / f"o.{name}", "--study", folder)[0] == 0
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text().splitlines()))
    table = parquet.read_table(tmp_path / "o.parquet")
    for ids, columns in (([row["id"] for row in rows], rows[0]), (table["id"].to_pylist(), table.column_names)):
        assert len(ids) == real
        assert not [name for name in ids if "generated" in name]
        assert "recipe" not in columns
    _, out, _ = run(capsys, "export", "--to", "fiftyone", "--out", tmp_path / "fo", "--study", folder, "--json")
    assert json.loads(out)["glitches"] + json.loads(out)["left_out"] == real


def test_nothing_to_show_leaves_nothing_behind(capsys, tmp_path):
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"), study.transaction():
        study.add_glitch("a", "H1", None)
    out = tmp_path / "fo"
    message = error_of(capsys, "export", "--to", "fiftyone", "--out", out, "--study", tmp_path / "study")
    assert "no glitch of the study has a picture file" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study"]


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    folder, _ = make_study(tmp_path_factory.mktemp("audited"), count=60, wrong=6)
    run_audit(folder)
    return folder


def test_cleanlab(capsys, audited, tmp_path):
    out = tmp_path / "cl"
    code, text, _ = run(capsys, "export", "--to", "cleanlab", "--out", out, "--study", audited)
    assert code == 0
    assert "60 labels in 4 classes, audited by audit-" in text
    assert "probabilities of probabilities.csv" in text
    labels, probabilities = np.load(out / "labels.npy"), np.load(out / "pred_probs.npy")
    classes = (out / "classes.txt").read_text().split()
    assert classes == sorted(CLASSES)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-9)
    ids = list(csv.DictReader((out / "ids.csv").read_text().splitlines()))
    with Study(audited) as study:
        given = study.glitches().set_index("id")["label"]
    assert (
        [row["label"] for row in ids]
        == [classes[code] for code in labels]
        == given[[row["id"] for row in ids]].tolist()
    )
    told = {row["id"]: row for row in csv.DictReader((audited / "probabilities.csv").read_text().splitlines())}
    expected = np.array([[float(told[row["id"]][name]) for name in classes] for row in ids])
    np.testing.assert_allclose(probabilities, expected / expected.sum(1, keepdims=True), atol=1e-5)
    assert (out / "labels.npy").stat().st_size < 2000


def test_cleanlab_after_labels_changed_and_p_wrong(capsys, audited, tmp_path):
    folder = shutil.copytree(audited, tmp_path / "study")
    with Study(folder) as study, study.run("ingest"), study.transaction():
        study.add_label(3, Label("Tomte", by="person", source="me"))
    _, text, _ = run(capsys, "export", "--to", "cleanlab", "--out", tmp_path / "cl", "--study", folder)
    assert "1 label has changed since that audit" in text
    run(capsys, "export", "--to", "csv", "--out", tmp_path / "o.csv", "--study", folder)
    with (folder / "reports" / "audit" / "ranking.csv").open() as file:
        ranking = {row["id"]: row for row in csv.DictReader(file)}
    for row in csv.DictReader((tmp_path / "o.csv").read_text().splitlines()):
        assert float(row["p_wrong"]) == pytest.approx(float(ranking[row["id"]]["p_wrong"]), abs=1e-4)
        assert row["suggested_label"] == ranking[row["id"]]["suggested_label"]


def test_cleanlab_without_an_audit(capsys, full, audited, tmp_path):
    command = ("export", "--to", "cleanlab", "--out", tmp_path / "cl", "--study", full)
    assert "held-out.npz; run `discover audit` first" in error_of(capsys, *command)
    assert "is none of the study" in error_of(capsys, *command, "--audit", audited / "reports" / "audit")
    (tmp_path / "held-out.npz").write_text("no archive")
    assert "is damaged" in error_of(capsys, *command, "--audit", tmp_path)
    assert not (tmp_path / "cl").exists()
