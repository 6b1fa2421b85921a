"""A found class gets its name: who is labelled, what is refused, and that nothing is lost."""

import numpy as np
import pytest

from discovery.candidates.namefile import clustering_passport, name_clusters, read_names
from discovery.candidates.naming import name_cluster
from embed import Study
from embed.errors import InputError
from embed.study.clusterings import save_branches, save_clusters
from embed.study.records import Label
from embed.study.reviews import given_labels


@pytest.fixture
def study(tmp_path):
    with Study(tmp_path / "study", create=True) as opened:
        with opened.run("ingest"):
            rows = [opened.add_glitch(f"g{number}", "H1", 1.0e9 + number)[0] for number in range(8)]
            for row in rows:
                opened.add_label(row, Label("None_of_the_Above" if row % 2 else "Blip", "file", "test"))
        yield opened


def clustered(study, label, glitches, clusters):
    with study.run("cluster", {"label": label}) as run:
        save_clusters(study, run, np.array(glitches), np.array(clusters), np.ones(len(clusters)))
    return run


def labels_of(study):
    return study.glitches()["label"].to_dict()


def test_the_members_get_the_name_and_keep_their_history(study):
    odd = [glitch for glitch, label in labels_of(study).items() if label == "None_of_the_Above"]
    run = clustered(study, "None_of_the_Above", odd, [0, 1, 1, -1])
    before = study.count("labels")
    named = name_cluster(study, 1, "Reverse_Chirp")
    assert (named.run, named.label, named.added, named.warning) == (run, "None_of_the_Above", 2, "")
    assert named.glitches.tolist() == odd[1:3]
    after = labels_of(study)
    assert [after[glitch] for glitch in odd] == [
        "None_of_the_Above",
        "Reverse_Chirp",
        "Reverse_Chirp",
        "None_of_the_Above",
    ]
    assert study.count("labels") == before + 2
    assert name_cluster(study, 1, "Reverse_Chirp").added == 0


def test_a_dry_run_writes_nothing(study):
    clustered(study, "Blip", list(labels_of(study)), [0] * 8)
    before, runs = study.count("labels"), study.count("runs")
    named = name_cluster(study, 0, "Tomte", dry_run=True)
    assert len(named.glitches) == 8
    assert (study.count("labels"), study.count("runs")) == (before, runs)


def test_the_latest_clustering_of_a_label_can_be_taken(study):
    glitches = list(labels_of(study))
    first = clustered(study, "Blip", glitches[:2], [0, 0])
    second = clustered(study, "None_of_the_Above", glitches[2:4], [0, 0])
    assert name_cluster(study, 0, "X", dry_run=True).run == second
    assert name_cluster(study, 0, "X", label="Blip", dry_run=True).run == first


def branched(study):
    """Eight glitches of cluster 1: two of branch 1.0, two of 1.0.0 within it, three of 1.1, one of the cluster alone."""
    glitches = list(labels_of(study))
    run = clustered(study, "Blip", glitches, [1] * 8)
    paths = ["1.0", "1.0", "1.0.0", "1.0.0", "1.1", "1.1", "1.1"]
    with study.run("test"):
        save_branches(study, run, zip(glitches, paths, strict=False))
    return run, glitches


def test_blanks_around_a_name_are_left_out(study):
    odd = [glitch for glitch, label in labels_of(study).items() if label == "None_of_the_Above"]
    clustered(study, "None_of_the_Above", odd, [0, 1, 1, -1])
    assert name_cluster(study, 1, "  Reverse_Chirp ").added == 2
    assert name_cluster(study, 1, "Reverse_Chirp").added == 0
    assert sorted(set(labels_of(study).values())) == ["Blip", "None_of_the_Above", "Reverse_Chirp"]


def test_a_branch_is_named_with_what_is_nested_in_it_and_nothing_else(study):
    run, glitches = branched(study)
    for path, members in {"1.0": glitches[:4], "1.0.0": glitches[2:4], "1.1": glitches[4:7]}.items():
        assert name_cluster(study, path, "X", dry_run=True).glitches.tolist() == members
    assert name_cluster(study, "1.1", "Sweep").added == 3
    assert [label == "Sweep" for label in labels_of(study).values()] == [False] * 4 + [True] * 3 + [False]
    event = given_labels(study, glitches)[glitches[4]]
    assert event.source == f"branch 1.1 of run {run}"


def test_a_branch_that_is_not_there_is_refused_with_those_that_are(study):
    with study.run("cluster", {"label": "Blip"}) as run:
        save_clusters(study, run, np.array(list(labels_of(study))), np.zeros(8, int), np.ones(8))
    with pytest.raises(
        InputError, match=r"holds no branches of the clustering of 'Blip' \(run \d\); .*discover cluster Blip"
    ):
        name_cluster(study, "0.1", "X")
    branched(study)
    for path in ("1.0.1", "1.00", "7.0"):
        with pytest.raises(InputError, match=f"'Blip' has no branch {path}; it has 1.0, 1.0.0, 1.1$"):
            name_cluster(study, path, "X")


