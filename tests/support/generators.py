"""Small pictures to learn from, and small networks that learn from them."""

import numpy as np
import torch

from embed.generator.networks import Architecture
from embed.generator.pictures import Pictures
from embed.generator.steps import Recipe, Training

CPU = torch.device("cpu")


def make_pictures(counts=(2, 30, 7), side=8):
    """Noise of classes a, b, ...; the first pixels hold the class and the number in it."""
    codes = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 256, (len(codes), 3, side, side), dtype=np.uint8)
    levels[:, 0, 0, 0] = codes
    levels[:, 0, 0, 1] = np.concatenate([np.arange(count) for count in counts])
    order = rng.permutation(len(codes))
    return Pictures(levels[order], codes[order], tuple("abc"[: len(counts)]))


def make_training(pictures, seed=1, **recipe):
    """Both networks, eight feature maps at most."""
    architecture = Architecture(len(pictures.classes), pictures.levels.shape[-1], channels=8, latent=8, label=4)
    return Training(pictures, architecture, Recipe(**({"batch": 8} | recipe)), seed=seed, device=CPU)
