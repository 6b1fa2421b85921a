"""Layers against the paper's formulas, worked by hand."""

import numpy as np
import pytest
import torch

from embed.generator.layers import (
    EqualConv,
    EqualLinear,
    deviation_map,
    doubled,
    draw_weights,
    faded,
    halved,
    pixel_norm,
)


def test_equalised_layers_scale_unit_weights_by_their_fan_in():
    layer = EqualConv(3, 2, 3)
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(0.5)
    out = layer(torch.ones(1, 3, 5, 5))
    # 27 weights of sqrt(2 / 27) under a full kernel, 12 at a corner
    assert out[0, 0, 2, 2].item() == pytest.approx(27 * np.sqrt(2 / 27) + 0.5)
    assert out[0, 1, 0, 0].item() == pytest.approx(12 * np.sqrt(2 / 27) + 0.5)
    dense = EqualLinear(8, 1, gain=1.0)
    with torch.no_grad():
        dense.weight.fill_(2.0)
    assert dense(torch.ones(1, 8)).item() == pytest.approx(16 / np.sqrt(8))


def test_the_variance_of_what_an_equalised_layer_gives_does_not_depend_on_its_width():
    values = torch.randn(4000, 300, generator=torch.Generator().manual_seed(1))
    for width in (3, 300):
        layer = EqualLinear(width, 64)
        draw_weights(layer, 5)
        assert layer(values[:, :width]).var().item() == pytest.approx(2.0, rel=0.25)


def test_pixel_norm_gives_every_pixel_a_mean_square_of_one():
    values = torch.tensor([[[[3.0]], [[4.0]]]])
    assert pixel_norm(values).flatten().tolist() == pytest.approx([3 / np.sqrt(12.5), 4 / np.sqrt(12.5)])
    many = pixel_norm(torch.randn(2, 7, 3, 5, generator=torch.Generator().manual_seed(1)) * 9)
    assert many.square().mean(dim=1).numpy() == pytest.approx(np.ones((2, 3, 5)), abs=1e-5)


def test_the_deviation_map_is_the_mean_spread_within_each_group_of_four():
    values = torch.randn(8, 3, 2, 2, generator=torch.Generator().manual_seed(2))
    out = deviation_map(values)
    assert out.shape == (8, 4, 2, 2)
    assert torch.equal(out[:, :3], values)
    for group in (slice(0, 4), slice(4, 8)):
        by_hand = values[group].numpy().std(axis=0).mean()
        assert out[group, 3].numpy() == pytest.approx(np.full((4, 2, 2), by_hand), rel=1e-5)
    alike = deviation_map(torch.ones(4, 1, 2, 2))
    assert alike[:, 1].max() < 1e-3


def test_doubling_halving_and_fading():
    values = torch.arange(4.0).view(1, 1, 2, 2)
    assert doubled(values)[0, 0, :, 0].tolist() == [0, 0, 2, 2]
    assert halved(values).item() == 1.5
    assert torch.equal(halved(doubled(values)), values)
    assert faded(values, lambda: values + 4, 0.25).flatten().tolist() == [3, 4, 5, 6]

    def never():
        raise AssertionError("the old picture is not needed")

    assert faded(values, never, 1.0) is values
