"""A generator is judged on glitches that it did not learn from, whatever the labels have become since its training."""

import csv
import math
import shutil

import pytest
import torch
from support.generators import make_study

from discovery.figures.figures import generator_figures
from discovery.generation import generation
from discovery.generation.generation import Question, evaluate_generator
from embed import Study
from embed.errors import InputError, StudyError
from embed.generator.learned import PARTS
from embed.generator.options import GeneratorOptions
from embed.generator.trainer import train_generator
from embed.study.records import Label

CPU = torch.device("cpu")
OPTIONS = GeneratorOptions(name="g", resolution=8, images=64, batch=8, channels=8, critic="own", device="cpu")
LEFT_OUT = "too few glitches have these labels, and views of 1, 2 and 4 s, to judge the classes: Tomte"
QUESTION = Question("g", "glitch", 6, 8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study with a generator; read only."""
    folder = make_study(tmp_path_factory.mktemp("trained"), {"Blip": 24, "Koi_Fish": 20, "Tomte": 10})
    with Study(folder) as study:
        train_generator(study, OPTIONS)
    return folder


@pytest.fixture
def own(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "study")


def parts_of(folder):
    with (folder / "generators" / "g" / PARTS).open() as file:
        return {row["id"]: row["part"] for row in csv.DictReader(file)}


def relabel(study, glitches, label):
    with study.run("relabel"):
        for glitch in map(int, glitches):
            study.add_label(glitch, Label(label, by="somebody", source="test"))


def pixels(levels):
    """Mean levels of rows: a stand-in for a network."""
    return levels.mean(axis=3).reshape(len(levels), -1)


def judged(study, monkeypatch):
    """The examples that the generator is judged with, and what is found."""
    kept = {}
    judge = generation.judge

    def spy(source, examples, *rest, **more):
        kept["examples"] = examples
        return judge(source, examples, *rest, **more)

    monkeypatch.setattr(generation, "judge", spy)
    monkeypatch.setattr(generation, "make_features", lambda *_: pixels)
    found, files, _ = evaluate_generator(study, QUESTION, device=CPU)
    return kept["examples"], found, files


def held_out_of(examples):
    return {examples.ids[row] for row in examples.held_out()}


def test_labels_that_changed_since_the_training_move_no_learned_glitch_to_those_held_out(own, monkeypatch):
    learned = {name for name, part in parts_of(own).items() if part == "train"}
    with Study(own) as study:
        relabel(study, list(study.members("Blip"))[:9], "Koi_Fish")
        examples, found, _ = judged(study, monkeypatch)
    assert held_out_of(examples)
    assert not held_out_of(examples) & learned
    assert sum(row.learned for row in found.classes) == len(learned)
    assert sum(row.held_out for row in found.classes) == 54 - len(learned)


def test_glitches_that_came_after_the_training_are_held_out_and_duplicates_of_learned_ones_left_out(own, monkeypatch):
    parts = parts_of(own)
    with Study(own) as study:
        ids = study.ids()
        twins = [glitch for glitch, name in ids.items() if parts[name] == "train"][:1]
        twins += [glitch for glitch, name in ids.items() if parts[name] == "test"][:1]
        with study.run("times"):  # two triggers of one glitch, of which one was learned
            study.connection.executemany(
                "UPDATE glitches SET gps = ? WHERE glitch = ?",
                [(1e9 + 0.1 * place, own) for place, own in enumerate(twins)],
            )
        names = sorted(parts)
        table = own / "generators" / "g" / PARTS
        late = next(name for name in names if parts[name] == "train" and name != ids[twins[0]])
        table.write_text("id,part\n" + "".join(f"{name},{parts[name]}\n" for name in names if name != late))
        examples, found, _ = judged(study, monkeypatch)
    assert late in held_out_of(examples)
    assert ids[twins[1]] not in held_out_of(examples)
    assert ids[twins[0]] not in held_out_of(examples)
    assert len(found.cautions) == 1  # one that was learned by the card is not among those learned any more
    assert "other numbers are labelled now" in found.cautions[0]


def test_of_a_generator_without_its_table_nothing_is_claimed(own, monkeypatch):
    (own / "generators" / "g" / PARTS).unlink()
    with Study(own) as study:
        _, found, files = judged(study, monkeypatch)
    assert [row.learned for row in found.classes] == [None] * 3
    (caution,) = found.cautions
    assert "which glitches the generator g learned from is not known" in caution
    assert "`discover generator train --name g --replace` trains one that tells" in caution
    with files["evaluation.csv"].open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["learned"], row["copied"]) for row in rows] == [("", "")] * 3
    assert float(rows[0]["kid"])
    page = files["generator.html"].read_text()
    assert "Which glitches the generator g learned from is not known" in page
    assert "a split drawn anew holds out" in page
    assert "which the generator did not learn from" not in page
    assert page.count("not known</td>") == 6


def test_what_is_known_is_said_plainly(own):
    with Study(own) as study:
        found, files, shown = evaluate_generator(study, QUESTION, device=CPU)
        assert found.cautions == ()
        figures = generator_figures(found, shown)
        assert set(figures) == {"distances", "shares", "glitches"}
        bars = [bar.get_width() for bar in figures["distances"].axes[0].patches]
        assert bars == [row.kid for row in found.classes if math.isfinite(row.kid)]
        assert figures["glitches"].startswith(b"\x89PNG")
        page = files["generator.html"].read_text()
        assert "All figures are of held-out glitches, which the generator did not learn from." in page
        assert "not known" not in page
        by_simulator, _, _ = evaluate_generator(study, Question("simulator", "glitch", 2, 8), device=CPU)
    assert [row.learned for row in by_simulator.classes] == [0, 0, 0]
    assert all(math.isnan(row.copied) for row in by_simulator.classes)
    assert by_simulator.cautions == ()


def test_a_class_of_which_nothing_learned_is_left_is_named_and_not_judged(own, monkeypatch):
    parts = parts_of(own)
    with Study(own) as study:
        ids = study.ids()
        relabel(study, [own for own in study.members("Tomte") if parts[ids[int(own)]] == "train"], "Blip")
        _, found, _ = judged(study, monkeypatch)
        assert [row.label for row in found.classes] == ["Blip", "Koi_Fish"]
        assert found.cautions[-1] == LEFT_OUT
        relabel(study, [own for own in study.members("Koi_Fish") if parts[ids[int(own)]] == "train"], "Blip")
        with pytest.raises(InputError, match="g and the study share 1 class "):
            judged(study, monkeypatch)


def test_a_class_without_views_of_all_durations_is_named_and_not_judged(own, monkeypatch):
    with Study(own) as study:
        glitches = [(int(glitch),) for glitch in study.members("Tomte")]
        with study.run("lose"):
            study.connection.executemany("DELETE FROM views WHERE glitch = ? AND duration = 1.0", glitches)
        _, found, _ = judged(study, monkeypatch)
    assert [row.label for row in found.classes] == ["Blip", "Koi_Fish"]
    assert LEFT_OUT in found.cautions


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,part\nH1_a,train\n", "it has columns name, part instead of id, part"),
        ("id,part\nH1_a,Train\n", "it has the part 'Train'"),
        ("id,part\nH1_a\n", "parts.csv, line 2: 1 cells under 2 columns"),
    ],
)
def test_a_damaged_table_is_refused(own, text, message):
    (own / "generators" / "g" / PARTS).write_text(text)
    with Study(own) as study, pytest.raises(StudyError, match=rf"parts.csv is damaged: {message}"):
        evaluate_generator(study, QUESTION, device=CPU)
