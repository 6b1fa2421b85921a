"""Labels that a critic finds improbable: the order by hand, and planted wrong labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.generators import CPU, make_pictures

from embed.errors import InputError, StudyError
from embed.generator.anomalies import find_anomalies, load_critic
from embed.generator.examples import Examples
from embed.generator.learned import Learned
from embed.generator.model import GeneratorModel, architecture_facts, load_generator, save_generator
from embed.generator.networks import make_architecture
from embed.generator.options import CRITICS, PRETRAINED
from embed.generator.pictures import Pictures
from embed.generator.steps import Recipe, Training


def blocks(count, side=32):
    """Glitches with a bright block on the left, then as many with one on the right, and their class numbers."""
    levels = np.random.default_rng(4).integers(5, 40, (2 * count, 3, side, side), dtype=np.uint8)
    levels[:count, :, 12:20, 4:12] += 200
    levels[count:, :, 12:20, 20:28] += 200
    return levels, np.repeat([0, 1], count)


def kept(folder, pictures, critic="pretrained", steps=0):
    """A generator and its critic after so many steps."""
    architecture = make_architecture(len(pictures.classes), pictures.levels.shape[-1], 8)
    training = Training(pictures, architecture, Recipe(8, 0.002, critic=critic), seed=1, device=CPU)
    for step in range(steps):
        training.step(step, 0.9)
    card = {
        "method": "progan",
        "classes": list(pictures.classes),
        "counts": {},
        "resolution": architecture.resolution,
        "architecture": architecture_facts(architecture),
        "critic": critic,
        "seed": 1,
        "trained_on": "blocks",
    }
    save_generator(folder, training.mean.state_dict(), card, training.critic.state_dict())
    return load_generator(folder)


def examples_of(pictures, learned=()):
    labels = np.array(pictures.classes)[pictures.codes]
    ids = tuple(f"g{number}" for number in range(len(labels)))
    rows = np.arange(len(labels))
    part = np.zeros(len(labels), np.int8)
    return Examples(pictures.levels, labels, pictures.classes, rows, ids, part, Learned(frozenset(learned)))


@pytest.mark.parametrize("critic", CRITICS)
def test_planted_wrong_labels_come_first(tmp_path, critic):
    levels, codes = blocks(24)
    wrong = [3, 30, 41]
    codes[wrong] = 1 - codes[wrong]
    pictures = Pictures(levels, codes, ("left", "right"))
    model = kept(tmp_path / "g", pictures, critic, steps=60 if critic == PRETRAINED else 300)
    found = find_anomalies(model, examples_of(pictures, ["g3", "g5"]), CPU)
    assert set(found.order[:3].tolist()) == set(wrong)
    assert (found.margin[wrong] < 0).all()
    assert (np.delete(found.margin, wrong) > found.margin[wrong].max()).all()
    assert found.suggested[[3, 30, 41]].tolist() == ["left", "right", "right"]
    assert np.flatnonzero(found.learned).tolist() == [3, 5]


class Told(torch.nn.Module):
    """A critic whose scores are the brightness of the picture for class 0, and the other way for 1 and 2."""

    def __init__(self):
        super().__init__()
        self.architecture = make_architecture(3, 8, 8)

    def class_scores(self, pictures):
        mean = pictures.mean(dim=(1, 2, 3))
        return torch.stack([mean, -mean, -mean - 1], dim=1)


def test_margins_by_hand_and_groups_of_any_size(tmp_path, monkeypatch):
    monkeypatch.setattr("embed.generator.anomalies.load_critic", lambda *_: Told())
    pictures = make_pictures((2, 3, 6))
    model = GeneratorModel(tmp_path, {"classes": ["a", "b", "c"]}, None)
    found = find_anomalies(model, examples_of(pictures), CPU)
    mean = (np.sqrt(pictures.levels / 255.0) * 2 - 1).mean(axis=(1, 2, 3))
    scores = np.stack([mean, -mean, -mean - 1], axis=1)
    for row, code in enumerate(pictures.codes.tolist()):
        others = np.delete(scores[row], code)
        assert found.margin[row] == pytest.approx(scores[row, code] - others.max(), abs=1e-5)
    assert (np.diff(found.margin[found.order]) >= 0).all()
    assert sorted(found.order.tolist()) == list(range(11))


def test_what_cannot_be_scored_is_said(tmp_path):
    pictures = Pictures(*blocks(4), ("left", "right"))
    model = kept(tmp_path / "g", pictures)
    alone = replace(model, card=model.card | {"classes": ["left"]})
    with pytest.raises(InputError, match="makes one class alone: no label of it is less probable than another"):
        find_anomalies(alone, examples_of(pictures), CPU)
    (model.folder / "critic.safetensors").write_bytes(b"torn")
    with pytest.raises(StudyError, match=r"critic.safetensors is damaged .* train the generator again with --replace"):
        load_critic(model, CPU)
    (model.folder / "critic.safetensors").unlink()
    with pytest.raises(InputError, match=r"'g' was kept without its critic .* --name g --replace"):
        load_critic(model, CPU)
