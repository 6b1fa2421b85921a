"""Small pictures to learn from, and small networks that learn from them."""

from typing import ClassVar

import numpy as np
import torch

from embed import Study, ingest_folder
from embed.generator.networks import Architecture
from embed.generator.options import DURATIONS
from embed.generator.pictures import Pictures
from embed.generator.steps import Recipe, Training
from embed.views.png import write_views

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


def make_study(folder, counts, side=40):
    """A study of glitches with views of 1, 2 and 4 s: a bright block whose place is the class's."""
    rng = np.random.default_rng(3)
    for place, (label, count) in enumerate(counts.items()):
        for number in range(count):
            levels = rng.integers(5, 40, (3, side, side), dtype=np.uint8)
            levels[:, 4 + 8 * place : 12 + 8 * place, 10:30] += rng.integers(120, 200, dtype=np.uint8)
            write_views(folder / "data" / label, "H1", f"{label[:3]}{number:04d}", levels, DURATIONS)
    with Study(folder / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
    return folder / "study"


class Stripes:
    """A source of two classes that needs no network: a bright block where `make_study` has it."""

    name = "stripes"
    classes = ("Blip", "Koi_Fish")
    card: ClassVar = {"trained_on": "nothing", "method": "stripes"}
    passport = "ab" * 32

    def sample(self, label, count, seed):
        rng = np.random.default_rng(seed)
        levels = rng.integers(5, 40, (count, 3, 40, 40), dtype=np.uint8)
        place = self.classes.index(label)
        levels[:, :, 4 + 8 * place : 12 + 8 * place, 10:30] += 150
        return levels
