"""The critic on a frozen network: what it scores, what it asks of the generator, and what is kept of it."""

import numpy as np
import pytest
import torch
from support.generators import CPU, make_pictures

from embed.generator.losses import Shown
from embed.generator.networks import make_architecture
from embed.generator.pictures import Pictures
from embed.generator.pretrained import Sight, make_critic
from embed.generator.steps import Recipe, Training
from embed.network.network import load_network

ARCHITECTURE = make_architecture(3, 64, 8)


@pytest.fixture(scope="module")
def critic():
    return make_critic(ARCHITECTURE, 1, CPU).eval()


@pytest.fixture(scope="module")
def pictures():
    return torch.rand((8, 3, 64, 64), generator=torch.Generator().manual_seed(2)) * 2 - 1


def make_training(pictures, seed=1, channels=8):
    architecture = make_architecture(len(pictures.classes), pictures.levels.shape[-1], channels)
    return Training(pictures, architecture, Recipe(8, 0.002, critic="pretrained"), seed=seed, device=CPU)


def test_a_last_stage_is_what_the_network_itself_sees(pictures):
    seen = Sight(CPU)(pictures)
    assert [tuple(values.shape[1:]) for values in seen] == [(24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]
    network, last = load_network().module, []
    network.blocks.register_forward_hook(lambda _, __, found: last.append(found))
    with torch.no_grad():
        network(pictures)
    ratio = last[0] / seen[3]
    assert ratio.nanmedian().item() == pytest.approx(2.9)
    assert torch.allclose(last[0], 2.9 * seen[3], atol=1e-3)


def test_small_pictures_are_enlarged(pictures):
    small = pictures[:, :, ::8, ::8]
    large = small.repeat_interleave(8, 2).repeat_interleave(8, 3)
    assert all(torch.equal(*pair) for pair in zip(Sight(CPU)(small), Sight(CPU)(large), strict=True))


def test_the_class_changes_the_score_and_not_what_is_named(critic, pictures):
    with torch.no_grad():
        (scores, named, spread), (others, again, _) = (critic(pictures, torch.full((8,), code)) for code in (0, 1))
    assert scores.shape == (4, 8)
    assert named.shape == (8, 3)
    assert spread.shape == (4, 2)
    assert (scores - others).abs().min() > 1e-6
    assert torch.equal(named, again)


def test_how_much_a_group_differs_by_hand(critic, pictures):
    with torch.no_grad():
        same = pictures[:1].repeat(4, 1, 1, 1)
        _, _, spread = critic(torch.cat([same, pictures[:4]]), torch.zeros(8, dtype=torch.int64))
        seen = critic._sight(pictures[:4])
    assert spread[:, 0].numpy() == pytest.approx(np.full(4, 1e-3), abs=1e-3)
    by_hand = [float(values.numpy().std(axis=0).__pow__(2).mean() ** 0.5) for values in seen]
    assert spread[:, 1].numpy() == pytest.approx(by_hand, rel=1e-3)


def test_the_generator_is_asked_for_differences_as_real_ones_have_them(critic, pictures):
    classes = torch.zeros(4, dtype=torch.int64)
    with pytest.raises(ValueError, match="must have seen real pictures"):
        make_critic(ARCHITECTURE, 1, CPU).generator_loss(pictures[:4], classes, 1.0)
    own = make_critic(ARCHITECTURE, 1, CPU).eval()
    own.losses(Shown(pictures[:4], pictures[4:], classes, classes), 1.0, torch.no_grad)
    with torch.no_grad():
        alike = own.generator_loss(pictures[:1].repeat(4, 1, 1, 1), classes, 1.0)
        own._spread = own._spread * 0
        free = own.generator_loss(pictures[:1].repeat(4, 1, 1, 1), classes, 1.0)
    assert (alike - free).item() == pytest.approx(1.0 * 4, rel=0.01)  # all of it lacks at each of four stages


def test_weights_follow_from_the_seed_and_no_random_number_of_torch_is_used():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (make_critic(ARCHITECTURE, seed, CPU).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["naming.weight"], other["naming.weight"])


def test_the_frozen_network_is_not_kept_and_does_not_learn():
    training = make_training(make_pictures((4, 4), side=32))
    kept = {name.split("/")[1].split(".")[0] for name in training.state() if name.startswith("critic/")}
    assert kept == {"stages", "naming"}
    training.step(0, 0.0)
    before = {name: value.clone() for name, value in training.critic._sight._module.state_dict().items()}
    training.step(1, 0.5)
    after = training.critic._sight._module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.long
def test_it_learns_where_classes_of_few_examples_are_bright():
    """A bright block in noise, on the left or on the right: generated ones are brighter where their class is."""
    levels = np.random.default_rng(4).integers(5, 40, (40, 3, 32, 32), dtype=np.uint8)
    levels[:20, :, 12:20, 4:12] += 200
    levels[20:, :, 12:20, 20:28] += 200
    training = make_training(Pictures(levels, np.repeat([0, 1], 20), ("left", "right")), channels=64)
    for step in range(200):
        training.step(step, step / 200)
    made = training.sample(torch.tensor([0] * 8 + [1] * 8), 3, 32, 1.0)[:, :, 12:20]
    left, right = made[..., 4:12].mean(dim=(1, 2, 3)), made[..., 20:28].mean(dim=(1, 2, 3))
    assert (left - right)[:8].mean() > 0.2
    assert (right - left)[8:].mean() > 0.2
