"""New glitches join the clusters there are, what fits none is born, and nothing old moves."""

import importlib
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mixtures import mixture

from discovery.candidates.naming import name_cluster
from discovery.clustering.density import OTHER_SETTINGS
from discovery.updating.changes import COLUMNS as CHANGE_COLUMNS
from discovery.updating.joining import join
from discovery.updating.update import COLUMNS, update_clusters
from embed import Study
from embed.errors import InputError
from embed.study.clusterings import latest_clustering, read_branches, save_branches, save_clusters
from embed.study.records import Label
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

CLASSES = 6
DENSITY, REGRAPH, JOINING = "discovery.clustering.density", "embed.vectors.regraph", "discovery.updating.joining"


class Store:
    """Vectors by row number of the glitch, as a vector store gives them."""

    name = "planted"

    def __init__(self, vectors):
        self.vectors = vectors

    @property
    def graph(self):
        return neighbour_graph(self.vectors)

    def rows(self, glitches):
        return np.asarray(glitches) - 1  # row numbers begin with 1


def planted(tmp_path, *, born=30, later=12, seed=0, known="class"):
    """Two unknown families clustered, of which more come, and a third that comes later; five known classes."""
    vectors, truth = mixture([60] * CLASSES + [born], dims=12, seed=seed)
    order = np.argsort(truth, kind="stable")
    vectors, truth = vectors[order], truth[order]
    turn = np.concatenate([np.arange(60) for _ in range(CLASSES)] + [np.arange(born)])
    study = Study(tmp_path / "study", create=True)
    with study.run("ingest"):
        for place, number in enumerate(truth):
            glitch, _ = study.add_glitch(f"g{place}", "H1", 1.1e9 + place)
            late = number == CLASSES or (number < 2 and turn[place] >= 60 - later)
            name = f"{known} {number}" if 2 <= number < CLASSES else "" if late else "None_of_the_Above"
            if name:
                study.add_label(glitch, Label(name, "file", "test"))
    return study, Store(vectors), truth, turn


@pytest.fixture
def clustered(tmp_path):
    study, store, truth, _ = planted(tmp_path)
    old = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above", "store": "planted", "predicted": False}) as run:
        save_clusters(study, run, old, truth[old - 1], np.ones(len(old)))
    with study.run("ingest"):
        for place in np.flatnonzero(study.glitches()["label"].to_numpy() == ""):
            study.add_label(int(place) + 1, Label("None_of_the_Above", "file", "later"))
    yield study, store, truth, old
    study.close()


def test_old_clusters_keep_their_numbers_and_a_family_is_born(clustered):
    study, store, truth, old = clustered
    found = update_clusters(study, store)
    assert tuple(found.table.columns) == COLUMNS
    assert set(found.joined) == {0, 1}
    assert min(found.joined.values()) >= 9  # of twelve each, at a reach of 99 %
    assert len(found.births) == 1
    assert found.births[0].cluster == 2
    assert found.births[0].size >= 27
    assert found.births[0].verdict == "new class"
    _, arguments, table = latest_clustering(study)
    assert arguments["update_of"] == found.of < found.run
    assert (table.loc[old, "cluster"].to_numpy() == truth[old - 1]).all()
    assert (table.loc[old, "probability"] == 1.0).all()
    born = table.loc[table["cluster"] == 2, "probability"]
    assert born.median() > 0.9  # of their own cluster: none of their old neighbours is in it
    assert found.changes == []
    page = found.files["update.html"].read_text("utf-8")
    assert "Cluster 2: new class" in page
    assert "None: a clustering of all glitches of the label, old and new, finds no split" in page
    new = table.drop(index=old)
    right = new["cluster"].to_numpy() == np.where(truth[new.index - 1] == CLASSES, 2, truth[new.index - 1])
    assert right.mean() > 0.85
    written = pd.read_csv(found.files["update.csv"])
    assert written["how"].value_counts().to_dict() == found.table["how"].value_counts().to_dict()


