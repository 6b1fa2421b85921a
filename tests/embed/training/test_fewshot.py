"""A class added from a handful of examples: planted classes, what the old ones lose, and the model that is saved."""

import json
import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from support.models import LABELS, make_model

from embed import Study
from embed.errors import InputError
from embed.ingest.tables import ingest_table
from embed.network.model import load_model
from embed.network.sources import model_folder
from embed.training.fewshot import MOST_TAKEN, extended_head, new_row
from embed.training.newclass import add_class


def world(separation=0.3, classes=8, dimension=120, count=1600, seed=0):
    """Gaussian classes; the last one is new. Returns draw, training vectors and codes, and the head fitted on them."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes + 1, dimension)) * separation

    def draw(codes):
        return centres[codes] + rng.normal(size=(len(codes), dimension))

    codes = rng.integers(0, classes, count)
    vectors = draw(codes)
    head = LogisticRegression(C=1e-2, max_iter=300).fit(vectors, codes)
    return draw, vectors, codes, (head.coef_, head.intercept_)


@pytest.mark.parametrize("count", [5, 20])
def test_a_planted_class_is_found_and_the_others_are_kept(count):
    classes = 8
    draw, vectors, codes, head = world(separation=0.45)
    row = new_row(draw(np.full(count, classes)), vectors, codes, head)
    weight, bias, names = extended_head(head, [str(code) for code in range(classes)], "8", row)
    assert names == tuple("012345678")
    tested = np.repeat(np.arange(classes), 200)
    others = draw(tested)
    before = (others @ head[0].T + head[1]).argmax(axis=1) == tested
    said = (others @ weight.T + bias).argmax(axis=1)
    assert (said == tested).mean() >= before.mean() - 2 * MOST_TAKEN
    recall = ((draw(np.full(500, classes)) @ weight.T + bias).argmax(axis=1) == classes).mean()
    assert recall > 0.9
    assert row.recall == 1
    assert row.recall_interval[0] < recall
    np.testing.assert_array_equal(np.delete(weight, classes, axis=0), head[0].astype(np.float32))


def test_more_examples_are_better_and_the_recall_among_them_is_honest():
    recalls, held_out = {5: [], 20: []}, []
    for seed in range(6):
        draw, vectors, codes, head = world(separation=0.32, seed=seed)
        for count, found in recalls.items():
            row = new_row(draw(np.full(count, 8)), vectors, codes, head)
            weight, bias, _ = extended_head(head, [str(code) for code in range(8)], "8", row)
            found.append(((draw(np.full(500, 8)) @ weight.T + bias).argmax(axis=1) == 8).mean())
        held_out.append(row.recall)
    assert np.mean(recalls[20]) > np.mean(recalls[5]) + 0.05
    assert np.mean(held_out) == pytest.approx(np.mean(recalls[20]), abs=0.12)


def test_examples_of_an_old_class_take_no_more_than_is_allowed():
    """Twenty glitches of class 3 called something new: the bound holds on the training glitches."""
    draw, vectors, codes, head = world()
    for allowed in (0.0, 0.02):
        row = new_row(draw(np.full(20, 3)), vectors, codes, head, most_taken=allowed)
        ahead = vectors @ row.weight + row.bias > (vectors @ head[0].T + head[1]).max(axis=1)
        assert ahead.mean() <= allowed
    free = new_row(draw(np.full(20, 3)), vectors, codes, head, most_taken=1.0)
    assert (vectors @ free.weight + free.bias > (vectors @ head[0].T + head[1]).max(axis=1)).mean() > 0.05


def test_same_seed_same_row():
    draw, vectors, codes, head = world()
    examples = draw(np.full(9, 8))
    one, two = (new_row(examples, vectors, codes, head) for _ in range(2))
    assert one.weight.tobytes() == two.weight.tobytes()
    assert one.bias == two.bias


@pytest.mark.parametrize(("count", "message"), [(4, "4 examples of the new class; give 5 to 20"), (21, "21 examples")])
def test_too_few_or_too_many_examples(count, message):
    _, vectors, codes, head = world()
    with pytest.raises(InputError, match=message):
        new_row(vectors[:count], vectors, codes, head)


def test_vectors_of_another_network():
    _, vectors, codes, head = world()
    with pytest.raises(InputError, match="vectors of 7 and 120 numbers for a final layer that reads 120"):
        new_row(np.ones((5, 7)), vectors, codes, head)


@pytest.fixture
def opened(tmp_path, modelled, tiny):
    """A study whose model ``small`` does not know Whistle, of which there are 24 glitches."""
    with Study(shutil.copytree(modelled, tmp_path / "study")) as opened:
        parts = load_model(model_folder(opened.folder, "one")).parts
        make_model(opened, tiny, "small", parts=parts, classes=LABELS[:2])
        yield opened


def test_the_extended_model_is_saved_with_what_it_cost(opened):
    small = load_model(model_folder(opened.folder, "small"))
    model, cost = add_class(opened, small, "Whistle", name="more", examples=8)
    assert model.classes == LABELS
    assert (cost.examples, cost.others) == (8, 16)
    assert cost.judged == 16
    assert cost.taken <= cost.judged
    assert cost.others_found >= 12  # arches beside strokes and lines: an easy class
    table = opened.glitches()
    parts = table["id"].map(model.parts)
    whistles = table["label"] == "Whistle"
    assert (parts[whistles] == "train").sum() == 8
    assert (parts[whistles] == "test").sum() == 16
    card = json.loads((model.folder / "model.json").read_text())
    assert card["weights"] == "model:small"
    assert card["extended"][0]["label"] == "Whistle"
    assert "8 glitches labelled Whistle" in card["trained_on"]
    np.testing.assert_array_equal(model.head_weight[:2], small.head_weight)
    assert model.network.weights_sha256 == small.network.weights_sha256
    assert cost.in_words()[0].startswith("Whistle: 8 examples")
    assert len(cost.in_words()) == 3


def test_what_an_extension_refuses(opened):
    small = load_model(model_folder(opened.folder, "small"))
    with pytest.raises(InputError, match="knows 'Blip' already"):
        add_class(opened, small, "Blip", name="more")
    with pytest.raises(InputError, match="would replace 'small' itself"):
        add_class(opened, small, "Whistle", name="small")
    with pytest.raises(InputError, match="no glitch is labelled 'Tomte'"):
        add_class(opened, small, "Tomte", name="more")
    with pytest.raises(InputError, match="3 examples: give 5 to 20"):
        add_class(opened, small, "Whistle", name="more", examples=3)


def test_twins_of_examples_judge_nothing(opened, tmp_path):
    """The 24 whistles are twelve pairs of triggers 0.2 s apart."""
    glitches = opened.glitches()
    names = glitches["id"][glitches["label"] == "Whistle"].tolist()
    seconds = {name: 100.0 * (place // 2) + 0.2 * (place % 2) for place, name in enumerate(names)}
    table = tmp_path / "metadata.csv"
    lines = [f"{name.removeprefix('H1_')},H1,{time:.1f}" for name, time in seconds.items()]
    table.write_text("\n".join(["gravityspy_id,ifo,event_time", *lines]) + "\n")
    with opened.run("ingest"):
        ingest_table(opened, table)
    small = load_model(model_folder(opened.folder, "small"))
    model, cost = add_class(opened, small, "Whistle", name="more", examples=8)
    pair = {name: place // 2 for place, name in enumerate(names)}
    parts = {name: model.parts[name] for name in names if name in model.parts}
    learnt = {pair[name] for name, part in parts.items() if part == "train"}
    judged = {pair[name] for name, part in parts.items() if part == "test"}
    assert not learnt & judged
    assert cost.others == 24 - 2 * len(learnt) == list(parts.values()).count("test")
    assert cost.examples == 8
