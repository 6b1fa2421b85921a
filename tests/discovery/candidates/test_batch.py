"""A batch for volunteers: half members, half the most similar others, hidden columns, pictures of what all have."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.terminal import run

from discovery.candidates.batch import make_batch
from embed import Study
from embed.errors import InputError
from embed.study.clusterings import save_branches, save_clusters
from embed.study.records import Label
from embed.vectors.embedding import embed
from embed.vectors.similarity import normalise


@pytest.fixture
def study(embedded, tmp_path):
    with Study(shutil.copytree(embedded, tmp_path / "study")) as opened:
        yield opened


def clustered(study):
    """The eight of None_of_the_Above: five in cluster 0, three in no cluster."""
    glitches = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above"}) as run:
        save_clusters(study, run, glitches, np.array([0] * 5 + [-1] * 3), np.ones(8))
    return run, glitches


def test_members_and_the_most_similar_others(study):
    run, glitches = clustered(study)
    store = embed(study)
    batch = make_batch(study, store, 0, 6)
    folder = study.folder / "reports" / f"batch-{run}-0"
    table = pd.read_csv(folder / "manifest.csv")
    hidden = ["#similarity", "#in_cluster", "#label"]
    assert table.columns.tolist() == ["Filename1", "subject_id", "ifo", "gps", *hidden]
    assert table["#in_cluster"].sum() == 3
    ids = study.glitches()["id"]
    assert set(batch.table.loc[batch.table["in_cluster"] == 0, "id"]) == set(ids.loc[glitches[5:]])
    for name in table["Filename1"]:
        with Image.open(folder / name) as picture:
            assert picture.size == (800, 600)
    assert len(list(folder.glob("*.png"))) == 6
    unit = normalise(np.asarray(store.vectors[store.rows(glitches)])).astype(float)
    expected = np.sort(unit[5:] @ unit[:5].T, axis=1)[:, -5:].mean(axis=1)
    shown = batch.table.set_index("id")["similarity"]
    np.testing.assert_allclose(shown.loc[ids.loc[glitches[5:]]], expected, atol=1e-3)
    among = unit[:5] @ unit[:5].T
    own = pd.Series((among.sum(axis=1) - np.diagonal(among)) / 4, ids.loc[glitches[:5]])  # each beside the four others
    members = batch.table.loc[batch.table["in_cluster"] == 1, "id"]
    np.testing.assert_allclose(shown.loc[members], own.loc[members], atol=1e-3)
    assert batch.least == pytest.approx(own.min(), abs=1e-5)
    assert batch.range_of(members=False) == pytest.approx((expected.min(), expected.max()), abs=1e-3)


def test_members_of_other_clusters_are_not_asked_about(study):
    glitches = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above"}) as run:
        save_clusters(study, run, glitches, np.array([0] * 4 + [1] * 3 + [-1]), np.ones(8))
    batch = make_batch(study, embed(study), 0, 8)
    ids = study.glitches()["id"]
    assert set(batch.table["id"]) == set(ids.loc[glitches[[0, 1, 2, 3, 7]]])


def test_look_alikes_of_known_classes_are_asked_about_with_their_label(study, capsys):
    """Three of the eight, of which five are clustered, get a known class; two of these are as like the cluster as its members, one is its opposite."""
    _, glitches = clustered(study)
    store = embed(study)
    with study.run("test"):
        for glitch in glitches[5:].tolist():
            study.add_label(glitch, Label("Scratchy", "person", "test"))
    rows = store.rows(glitches)
    vectors = np.array(store.vectors)
    vectors[rows[5:7]] = vectors[rows[:5]].mean(axis=0)
    vectors[rows[7]] = -vectors[rows[0]]
    batch = make_batch(study, SimpleNamespace(rows=store.rows, vectors=vectors), 0, 8)
    ids = study.glitches()["id"]
    others = batch.table[batch.table["in_cluster"] == 0]
    assert set(others["id"]) == set(ids.loc[glitches[5:7]])
    assert others["label"].tolist() == ["Scratchy", "Scratchy"]
    assert batch.known == 2
    assert others["similarity"].min() >= batch.least
    code, out, _ = run(capsys, "batch", 0, "-n", "40", "--study", study.folder)
    assert code == 0
    assert "similarity to the cluster (1 is equal): members 0." in out
    whole = make_batch(study, store, 0, 40)
    assert ("of a known class" in out or "of known classes" in out) == bool(whole.known)
    assert not whole.known or f"as similar as members are ({whole.least:.2f} or more)" in out
    assert "fewer than the 40 asked for: these are all members, and all glitches that may stand beside them" in out


def test_a_branch_among_the_rest_of_its_cluster(study):
    run, glitches = clustered(study)
    with study.run("test"):
        save_branches(study, run, ((glitch, "0.1") for glitch in glitches[:2].tolist()))
    batch = make_batch(study, embed(study), "0.1", 8)
    ids = study.glitches()["id"]
    table = batch.table.set_index("id")["in_cluster"]
    assert set(table.index[table == 1]) == set(ids.loc[glitches[:2]])
    assert set(table.index[table == 0]) == set(ids.loc[glitches[2:]])
    assert batch.files["manifest.csv"].parent.name == f"batch-{run}-0.1"


def test_same_seed_same_bytes_and_old_pictures_go(study, tmp_path):
    clustered(study)
    store = embed(study)
    first = make_batch(study, store, 0, 6, out=tmp_path / "a").files["manifest.csv"].read_bytes()
    (tmp_path / "a" / "old.png").write_bytes(b"old")
    assert make_batch(study, store, 0, 6, out=tmp_path / "a").files["manifest.csv"].read_bytes() == first
    assert not (tmp_path / "a" / "old.png").exists()
    assert make_batch(study, store, 0, 6, out=tmp_path / "b", seed=1).files["manifest.csv"].read_bytes() != first


def test_a_batch_larger_than_what_there_is(study):
    clustered(study)
    assert len(make_batch(study, embed(study), 0, 100).table) == 8


def test_no_such_cluster(study):
    clustered(study)
    with pytest.raises(InputError, match="has no cluster 3; it has 0 alone"):
        make_batch(study, embed(study), 3, 6)


def test_a_cluster_beside_which_there_is_nothing(study):
    """All glitches that are in no known class are in the cluster: the batch is of members alone."""
    glitches = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above"}) as run:
        save_clusters(study, run, glitches, np.zeros(8, int), np.ones(8))
    batch = make_batch(study, embed(study), 0, 6)
    assert batch.table["in_cluster"].tolist() == [1] * 6