def test_the_outskirts_of_a_cluster_are_no_birth(clustered):
    """New glitches of cluster 0, moved together beyond its reach: they fit none, and are no class of their own."""
    study, store, truth, old = clustered
    late = np.setdiff1d(np.flatnonzero(truth == 0), old - 1)
    away = np.random.default_rng(1).normal(size=store.vectors.shape[1])
    store.vectors[late] += 0.9 * away / np.linalg.norm(away)
    found = update_clusters(study, store)
    labels = found.table.set_index("id")["cluster"]
    outskirts = labels[[f"H1_g{place}" for place in late]]
    assert [own.size >= 27 for own in found.births] == [True]
    assert (outskirts == -1).sum() >= 5


def test_an_update_can_follow_an_update_and_nothing_new_is_said(clustered):
    study, store, *_ = clustered
    first = update_clusters(study, store)
    with pytest.raises(InputError, match=f"came after the clustering of run {first.run}: nothing to update"):
        update_clusters(study, store)


def test_splits_are_looked_for_where_enough_is_new_since_the_last_time(clustered, monkeypatch):
    """Of 150 glitches 54 are new: in two updates of 24 and 30, at a share of a third."""
    study, store, truth, _ = clustered
    monkeypatch.setattr("discovery.updating.update.COMPARED_BELOW", 0)
    monkeypatch.setattr("discovery.updating.update.COMPARED_SHARE", 1 / 3)
    family = (np.flatnonzero(truth == CLASSES) + 1).tolist()
    with study.run("name"):
        for glitch in family:
            study.add_label(glitch, Label("Later", "file", "later"))
    first = update_clusters(study, store)
    assert first.waiting == 24
    page = first.files["update.html"].read_text("utf-8")
    assert "24 of 120 glitches came since they were last looked for" in page
    assert "No cluster has ended." in page
    with study.run("name"):
        for glitch in family:
            study.add_label(glitch, Label("None_of_the_Above", "file", "later"))
    second = update_clusters(study, store)
    assert second.waiting == 0
    assert [own.size >= 27 for own in second.births] == [True]
    assert "not looked for" not in second.files["update.html"].read_text("utf-8")


def test_all_are_compared_when_asked(clustered, monkeypatch):
    study, store, *_ = clustered
    monkeypatch.setattr("discovery.updating.update.COMPARED_BELOW", 0)
    monkeypatch.setattr("discovery.updating.update.COMPARED_SHARE", 0.9)
    assert update_clusters(study, store, compare_all=True).waiting == 0


def test_branches_stay_with_their_glitches(clustered):
    study, store, _, _ = clustered
    first = latest_clustering(study)
    kept = {int(glitch): "0.1" for glitch in first.table.index[first.table["cluster"] == 0][:7]}
    with study.run("test"):
        save_branches(study, first.run, kept.items())
    found = update_clusters(study, store)
    assert read_branches(study, found.run) == kept
    assert name_cluster(study, "0.1", "X", dry_run=True).glitches.tolist() == sorted(kept)


def test_a_named_member_stays_in_its_cluster(clustered):
    study, store, _, old = clustered
    with study.run("name"):
        study.add_label(int(old[0]), Label("Reverse_Chirp", "person", "test"))
    update_clusters(study, store)
    _, _, table = latest_clustering(study)
    assert table.loc[old[0], "cluster"] == 0


def test_a_cluster_that_no_new_glitch_joins_is_named(tmp_path):
    """All old glitches are of two clusters, and as many are new, of one of them: by numbers, because new times lie among the old."""
    study, store, truth, turn = planted(tmp_path)
    old = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above", "store": "planted"}) as run:
        save_clusters(study, run, old, truth[old - 1], np.ones(len(old)))
    with study.run("ingest"):
        for place in np.flatnonzero((truth == 0) & (turn >= 48)):
            study.add_label(int(place) + 1, Label("None_of_the_Above", "file", "later"))
    found = update_clusters(study, store)
    (change,) = found.changes
    assert (change.kind, change.clusters) == ("ended", (1,))
    assert change.expected == pytest.approx(6.0)
    assert change.probability == pytest.approx((96 / 108) ** 48)
    written = pd.read_csv(found.files["changes.csv"])
    assert tuple(written.columns) == CHANGE_COLUMNS
    assert written["kind"].tolist() == ["ended"]
    assert written["evidence"].tolist() == [change.evidence]
    study.close()