def test_a_class_of_gravity_spy_gets_its_own_spelling(study):
    clustered(study, "Blip", list(labels_of(study)), [0] * 8)
    named = name_cluster(study, 0, " koi fish")
    assert (named.name, named.warning, set(labels_of(study).values())) == ("Koi_Fish", "", {"Koi_Fish"})
    assert name_cluster(study, 0, "Crown", dry_run=True).name == "Crown"  # a code of Fast_Scattering, and a name too


def test_a_name_that_looks_like_a_typo_is_warned_of(study):
    clustered(study, "Blip", list(labels_of(study)), [0] * 8)
    assert name_cluster(study, 0, "Blipp", dry_run=True).warning == "'Blipp' looks like 'Blip', which the study has"
    assert name_cluster(study, 0, "Blip", dry_run=True).warning == ""


def test_what_cannot_be_named_is_refused(study):
    with pytest.raises(InputError, match=r"the study has no clustering; run `discover cluster LABEL` first"):
        name_cluster(study, 0, "X")
    clustered(study, "Blip", list(labels_of(study)), [0] * 4 + [1] * 3 + [-1])
    with pytest.raises(InputError, match="the clustering of 'Blip' has no cluster 7; it has 0 to 1"):
        name_cluster(study, 7, "X")
    with pytest.raises(InputError, match="has no cluster -1; it has 0 to 1"):
        name_cluster(study, -1, "X")
    clustered(study, "Whistle", list(labels_of(study)), [0] * 8)
    with pytest.raises(InputError, match="the clustering of 'Whistle' has no cluster 7; it has 0 alone"):
        name_cluster(study, 7, "X", label="Whistle")
    with pytest.raises(InputError, match="no clustering of 'Tomte'; run `discover cluster Tomte` first"):
        name_cluster(study, 0, "X", label="Tomte")
    for name in ("", "  ", "a\nb"):
        with pytest.raises(InputError, match="cannot be the name of a class"):
            name_cluster(study, 0, name)


def passport_of(study, glitches, clusters):
    ids = study.ids()
    return clustering_passport([ids[glitch] for glitch in glitches], clusters)


def file_of(folder, *rows, columns="cluster,name,clustering"):
    path = folder / "names.csv"
    path.write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
    return path


def test_the_names_of_a_file_go_to_the_clusters_that_they_were_typed_at(study, tmp_path):
    glitches, clusters = list(labels_of(study)), [0, 0, 1, 1, -1, 2, 2, 2]
    run = clustered(study, "Blip", glitches, clusters)
    clustered(study, "None_of_the_Above", glitches, clusters[::-1])  # later, of another label
    passport = passport_of(study, glitches, clusters)
    path = file_of(tmp_path, f"2,'=Crown,{passport}", f"0,Reverse_Chirp,{passport}")
    found = read_names(study, path)
    assert (found.run, found.is_latest, found.names) == (run, True, {2: "=Crown", 0: "Reverse_Chirp"})
    before, runs = study.count("labels"), study.count("runs")
    assert [len(named.glitches) for named in name_clusters(study, found, dry_run=True).values()] == [3, 2]
    assert (study.count("labels"), study.count("runs")) == (before, runs)
    assert {number: named.added for number, named in name_clusters(study, found).items()} == {2: 3, 0: 2}
    after = labels_of(study)
    assert [after[glitch] for glitch in glitches] == ["Reverse_Chirp"] * 2 + [
        "None_of_the_Above",
        "Blip",
        "None_of_the_Above",
    ] + ["=Crown"] * 3
    assert {named.added for named in name_clusters(study, found).values()} == {0}  # a second try adds nothing
    clustered(study, "Blip", glitches, [0] * 8)
    assert (read_names(study, path).run, read_names(study, path).is_latest) == (run, False)


def test_a_file_of_names_that_will_not_do_is_refused(study, tmp_path):
    glitches, clusters = list(labels_of(study)), [0, 0, 1, 1, -1, 1, 1, 1]
    clustered(study, "Blip", glitches, clusters)
    own, other = passport_of(study, glitches, clusters), passport_of(study, glitches, [0] * 8)
    with pytest.raises(
        InputError, match=f"line 2: '{other}' is no clustering of .*study: the names are of another report"
    ):
        read_names(study, file_of(tmp_path, f"0,Crown,{other}"))
    with pytest.raises(InputError, match="is no clustering of 'Tomte' of"):
        read_names(study, file_of(tmp_path, f"0,Crown,{own}"), "Tomte")
    for rows, message in (
        ([f"7,Crown,{own}"], "has no cluster 7; it has 0 to 1"),
        ([f"-1,Crown,{own}"], "line 2: '-1' is not the number of a cluster"),
        ([f"0,Crown,{own}", f"0,Helix,{own}"], "line 3: cluster 0 is named above already"),
        ([f"0, ,{own}"], "cannot be the name of a class"),
        ([f"0,Crown,{own}", f"1,Helix,{other}"], "names for 2 clusterings"),
        ([], "has no names"),
    ):
        with pytest.raises(InputError, match=message):
            read_names(study, file_of(tmp_path, *rows))
    with pytest.raises(InputError, match="has no column 'clustering'"):
        read_names(study, file_of(tmp_path, "0,Crown", columns="cluster,name"))
    assert study.count("labels") == 8
