"""The gradient penalty by finite differences, and the critic's loss by hand."""

import numpy as np
import pytest
import torch

from embed.generator.losses import critic_loss, gradient_penalty, hinge_loss
from embed.generator.networks import Architecture, Critic


def test_the_gradient_penalty_agrees_with_finite_differences():
    critic = Critic(Architecture(2, 4, channels=4, latent=4, label=4), 1)
    random = torch.Generator().manual_seed(2)
    real, fake = (torch.randn(2, 3, 4, 4, generator=random) for _ in range(2))
    classes, places = torch.tensor([0, 1]), torch.tensor([0.2, 0.7])
    score = lambda spot: critic(spot, classes)  # noqa: E731
    penalty = gradient_penalty(score, real, fake, places)
    spot = (real + places.view(2, 1, 1, 1) * (fake - real)).numpy()
    step, slopes = 1e-2, np.zeros_like(spot)
    with torch.no_grad():
        for place in np.ndindex(spot.shape):
            up, down = spot.copy(), spot.copy()
            up[place] += step
            down[place] -= step
            slopes[place] = (score(torch.tensor(up)).sum() - score(torch.tensor(down)).sum()) / (2 * step)
    by_hand = np.mean((np.linalg.norm(slopes.reshape(2, -1), axis=1) - 1) ** 2)
    assert penalty.item() == pytest.approx(by_hand, rel=1e-2)


def test_the_penalty_of_a_linear_critic_and_its_gradient():
    slope = torch.tensor([3.0, 4.0], requires_grad=True)
    penalty = gradient_penalty(lambda spot: spot @ slope, torch.zeros(5, 2), torch.ones(5, 2), torch.rand(5))
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    penalty.backward()
    # d (|s| - 1)^2 / d s = 2 (|s| - 1) s / |s|
    assert slope.grad.tolist() == pytest.approx([2 * 4 * 0.6, 2 * 4 * 0.8])


def test_the_critics_loss_by_hand():
    loss = critic_loss(torch.tensor([2.0, 4.0]), torch.tensor([1.0, 0.0]))
    assert loss.item() == pytest.approx(0.5 - 3 + 0.001 * 10)


def test_the_hinge_loss_by_hand():
    loss = hinge_loss(torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.0]))
    assert loss.item() == pytest.approx((0 + 0.5) / 2 + (0 + 1) / 2)
