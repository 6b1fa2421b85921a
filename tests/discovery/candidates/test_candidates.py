"""Candidates of one label: what is read, what is written, and in which order."""

import shutil
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from discovery.candidates.candidates import find_candidates, inner_branches, summary
from discovery.candidates.naming import name_cluster
from discovery.candidates.options import ClusterOptions, MapOptions
from discovery.clustering.hierarchy import Branch, DensityTree
from embed import Study, embed
from embed.errors import InputError, StorageError
from embed.study.clusterings import latest_clusters
from embed.study.records import Label


@pytest.fixture
def study(tmp_path, embedded):
    with Study(shutil.copytree(embedded, tmp_path / "study")) as opened:
        yield opened


def counted(monkeypatch):
    """Count how often a study is asked for its glitches, members and views."""
    calls = Counter()

    def count(name):
        asked = getattr(Study, name)

        def call(*given, **options):
            calls[name] += 1
            return asked(*given, **options)

        monkeypatch.setattr(Study, name, call)

    for name in ("glitches", "members", "views"):
        count(name)
    return calls


def test_the_study_is_read_once(study, tmp_path, monkeypatch):
    store = embed(study)
    calls = counted(monkeypatch)
    found = find_candidates(study, store, "Blip", ClusterOptions(method="spectral", k=2), out=tmp_path / "out")
    assert calls == {"glitches": 1, "views": 2}  # the second for the nearest known ones
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(found.files)
    written = pd.read_csv(tmp_path / "out" / "clusters.csv")
    assert written["id"].tolist() == found.table["id"].tolist()
    assert written["image"].str.endswith("_spectrogram_4.0.png").all()
    stored = latest_clusters(study)
    assert stored.index.tolist() == found.glitches.tolist()
    assert stored["cluster"].tolist() == written["cluster"].tolist()
    assert [item["size"] for item in summary(found)["clusters"]] == np.bincount(written["cluster"]).tolist()


def test_every_cluster_is_beside_every_known_class(study, tmp_path):
    """A class of four is too few to compare with: it is listed without a distance. The report names the typical members and links the tables."""
    store = embed(study)
    with study.run("test"):
        for glitch in study.members("None_of_the_Above")[:4]:
            study.add_label(int(glitch), Label("Rare", "person", "test"))
    found = find_candidates(study, store, "Blip", ClusterOptions(method="spectral", k=2), out=tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "distances.csv")
    assert found.certificates
    for own in found.certificates:
        rows = table[table["cluster"] == own.cluster]
        assert rows[["class", "glitches"]].to_numpy().tolist() == [["Power_Line", 8], ["Rare", 4]]
        ((name, nats),) = own.nearest
        assert name == "Power_Line"
        assert rows["distance"].to_numpy() == pytest.approx([nats, np.nan], abs=1e-4, nan_ok=True)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    row = pd.read_csv(tmp_path / "out" / "certificates.csv").loc[0]
    assert f"Most typical: <code>{row['medoid']}</code> (medoid), <code>{row['typical'].split('; ')[0]}</code>" in page
    assert 'href="./distances.csv"' in page


def test_a_report_says_that_a_sample_tells_no_rates(study, tmp_path):
    study.connection.execute("UPDATE glitches SET gps = 1126000000 + 86400 * (glitch / 2) + 3600 * (glitch % 2)")
    study.connection.commit()
    find_candidates(study, embed(study), "Blip", ClusterOptions(method="spectral", k=2), out=tmp_path / "out")
    assert "is guessed from 24 glitches. They are too few" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_glitch_of_another_label_inside_a_cluster_is_named(study, tmp_path):
    """The most typical member of the larger of two clusters gets another label, and they are made again without it."""
    store, options = embed(study), ClusterOptions(method="spectral", k=2)
    before = find_candidates(study, store, "Blip", options, out=tmp_path / "before")
    largest = max(before.certificates, key=lambda own: own.size)
    with study.run("test"):
        study.add_label(int(before.glitches[largest.typical[0]]), Label("Power_Line", "person", "test"))
    find_candidates(study, store, "Blip", options, out=tmp_path / "out")
    told = f"{before.table['id'][largest.typical[0]]} (Power_Line)"
    written = pd.read_csv(tmp_path / "out" / "certificates.csv", dtype={"inside": str})["inside"].fillna("")
    assert sum(told in cell for cell in written) == 1
    assert told in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert not any(own.inside for own in before.certificates)


def test_branches_are_stored_with_the_clusters(study, monkeypatch):
    """Rows 0 to 4 and 5 to 9 are parts of cluster 0, row 10 is of the cluster alone; of cluster 1 nothing is nested."""
    rows = [range(5), range(5, 10), range(10), range(10, 16), range(16)]
    parents, distances = [2, 2, 4, 4, -1], [0.5, 0.5, 1.0, 1.0, 2.0]
    limbs = [
        Branch(np.array(own), apart, 1.0, 1.0, 1.0, parent)
        for own, apart, parent in zip(rows, distances, parents, strict=True)
    ]
    found = SimpleNamespace(labels=np.repeat([0, 1], [11, 5]), tree=DensityTree(limbs, 2.0))
    assert inner_branches(np.arange(100, 116), found) == [(100 + row, f"0.{row // 5}") for row in range(10)]
    assert inner_branches(np.arange(100, 116), SimpleNamespace(labels=found.labels, tree=None)) == []
    first = int(study.members("Blip")[0])
    monkeypatch.setattr("discovery.candidates.candidates.inner_branches", lambda *_: [(first, "0.1")])
    find_candidates(study, embed(study), "Blip", ClusterOptions(method="spectral", k=2))
    assert name_cluster(study, "0.1", "X", dry_run=True).glitches.tolist() == [first]


def test_a_run_that_cannot_write_its_files_stores_no_clusters(study, monkeypatch):
    def full(*_):
        raise StorageError("the disk is full")

    monkeypatch.setattr("discovery.candidates.outputs.write_text", full)
    with pytest.raises(StorageError):
        find_candidates(study, embed(study), "Blip", ClusterOptions(method="spectral", k=2))
    assert study.count("clusters") == 0


def test_a_label_without_members_is_refused_with_the_labels_there_are(study):
    with pytest.raises(InputError, match=r"no glitch is labelled 'Tomte'; there are: Blip \(8\)"):
        find_candidates(study, embed(study), "Tomte")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClusterOptions(k=2), "--k 2 goes with --method spectral"),
        (lambda: ClusterOptions(method="kmeans"), "no clustering method 'kmeans'; use one of hdbscan, spectral"),
        (lambda: MapOptions(method="pca"), "no projection method 'pca'; use one of tsne, umap"),
        (lambda: MapOptions(dims=4), "a map of 4 dimensions cannot be shown; give 2 or 3"),
    ],
)
def test_options_that_do_not_go_together_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
