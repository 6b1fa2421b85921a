"""A study of vectors alone: every command works or says why not."""

import json

import numpy as np
import pandas as pd
import pytest
from support.gallery import draw_levels, png, published, view_name, write
from support.mixtures import mixture
from support.terminal import error_of, run

from embed import Study

NAMES = ("Blip", "Tomte", "Whistle")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    vectors, truth = mixture([30, 30, 30, 24], seed=3)
    np.save(folder / "v.npy", vectors.astype(np.float32))
    labels = [NAMES[kind] if kind < 3 else "None_of_the_Above" for kind in truth]
    labels[int(np.flatnonzero(truth == 0)[0])] = "Tomte"
    ids = [f"g{number:03d}" for number in range(len(truth))]
    frame = pd.DataFrame({"id": ids, "ifo": "H1", "event_time": 1126400000 + 977.5 * np.arange(len(truth))})
    frame.assign(label=labels, snr=9.5).to_csv(folder / "ids.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def study(files, tmp_path_factory):
    from discovery.cli import main

    folder = tmp_path_factory.mktemp("given") / "study"
    assert main(["ingest", str(files / "v.npy"), "--ids", str(files / "ids.csv"), "--study", str(folder)]) == 0
    return folder


def test_embed_says_what_there_is(capsys, study):
    code, out, _ = run(capsys, "embed", "--study", study)
    assert code == 0
    assert "vectors of v.npy (vectors:v), made elsewhere; graph: 30 neighbours, exact" in out
    assert "nothing was embedded; for vectors of pictures (0 glitches have some) give --weights glitch" in out


def test_clusters_without_pictures(capsys, study):
    code, out, _ = run(capsys, "cluster", "None_of_the_Above", "--study", study, "--json")
    assert code == 0
    result = json.loads(out)
    assert result["clusters"][0]["size"] >= 20
    assert not [name for name in result["files"] if name.startswith("members-")]
    page = (study / "reports" / "cluster-None_of_the_Above-hdbscan" / "report.html").read_text()
    assert "No pictures: the study holds none of these glitches." in page
    assert "vectors: sha256" in page
    assert (
        "This page holds no pictures."
        in (study / "reports" / "cluster-None_of_the_Above-hdbscan" / "embedding.html").read_text()
    )
    assert run(capsys, "verify", "--study", study)[0] == 0
    assert "has no pictures of these glitches, and volunteers need some" in error_of(
        capsys, "batch", "0", "--study", study
    )


@pytest.mark.parametrize(
    "command",
    [
        "search g003 -k 3",
        "novel -n 3",
        "project --method umap --dims 2 --color snr",
        pytest.param("audit --trust-vectors --splits 10", marks=pytest.mark.long),
        "scorecard",
        "evaluate --baseline",
        "onset",
    ],
)
def test_commands_without_pictures(capsys, study, command):
    assert run(capsys, *command.split(), "--study", study)[0] == 0
    if command.startswith("evaluate"):
        page = (study / "reports" / "evaluate-baseline-test" / "evaluation.html").read_text()
        assert "logistic regression on vectors of v.npy (vectors:v), made elsewhere" in page


def test_what_needs_pictures_says_so(capsys, study):
    assert "which were ingested from v.npy, may come from a network" in error_of(capsys, "audit", "--study", study)
    assert "--refit trains a network on pictures, and vectors:v" in error_of(
        capsys, "audit", "--refit", "backbone", "--study", study
    )
    assert "holds no images yet" in error_of(capsys, "embed", "--weights", "glitch", "--study", study)
    assert "holds no images yet" in error_of(capsys, "train", "--study", study)


def test_pictures_are_shown_where_there_are_some(capsys, files, tmp_path):
    """The vectors stay the given ones."""
    rng = np.random.default_rng(0)
    for number in range(40):
        write(tmp_path / "p" / view_name(f"g{number:03d}", 4.0), png(published(draw_levels(rng, 1))))
    folder = tmp_path / "study"
    run(capsys, "ingest", tmp_path / "p", "--study", folder)
    run(capsys, "ingest", files / "v.npy", "--ids", files / "ids.csv", "--study", folder)
    with Study(folder) as study:
        assert len(study.glitches()) == 114
    assert run(capsys, "project", "--method", "umap", "--dims", "2", "--study", folder)[0] == 0
    page = (folder / "reports" / "map-umap-2d" / "embedding.html").read_text()
    assert "40 spectrograms" in page
    assert "nothing was embedded; for vectors of pictures (40 glitches" in run(capsys, "embed", "--study", folder)[1]