def test_two_families_in_one_cluster_are_proposed_as_a_split_and_nothing_moves(tmp_path):
    study, store, truth, _ = planted(tmp_path)
    old = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above", "store": "planted"}) as run:
        save_clusters(study, run, old, np.zeros(len(old), int), np.ones(len(old)))
    with study.run("ingest"):
        for place in np.flatnonzero(study.glitches()["label"].to_numpy() == ""):
            study.add_label(int(place) + 1, Label("None_of_the_Above", "file", "later"))
    found = update_clusters(study, store)
    (change,) = found.changes
    assert (change.kind, change.clusters) == ("split", (0,))
    assert len(change.parts) == 2
    assert change.members == 96 + change.new
    _, _, table = latest_clustering(study)
    members = pd.read_csv(found.files["change-members.csv"])
    assert members.groupby("part").size().tolist() == list(change.parts)
    assert (members["cluster"] == 0).all()
    ids = study.glitches()["id"]
    families = {part: set(truth[ids.isin(own["id"]).to_numpy()]) for part, own in members.groupby("part")}
    assert sorted(map(list, families.values())) == [[0], [1]]
    page = found.files["update.html"].read_text("utf-8")
    assert f'<th scope="row">split</th><td>0</td><td class="number">{change.members}</td>' in page
    assert change.evidence in page
    assert "No glitch was moved and no number changed." in page
    assert f"<b>{len(found.table)}</b> new glitches: <b>{change.new}</b> joined a cluster" in page
    assert (table.loc[old, "cluster"] == 0).all()
    assert set(table["cluster"]) <= {-1, 0, 1}
    study.close()


def test_what_cannot_be_updated_is_refused(tmp_path):
    study, store, *_ = planted(tmp_path)
    with pytest.raises(InputError, match=r"the study has no clustering; run `discover cluster LABEL` first"):
        update_clusters(study, store)
    old = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above", "store": "others"}) as run:
        save_clusters(study, run, old, np.zeros(len(old), int), np.ones(len(old)))
    with pytest.raises(InputError, match="was made from the vectors others, not planted"):
        update_clusters(study, store)
    study.close()
    shutil.rmtree(tmp_path / "study")


def test_joining_by_hand():
    """On a circle: one near cluster 0, one between two clusters, one far away."""

    def at(*degrees):
        angles = np.radians(degrees)
        return normalise(np.column_stack([np.cos(angles), np.sin(angles)]))

    old = at(*range(12), *range(40, 52))
    numbers = np.repeat([0, 1], 12)
    labels, share, distance = join(at(5.5, 26.0, 200.0), old, numbers)
    assert labels.tolist() == [0, -1, -1]
    assert share[0] == 1.0
    nearest = np.radians([0.5, 0.5, 1.5, 1.5, 2.5])
    assert distance[0] == pytest.approx((1 - np.cos(nearest)).mean(), abs=1e-5)
    nothing = join(at(5.0), old, np.full(24, -1))
    assert nothing[0].tolist() == [-1]
    assert SimpleNamespace(labels=nothing[0]).labels.dtype.kind == "i"


def test_a_named_cluster_is_no_background_of_its_own(clustered):
    """All members of cluster 0 got a name: nothing is proposed about it, and its new members join it as before."""
    study, store, truth, old = clustered
    with study.run("name"):
        for glitch in old[truth[old - 1] == 0].tolist():
            study.add_label(glitch, Label("Reverse_Chirp", "person", "test"))
    found = update_clusters(study, store)
    assert found.changes == []
    assert found.joined[0] >= 9


