"""Levels and what networks see, balanced draws, and classes that are too small."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.generators import CPU, make_pictures

from embed.errors import InputError
from embed.generator import pictures as pictures_module
from embed.generator.options import DURATIONS
from embed.generator.pictures import VARIED, Deck, Pictures, at_side, draw_classes, levels_of, scaled
from embed.training.augmentation import augment
from embed.training.randomness import draw_keys


def test_all_256_levels_come_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16).repeat(3, axis=1)
    seen = scaled(torch.from_numpy(levels))
    assert (seen.min(), seen.max()) == (-1, 1)
    assert np.array_equal(levels_of(seen), levels)
    assert levels_of(torch.tensor([[[[-3.0, 3.0]]]])).flatten().tolist() == [0, 255]


def keys_of(count):
    return draw_keys(1, 0, np.arange(count), np.zeros(count, np.int64))


def test_classes_and_their_pictures_are_drawn_evenly_in_groups_of_one_class(monkeypatch):
    monkeypatch.setattr(pictures_module, "ENOUGH", 0)
    random = torch.Generator().manual_seed(4)
    classes = draw_classes(24_000, 3, random)
    assert torch.equal(classes.view(-1, 4).min(dim=1).values, classes.view(-1, 4).max(dim=1).values)
    assert np.bincount(classes.numpy()) == pytest.approx([8000] * 3, rel=0.05)
    drawn = levels_of(Deck(make_pictures(), CPU).draw(classes, torch.rand(24_000, generator=random), keys_of(24_000)))
    assert np.array_equal(drawn[:, 0, 0, 0], classes.numpy())
    of_second = np.bincount(drawn[classes.numpy() == 1, 0, 0, 1])
    assert len(of_second) == 30
    assert of_second == pytest.approx([of_second.mean()] * 30, rel=0.25)
    pictures = make_pictures()
    ends = levels_of(Deck(pictures, CPU).draw(torch.tensor([0, 2]), torch.tensor([0.0, 1.0]), keys_of(2)))
    assert np.array_equal(ends[0], pictures.levels[pictures.codes == 0][0])
    assert np.array_equal(ends[1], pictures.levels[pictures.codes == 2][-1])


def test_a_class_of_few_is_shown_as_copies_and_another_as_it_is(monkeypatch):
    monkeypatch.setattr(pictures_module, "ENOUGH", 30)
    pictures = make_pictures((2, 30, 7), side=32)
    deck, classes, first = Deck(pictures, CPU), torch.tensor([0, 0, 1]), torch.zeros(3)
    drawn = levels_of(deck.draw(classes, first, keys_of(3)))
    again = levels_of(deck.draw(classes, first, keys_of(3)))
    real = [pictures.levels[pictures.codes == code][0] for code in (0, 1)]
    assert np.array_equal(drawn, again)
    assert np.array_equal(drawn[2], real[1])
    assert not np.array_equal(drawn[0], drawn[1])
    varied = replace(VARIED, shift=1.0)  # a thirty-second of the side
    by_hand = augment(torch.from_numpy(real[0][None]), DURATIONS, varied, keys_of(3)[:1])[0].numpy()
    assert np.abs(drawn[0] - by_hand).max() <= 0.5


def test_real_pictures_fade_in_as_generated_ones_do():
    picture = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    small = picture.view(1, 3, 4, 2, 4, 2).mean(dim=(3, 5))
    assert torch.allclose(at_side(picture, 4, 1.0), small, atol=1e-6)
    blocks = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(at_side(picture, 8, 0.25), 0.25 * picture + 0.75 * blocks, atol=1e-6)


def test_a_class_of_one_example_is_refused_by_name():
    with pytest.raises(
        InputError, match=r"a class needs 2 glitches with views of 1, 2 and 4 s .* too few have c \(1\)"
    ):
        make_pictures((2, 3, 1))
    with pytest.raises(InputError, match=r"float64 of shape \(2, 3, 8, 8\): give uint8"):
        Pictures(np.zeros((2, 3, 8, 8)), np.zeros(2, int), ("a",))
