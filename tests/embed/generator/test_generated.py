"""Generated glitches are never counted as real: not in a study, not in a test part."""

import csv
import shutil

import numpy as np
import pytest
from support.generators import Stripes, make_study

from embed import Study, ingest_folder, ingest_table, train
from embed.dataset.dataset import find_groups, labelled_glitches, make_training_set
from embed.dataset.made import Made, with_made
from embed.dataset.splits import TEST, TRAIN, VALIDATION
from embed.errors import InputError
from embed.generator.filling import fill
from embed.generator.folder import COLUMNS, write_generated
from embed.generator.source import SimulatorSource, open_source
from embed.training.options import TrainingOptions
from embed.views.encoding import parse_encoding
from embed.views.selection import glitches_with_views, wanted

RGB = parse_encoding("1.0,2.0,4.0")
SIDE = 32


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A study of 20 and 8 glitches; read only."""
    return make_study(tmp_path_factory.mktemp("real"), {"Blip": 20, "Koi_Fish": 8})


@pytest.fixture
def mixed(real, tmp_path):
    """The same with three generated glitches of each class."""
    folder = shutil.copytree(real, tmp_path / "study")
    write_generated(tmp_path / "made", Stripes(), ("Blip", "Koi_Fish"), 3, seed=5, study="real")
    with Study(folder) as study, study.run("ingest"):
        ingest_folder(study, tmp_path / "made")
    return folder


def test_a_folder_says_what_made_it_and_is_the_same_bytes_again(tmp_path):
    for name in ("one", "two"):
        assert write_generated(tmp_path / name, Stripes(), ("Koi_Fish",), 2, seed=5, study="s") == 2
    files = [
        sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.*")) for name in ("one", "two")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 2 * 3 + 1
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files[0])
    with (tmp_path / "one" / "metadata.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["generated"] == "by stripes (abababababab) of study s, seed 5"
    assert rows[0]["gravityspy_id"].startswith("generated-")
    assert rows[0]["gravityspy_id"] != rows[1]["gravityspy_id"]
    with pytest.raises(InputError, match="is not an empty folder"):
        write_generated(tmp_path / "one", Stripes(), ("Blip",), 1, seed=5, study="s")
    with pytest.raises(InputError, match=r"'stripes' makes no 'Blipp'; did you mean 'Blip'\? It makes Blip, Koi_Fish"):
        write_generated(tmp_path / "new", Stripes(), ("Blipp",), 1, seed=5, study="s")


def test_pictures_alone_are_known_as_generated_and_shown_only_on_request(mixed):
    with Study(mixed) as study:
        assert len(study.generated_ids()) == 6
        assert all("generated-" in name for name in study.generated_ids().values())
        assert len(study.glitches()) == len(study.metadata()) == study.count("glitches") == 28
        assert dict(study.counts_by_label()) == {"Blip": 20, "Koi_Fish": 8}
        assert len(study.members("Koi_Fish")) == 8
        assert len(study.views()) == 28 * 3
        assert study.durations() == {1.0: 28, 2.0: 28, 4.0: 28}
        assert glitches_with_views(study) == len(wanted(study, RGB)[0]) == 28
    with Study(mixed, generated=True) as study:
        assert len(study.glitches()) == study.count("glitches") == glitches_with_views(study) == 34
        assert len(study.members("Koi_Fish")) == 11


def test_a_table_can_say_it_of_any_id(real, tmp_path):
    folder = shutil.copytree(real, tmp_path / "study")
    table = tmp_path / "metadata.csv"
    table.write_text("gravityspy_id,ifo,label,generated\nBli0000,H1,Blip,by another program\nBli0001,H1,Blip,no\n")
    with Study(folder) as study:
        with study.run("ingest"):
            ingest_table(study, table)
        assert list(study.generated_ids().values()) == ["H1_Bli0000"]
        assert "H1_Bli0000" not in set(study.glitches()["id"])


def test_generated_glitches_of_a_study_are_trained_on_only_if_asked_and_never_tested(mixed, tiny):
    changes = {"epochs": 1, "batch": 8}
    options = {"backbone": tiny["backbone"], "weights": tiny["weights"], "device": "cpu"}
    with Study(mixed) as study:
        plain = train(study, TrainingOptions(name="plain", **options), changes=changes)
    assert not any("generated-" in name for name in plain.training_set.ids)
    with Study(mixed, generated=True) as study:
        more = train(study, TrainingOptions(name="more", **options), changes=changes)
    parts = {name: part for name, part in more.training_set.parts.items() if "generated-" in name}
    assert len(parts) == 6
    assert set(parts.values()) == {"train"}
    rest = {name: part for name, part in more.training_set.parts.items() if name not in parts}
    assert rest == plain.training_set.parts


def test_rare_classes_are_filled_in_the_training_part(real, tiny):
    options = TrainingOptions(name="filled", backbone=tiny["backbone"], weights=tiny["weights"], device="cpu")
    with Study(real) as study:
        done = train(
            study,
            options,
            changes={"epochs": 1, "batch": 8, "balanced": True},
            fill=lambda training_set, encoding, side, _: fill(training_set, Stripes(), encoding, side),
        )
    training_set = done.training_set
    counts = np.bincount(training_set.targets[training_set.split.rows(TRAIN)])
    assert counts[0] == counts[1] == 14
    made = np.array(["generated-" in name for name in training_set.ids])
    assert f"{made.sum()} of the 28 glitches of the training part are generated" in done.notes
    assert set(training_set.split.part[made]) == {TRAIN}
    assert set(training_set.targets[made]) == {1}


def test_filling_is_as_many_as_lack_or_as_are_asked_for(real):
    with Study(real) as study:
        labelled = labelled_glitches(study, RGB)
    training_set = make_training_set(labelled, "grouped", find_groups(labelled))
    made = fill(training_set, Stripes(), RGB, SIDE)
    assert set(made.labels) == {"Koi_Fish"}
    assert made.levels.shape == (len(made.labels), 3, SIDE, SIDE)
    assert fill(training_set, Stripes(), RGB, SIDE, count=2).labels == ("Blip", "Blip", "Koi_Fish", "Koi_Fish")
    one = fill(training_set, Stripes(), parse_encoding("4.0"), SIDE, count=1)
    assert np.array_equal(one.levels[:, 0], fill(training_set, Stripes(), RGB, SIDE, count=1).levels[:, 2])
    with pytest.raises(InputError, match=r"views of 1, 2 and 4 s, not 0.5; give --views 1.0,2.0,4.0"):
        fill(training_set, Stripes(), parse_encoding("0.5"), SIDE)


def test_what_a_generator_saw_is_not_tested(real):
    with Study(real) as study:
        labelled = labelled_glitches(study, RGB)
    groups = find_groups(labelled)
    training_set = make_training_set(labelled, "grouped", groups)
    tested = training_set.split.rows(TEST)
    seen = training_set.ids[tested[0]]
    made = Made(np.zeros((1, 3, SIDE, SIDE), np.uint8), ("Blip",), ("generated-x",), frozenset([seen]), "generator g")
    found = with_made(training_set, made, groups)
    assert found.parts[seen] == "train"
    assert set(found.split.rows(TEST)) == set(tested[1:])
    assert np.array_equal(found.split.rows(VALIDATION), training_set.split.rows(VALIDATION))
    assert found.parts["generated-x"] == "train"
    assert found.glitches[-1] == -1
    everything = Made(made.levels, made.labels, made.ids, frozenset(training_set.ids), "generator g")
    with pytest.raises(InputError, match="generator g has learned from every validation glitch"):
        with_made(training_set, everything, groups)


def test_the_simulator_is_a_generator_too(tmp_path):
    source = open_source(tmp_path, "simulator")
    assert isinstance(source, SimulatorSource)
    levels = source.sample("Blip", 1, 4)
    assert levels.dtype == np.uint8
    assert levels.shape[:2] == (1, 3)
    assert np.array_equal(levels, source.sample("Blip", 1, 4))
    with pytest.raises(InputError, match="'simulator' makes no 'Blop'; did you mean 'Blip'"):
        source.sample("Blop", 1, 4)
    with pytest.raises(InputError, match="-n 0: give at least 1"):
        source.sample("Blip", 0, 4)
    with pytest.raises(InputError, match="no generator 'other'; there are: simulator; train one"):
        open_source(tmp_path, "other")