def test_a_part_of_a_known_class_that_is_called_like_a_cluster_is_listed(tmp_path):
    """Half of the class "cluster 2" comes as None_of_the_Above: no old cluster has that name, so the group is no cluster's outskirts."""
    study, store, truth, turn = planted(tmp_path, known="cluster")
    old = study.members("None_of_the_Above")
    with study.run("cluster", {"label": "None_of_the_Above", "store": "planted", "predicted": False}) as run:
        save_clusters(study, run, old, truth[old - 1], np.ones(len(old)))
    half = np.flatnonzero((truth == 2) & (turn >= 30)) + 1
    with study.run("ingest"):
        for glitch in half.tolist():
            study.add_label(glitch, Label("None_of_the_Above", "file", "later"))
    found = update_clusters(study, store)
    assert [(own.verdict, own.nearest[0][0]) for own in found.births] == [("part of a known class", "cluster 2")]
    study.close()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), later=st.integers(1, 40), wrong=st.integers(1, 4))
def test_old_members_and_numbers_never_change(tmp_path_factory, seed, later, wrong):
    """Whatever the clusters were, even nonsense: old glitches keep cluster and probability, new clusters get new numbers."""
    study, store, *_ = planted(tmp_path_factory.mktemp("any"), later=later, seed=seed)
    old = study.members("None_of_the_Above")
    rng = np.random.default_rng(seed)
    clusters, probability = rng.integers(-1, wrong, len(old)), rng.random(len(old))
    with study.run("cluster", {"label": "None_of_the_Above", "store": "planted"}) as run:
        save_clusters(study, run, old, clusters, probability)
    with study.run("ingest"):
        for place in np.flatnonzero(study.glitches()["label"].to_numpy() == ""):
            study.add_label(int(place) + 1, Label("None_of_the_Above", "file", "later"))
    found = update_clusters(study, store)
    _, _, table = latest_clustering(study)
    assert (table.loc[old, "cluster"].to_numpy() == clusters).all()
    assert (table.loc[old, "probability"].to_numpy() == probability).all()
    assert {own.cluster for own in found.births}.isdisjoint(clusters.tolist())
    assert table["probability"].between(0, 1).all()
    assert (table.loc[table["cluster"] == -1].drop(index=old, errors="ignore")["probability"] == 0).all()
    study.close()


def test_an_update_builds_a_tree_once_and_reads_neighbours_from_the_graph(clustered, monkeypatch):
    """What is old is compared with what is old only where the study's graph does not tell: counted, not timed."""
    study, store, _, old = clustered
    trees, searched = [], []
    monkeypatch.setattr(f"{DENSITY}.density_tree", noted(f"{DENSITY}.density_tree", trees))
    monkeypatch.setattr(f"{REGRAPH}.search_unit", noted(f"{REGRAPH}.search_unit", searched))
    found = update_clusters(study, store)
    assert len(found.births) == 1
    different = {(each.neighbours, each.density_neighbours, each.least) for each in OTHER_SETTINGS.values()}
    assert len(trees) == 2 * len(different)  # of births and of proposed changes
    background = len(old) + 4 * 60
    assert sum(len(index.vectors) * len(queries) for index, queries in searched) < background**2 / 2


def test_a_cluster_that_no_new_glitch_is_near_is_not_measured(monkeypatch):
    """Forty clusters, and new glitches of two."""
    vectors, truth = mixture([30] * 40, dims=12, seed=1)
    unit = normalise(vectors)
    new = np.isin(truth, (3, 8)) & (np.arange(len(truth)) % 3 == 0)
    measured = []
    monkeypatch.setattr(f"{JOINING}._reach", noted(f"{JOINING}._reach", measured))
    labels, *_ = join(unit[new], unit[~new], truth[~new])
    assert set(labels[labels >= 0].tolist()) == {3, 8}
    assert len(measured) <= 4  # those two, and one or two that a stray glitch is near


def noted(name, calls):
    """The function of that name, which notes its first two arguments."""
    module, _, attribute = name.rpartition(".")
    function = getattr(importlib.import_module(module), attribute)

    def noting(*arguments, **options):
        calls.append(arguments[:2])
        return function(*arguments, **options)

    return noting
