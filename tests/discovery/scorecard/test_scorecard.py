"""Planted classes that are found, one that cannot be, and files of anybody's vectors."""

import json

import numpy as np
import pandas as pd
import pytest
from support.mixtures import mixture
from support.terminal import error_of, run

from discovery.scorecard.scorecard import COLUMNS, read_vectors, score
from embed.errors import InputError


def planted(seed=0):
    vectors, truth = mixture([60] * 7, dims=12, seed=seed)
    labels = np.array([f"class {number}" for number in truth])
    return vectors, labels


def test_clear_classes_are_found_at_once():
    vectors, labels = planted()
    found = score(vectors, [*labels[:-1], labels[-1]])
    assert tuple(found.table.columns) == COLUMNS
    assert found.table["f1"].is_monotonic_increasing
    assert found.table["f1"].min() > 0.9
    assert (found.table["looks"] == 1).all()
    assert (found.table["probability"] > 0.9).sum() >= 5
    assert found.means()["looks"] == 1


def test_a_class_that_is_the_same_as_another_is_not_found():
    """Two names for one cloud: the worst row, and found late or never."""
    vectors, labels = planted(seed=1)
    twins = np.where(labels == "class 3", np.where(np.arange(len(labels)) % 2, "twin a", "twin b"), labels)
    table = score(vectors, twins.tolist()).table.set_index("class")
    assert set(table.index[:2]) == {"twin a", "twin b"}
    assert table.loc["twin a", "purity"] < 0.95
    assert table.loc["twin a", "probability"] < 0.5
    assert table.drop(["twin a", "twin b"])["f1"].min() > 0.9


def test_same_seed_same_scorecard():
    vectors, labels = planted()
    pd.testing.assert_frame_equal(score(vectors, labels.tolist()).table, score(vectors, labels.tolist()).table)


def test_unlabelled_glitches_are_left_out():
    vectors, labels = planted()
    labels = labels.astype(object)
    labels[labels == "class 0"] = "None_of_the_Above"
    labels[labels == "class 1"] = ""
    assert sorted(score(vectors, labels.tolist()).table["class"]) == [f"class {number}" for number in range(2, 7)]


def test_what_cannot_be_judged_is_refused():
    vectors, labels = planted()
    with pytest.raises(InputError, match="420 vectors and 1 labels: give as many of each"):
        score(vectors, ["x"])
    with pytest.raises(InputError, match="1 class has 10 glitches and more: at least 2 such are needed"):
        score(vectors, ["x"] * 420)
    assert len(labels) == 420


def test_the_command_on_anybodys_vectors(capsys, tmp_path):
    vectors, labels = planted()
    np.save(tmp_path / "v.npy", vectors)
    pd.DataFrame({"id": range(len(labels)), "label": labels}).to_csv(tmp_path / "l.csv", index=False)
    code, out, _ = run(
        capsys,
        "scorecard",
        "--vectors-file",
        tmp_path / "v.npy",
        "--labels-file",
        tmp_path / "l.csv",
        "--out",
        tmp_path,
        "--json",
    )
    assert code == 0
    said = json.loads(out)
    assert said["means"]["classes"] == 7
    assert len(pd.read_csv(tmp_path / "scorecard.csv")) == 7
    assert "go together: give both" in error_of(capsys, "scorecard", "--vectors-file", tmp_path / "v.npy")


def test_bad_files_are_refused(tmp_path):
    good, labels = tmp_path / "v.npy", tmp_path / "l.csv"
    np.save(good, np.ones((3, 2)))
    labels.write_text("label\na\nb\nc\n")
    assert read_vectors(good, labels)[1] == ["a", "b", "c"]
    np.save(tmp_path / "flat.npy", np.ones(3))
    with pytest.raises(InputError, match=r"have shape \(3,\) and type float64"):
        read_vectors(tmp_path / "flat.npy", labels)
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(InputError, match=r"text\.npy cannot be read: the file holds no plain array; give"):
        read_vectors(tmp_path / "text.npy", labels)
    labels.write_text("class\na\n")
    with pytest.raises(InputError, match="have no column 'label', only class"):
        read_vectors(good, labels)
    labels.write_text("label\na\n")
    with pytest.raises(InputError, match=r"has 3 rows and .* 1: give a label for each row"):
        read_vectors(good, labels)
    with pytest.raises(InputError, match=r"absent\.csv cannot be read"):
        read_vectors(good, tmp_path / "absent.csv")
