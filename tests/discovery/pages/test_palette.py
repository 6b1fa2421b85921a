"""Colours that survive colour blindness, judged by an independent simulation of it."""

import itertools

import numpy as np
import pytest

from discovery.pages.palette import (
    DARK_GROUND,
    LIGHT_GROUND,
    MAX_MARKS,
    MIN_LAB_DISTANCE,
    NOISE_DARK,
    NOISE_LIGHT,
    NOISE_MARK,
    OKABE_ITO,
    class_marks,
)
from embed.errors import InputError

# Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009, table 1, severity 1.0, applied to linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, sight: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in XYZ @ seen / np.array([0.95047, 1.0, 1.08883])
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(("colours", "noise"), [(LIGHT_GROUND, NOISE_LIGHT), (DARK_GROUND, NOISE_DARK)])
def test_all_colours_stay_apart_for_every_kind_of_sight(colours, noise, sight):
    distances = {
        pair: np.linalg.norm(lab(pair[0], sight) - lab(pair[1], sight))
        for pair in itertools.combinations((*colours, noise), 2)
    }
    closest = min(distances, key=distances.get)
    assert distances[closest] >= MIN_LAB_DISTANCE, (closest, distances[closest])


def test_the_simulation_itself_confuses_what_a_deuteranope_confuses():
    apart = np.linalg.norm(lab("#FF0000", "normal") - lab("#7F7F00", "normal"))
    confused = np.linalg.norm(lab("#FF0000", "deutan") - lab("#7F7F00", "deutan"))
    assert confused < apart / 2


def test_every_class_has_its_own_mark_and_none_is_the_noise_mark():
    marks = class_marks(MAX_MARKS)
    assert len({(mark.light, mark.symbol) for mark in marks}) == MAX_MARKS == 72
    assert len({(mark.dark, mark.symbol) for mark in marks}) == MAX_MARKS
    assert NOISE_MARK.symbol not in {mark.symbol for mark in marks}
    assert [mark.light for mark in marks[:8]] == list(OKABE_ITO)
    assert class_marks(3) == marks[:3]


def test_more_classes_than_marks_are_refused():
    with pytest.raises(InputError, match="73 classes cannot have different marks: there are 72"):
        class_marks(73)
