"""What generators learned from is not tested, be their glitches made for the training or in the study already."""

import shutil

import pytest
import torch
from support.generators import Stripes, make_study

from embed import Study, ingest_folder, ingest_table, train
from embed.dataset.dataset import find_groups, labelled_glitches, make_training_set
from embed.dataset.made import joined
from embed.generator.filling import fill, made_before
from embed.generator.folder import write_generated
from embed.generator.learned import PARTS, read_learned
from embed.generator.model import load_generator
from embed.generator.options import GeneratorOptions
from embed.generator.source import SimulatorSource
from embed.generator.trainer import train_generator
from embed.training.options import TrainingOptions
from embed.views.encoding import parse_encoding

CPU = torch.device("cpu")
RGB = parse_encoding("1.0,2.0,4.0")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study with a generator, which learned with another seed than models are trained with; read only."""
    folder = make_study(tmp_path_factory.mktemp("trained"), {"Blip": 24, "Koi_Fish": 16})
    with Study(folder) as study:
        train_generator(
            study,
            GeneratorOptions(
                name="g", resolution=8, images=64, batch=8, channels=8, critic="own", device="cpu", seed=5
            ),
        )
    return folder


@pytest.fixture
def own(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "study")


def add_generated(folder, source, out, *, table=True):
    write_generated(out, source, ("Blip", "Koi_Fish"), 2, seed=1, study="study")
    with Study(folder) as study, study.run("ingest"):
        ingest_folder(study, out)
        if table:
            ingest_table(study, out / "metadata.csv")


def judged_by(study, tiny, name, filling):
    """Train a model; ids of its validation and test parts, and the remarks."""
    options = TrainingOptions(name=name, backbone=tiny["backbone"], weights=tiny["weights"], device="cpu")
    done = train(study, options, changes={"epochs": 1, "batch": 8}, fill=filling)
    return {name for name, part in done.training_set.parts.items() if part in ("validation", "test")}, done.notes


def test_a_model_is_not_tested_on_what_made_the_generated_glitches_of_the_study(own, tiny, tmp_path):
    generator = load_generator(own / "generators" / "g")
    learned = read_learned(generator).ids
    add_generated(own, generator, tmp_path / "new")
    with Study(own, generated=True) as study:
        plain, notes = judged_by(study, tiny, "plain", None)
        assert notes[0].startswith(
            "generated glitches of the study are trained on, and the model may be tested on what"
        )
        assert plain & learned  # what this is about: the split of the model is another one than the generator's
        before = made_before(study)
        assert (before.seen, before.caution) == (learned, "")
        tested, notes = judged_by(study, tiny, "m", lambda *_: before)
    assert tested == plain - learned
    assert tested
    assert not any("not known" in note for note in notes)


def test_generated_glitches_of_the_study_and_new_ones_go_together(own, tiny, tmp_path):
    generator = load_generator(own / "generators" / "g")
    add_generated(own, Stripes(), tmp_path / "new")

    def filling(training_set, encoding, side, _):
        return joined(made_before(study), fill(training_set, generator, encoding, side, count=1))

    with Study(own, generated=True) as study:
        tested, notes = judged_by(study, tiny, "m", filling)
    assert tested
    assert not tested & read_learned(generator).ids
    assert "2 of the " in notes[1]
    assert notes[0].startswith(
        "the study holds generated glitches, and what their generators learned from is not known (stripes): "
    )


def test_what_the_study_cannot_tell_is_said(own, tmp_path):
    generator = load_generator(own / "generators" / "g")
    add_generated(own, SimulatorSource(CPU), tmp_path / "simulated")
    with Study(own, generated=True) as study:
        assert (made_before(study).seen, made_before(study).caution) == (frozenset(), "")
    add_generated(own, generator, tmp_path / "new")
    (own / "generators" / "g").rename(own / "generators" / "other")
    with Study(own, generated=True) as study:
        assert "learned from is not known (g): the model may be tested on" in made_before(study).caution
    (own / "generators" / "other").rename(own / "generators" / "g")
    (own / "generators" / "g" / PARTS).unlink()
    with Study(own, generated=True) as study:
        assert "not known (g)" in made_before(study).caution
        labelled = labelled_glitches(study, RGB)
        training_set = make_training_set(labelled, "grouped", find_groups(labelled))
        made = fill(training_set, generator, RGB, 32, count=1)
    assert made.seen == frozenset()
    assert made.caution.startswith(
        "which glitches the generator g learned from is not known, as its folder has no parts.csv"
    )


def test_pictures_alone_do_not_tell_what_made_them(own, tmp_path):
    add_generated(own, load_generator(own / "generators" / "g"), tmp_path / "new", table=False)
    with Study(own, generated=True) as study:
        assert "not known (without a name)" in made_before(study).caution
