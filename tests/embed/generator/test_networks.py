"""Shapes at every resolution, fading in, and what the class changes."""

import pytest
import torch

from embed.generator.layers import doubled
from embed.generator.networks import Architecture, Critic, Generator

ARCHITECTURE = Architecture(3, 256, channels=8, latent=6, label=4)


@pytest.fixture(scope="module")
def networks():
    return Generator(ARCHITECTURE, 1), Critic(ARCHITECTURE, 1)


@pytest.fixture(scope="module")
def inputs():
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(3)), torch.tensor([0, 1, 2, 0])


def test_sides_and_maps():
    assert ARCHITECTURE.sides == (4, 8, 16, 32, 64, 128, 256)
    large = Architecture(2, 256)
    assert [large.maps(side) for side in large.sides] == [256, 256, 256, 128, 64, 32, 16]


@pytest.mark.parametrize("side", ARCHITECTURE.sides)
def test_both_networks_work_at_every_resolution(networks, inputs, side):
    generator, critic = networks
    pictures = generator(*inputs, side, 0.5)
    assert pictures.shape == (4, 3, side, side)
    assert pictures.isfinite().all()
    scores = critic(pictures, inputs[1], 0.5)
    assert scores.shape == (4,)
    assert scores.isfinite().all()


@pytest.mark.parametrize("side", ARCHITECTURE.sides[1:])
def test_at_alpha_0_a_new_resolution_is_the_old_one_enlarged(networks, inputs, side):
    generator, critic = networks
    before = generator(*inputs, side // 2)
    assert torch.allclose(generator(*inputs, side, 0.0), doubled(before), atol=1e-6)
    assert not torch.allclose(generator(*inputs, side, 1.0), doubled(before), atol=1e-2)
    assert torch.allclose(critic(doubled(before), inputs[1], 0.0), critic(before, inputs[1]), atol=1e-5)


def test_the_class_changes_the_picture_and_the_score(networks, inputs):
    generator, critic = networks
    one, other = (generator(inputs[0], torch.full((4,), code), 16) for code in (0, 1))
    assert (one - other).abs().mean() > 0.05
    scores = [critic(one, torch.full((4,), code)) for code in (0, 1)]
    assert (scores[0] - scores[1]).abs().min() > 1e-4


def test_weights_follow_from_the_seed_alone():
    first, same, other = (Generator(ARCHITECTURE, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["dense.weight"], other["dense.weight"])
    assert first["dense.bias"].abs().max() == 0
