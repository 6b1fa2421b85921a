import io
import math

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embed.training.augmentation import augment, compressed, geometry
from embed.training.randomness import draw_keys, uniform
from embed.training.variation import NONE, O1_PAPER, ROBUST, Augmentation

DURATIONS = (1.0, 2.0, 4.0)


def keys_of(count, seed=0, epoch=0):
    return draw_keys(seed, epoch, np.arange(1, count + 1), np.zeros(count, np.int64))


def noise_and_signal(count, views=3, side=64, seed=0):
    rng = np.random.default_rng(seed)
    energy = rng.exponential(10, (count, views, side, side))
    energy[:, :, side // 2 - 4 : side // 2 + 4, side // 2 - 4 : side // 2 + 4] += 120
    return torch.from_numpy(np.clip(energy, 0, 255).astype(np.uint8))


# Random numbers


def test_numbers_are_uniform_and_independent():
    numbers = uniform(keys_of(40), 3, (5000,)).numpy().astype(np.float64)
    assert scipy.stats.kstest(numbers.ravel(), "uniform").pvalue > 0.001
    flat = numbers - 0.5
    assert abs((flat[:, :-1] * flat[:, 1:]).mean()) * 12 < 4 / math.sqrt(flat.size)  # neighbours
    assert abs((flat[:-1] * flat[1:]).mean()) * 12 < 4 / math.sqrt(flat.size)  # keys
    other = uniform(keys_of(40), 4, (5000,)).numpy().astype(np.float64) - 0.5
    assert abs((flat * other).mean()) * 12 < 4 / math.sqrt(flat.size)  # streams
    counts = np.bincount((numbers.ravel() * 256).astype(int), minlength=256)
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_first_numbers_of_neighbouring_keys_are_uniform():
    """One number of each of many keys: what shifts and zooms are made from."""
    glitches = np.arange(20_000)
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        numbers = uniform(draw_keys(seed, epoch, glitches, np.zeros(20_000, np.int64)), 1, (1,))[:, 0].numpy()
        assert scipy.stats.kstest(numbers, "uniform").pvalue > 0.001


@given(st.integers(0, 2**31), st.integers(0, 99), st.lists(st.integers(1, 2**40), min_size=1, max_size=8, unique=True))
@settings(max_examples=40, deadline=None)
def test_a_key_is_a_function_of_seed_epoch_and_glitch(seed, epoch, glitches):
    rows = np.array(glitches)
    zeros = np.zeros(len(rows), np.int64)
    whole = draw_keys(seed, epoch, rows, zeros)
    alone = torch.cat([draw_keys(seed, epoch, rows[place : place + 1], zeros[:1]) for place in range(len(rows))])
    assert torch.equal(whole, alone)
    assert len(set(whole.tolist())) == len(rows)
    assert not (whole == draw_keys(seed, epoch + 1, rows, zeros)).any()
    assert not (whole == draw_keys(seed + 1, epoch, rows, zeros)).any()
    assert not (whole == draw_keys(seed, epoch, rows, zeros + 1)).any()


# Augmentation


@pytest.mark.parametrize("augmentation", [O1_PAPER, ROBUST, Augmentation(rotate=True, flip=True)])
def test_a_glitch_is_varied_alike_in_any_batch(augmentation):
    levels, keys = noise_and_signal(6), keys_of(6)
    before = levels.clone()
    whole = augment(levels, DURATIONS, augmentation, keys)
    halves = torch.cat(
        [augment(levels[:2], DURATIONS, augmentation, keys[:2]), augment(levels[2:], DURATIONS, augmentation, keys[2:])]
    )
    assert torch.equal(whole, halves)
    assert torch.equal(levels, before)
    assert whole.dtype == torch.float32
    assert whole.min() >= 0
    assert whole.max() <= 255
    assert not torch.equal(whole, augment(levels, DURATIONS, augmentation, keys_of(6, epoch=1)))


def test_nothing_is_nothing():
    levels = noise_and_signal(2)
    assert torch.equal(augment(levels, DURATIONS, NONE, keys_of(2)), levels.float())


def test_a_whole_pixel_shift_by_hand():
    """Where the drawn shift is s pixels, the picture is the same picture s pixels away."""
    side = 32
    levels = torch.randint(0, 256, (64, 1, side, side), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    keys = keys_of(64)
    theta = geometry(Augmentation(shift=10.0), (4.0,), side, keys)
    pixels = theta[:, 0, :, 2] * side / 2
    assert pixels.abs().max() <= 10
    assert pixels.abs().max() > 8
    assert scipy.stats.kstest((pixels.numpy().ravel() + 10) / 20, "uniform").pvalue > 0.001
    moved = augment(levels, (4.0,), Augmentation(shift=10.0), keys)
    for row in range(8):
        right, down = pixels[row].tolist()
        expected = scipy.ndimage.shift(levels[row, 0].numpy().astype(float), (-down, -right), order=1, mode="nearest")
        assert np.allclose(moved[row, 0], expected, atol=1e-2)


def test_an_offset_in_time_moves_short_views_further():
    theta = geometry(Augmentation(time_offset=0.02), (0.5, 1.0, 2.0, 4.0), 224, keys_of(500))
    pixels = theta[..., 0, 2] * 112
    assert torch.allclose(pixels[:, 0], 8 * pixels[:, 3], atol=1e-4)
    assert torch.allclose(pixels[:, 1], 2 * pixels[:, 2], atol=1e-4)
    assert 8.5 < pixels[:, 0].abs().max() <= 0.02 / 0.5 * 224
    assert (theta[..., 1, 2] == 0).all()


def test_zoom_and_crop_stay_in_their_ranges():
    theta = geometry(Augmentation(zoom=0.05), DURATIONS, 224, keys_of(500))
    assert torch.equal(theta[:, 0], theta[:, 2])  # views alike
    zoom = 1 / theta[:, 0, 0, 0]
    assert 0.95 <= zoom.min() < 0.955
    assert 1.045 < zoom.max() <= 1.05
    theta = geometry(Augmentation(crop=0.02), DURATIONS, 224, keys_of(500))
    left = (theta[..., 0, 2] - theta[..., 0, 0] + 1) / 2  # where the left edge comes from, as a share of the side
    assert 0.019 < left.abs().max() <= 0.02 + 1e-6
    assert not torch.equal(theta[:, 0], theta[:, 2])


def test_loudness_scales_the_signal_and_leaves_the_noise():
    levels = torch.full((400, 1, 8, 8), 10, dtype=torch.uint8)
    levels[:, :, 4:] = 100
    values = augment(levels, (4.0,), Augmentation(loudness=2.0), keys_of(400))
    assert (values[:, :, :4] == 10).all()
    factors = (values[:, 0, 7, 7] - 25) / 75
    assert 0.5 <= factors.min() < 0.52
    assert 1.95 < factors.max() <= 2.0
    assert scipy.stats.kstest((np.log2(factors.numpy()) + 1) / 2, "uniform").pvalue > 0.001


def test_louder_pixels_stay_louder():
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(300, 1, 16, 16)
    values = augment(ramp, (4.0,), Augmentation(loudness=8.0), keys_of(300)).view(300, 256)
    assert (values.diff(dim=1) >= -1e-3).all()


def test_dropped_durations():
    levels = torch.stack([torch.full((8, 8), level, dtype=torch.uint8) for level in (10, 20, 30)]).expand(2000, 3, 8, 8)
    values = augment(levels, DURATIONS, Augmentation(single=0.3), keys_of(2000))[:, :, 0, 0]
    dropped = (values == values[:, :1]).all(dim=1)
    assert dropped.float().mean() == pytest.approx(0.3, abs=0.04)
    assert set(values[dropped, 0].tolist()) == {10.0, 20.0, 30.0}
    assert (values[~dropped] == torch.tensor([10.0, 20.0, 30.0])).all()


def test_compression_is_the_cosine_transform_s():
    """The oracle is SciPy's transform, block by block."""
    values = noise_and_signal(1, views=1, side=24).float()
    quality = 40.0
    table = np.array(__import__("embed.training.augmentation", fromlist=["_LUMINANCE"])._LUMINANCE)
    steps = np.clip(np.floor((table * (5000 / quality) + 50) / 100), 1, 255)
    expected = np.empty((24, 24))
    for row in range(0, 24, 8):
        for column in range(0, 24, 8):
            block = values[0, 0, row : row + 8, column : column + 8].numpy().astype(float) - 128
            spectrum = np.round(scipy.fft.dctn(block, norm="ortho") / steps) * steps
            expected[row : row + 8, column : column + 8] = scipy.fft.idctn(spectrum, norm="ortho") + 128
    found = compressed(values, torch.tensor([quality]))[0, 0].numpy()
    assert np.mean(np.abs(found - np.clip(expected, 0, 255)) < 0.01) > 0.95  # a tie may round the other way in float32


@pytest.mark.parametrize("side", [32, 61])
def test_compression_is_as_strong_as_libjpeg_s(side):
    values = noise_and_signal(1, views=1, side=side).float()
    picture = values[0, 0].numpy().astype(np.uint8)
    for quality in (30, 60, 90):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        theirs = np.abs(np.asarray(Image.open(file), float) - picture).mean()
        ours = np.abs(compressed(values, torch.tensor([float(quality)]))[0, 0].numpy() - picture).mean()
        assert ours == pytest.approx(theirs, rel=0.1)


def test_noise_is_as_large_as_asked():
    levels = torch.full((300, 1, 16, 16), 100, dtype=torch.uint8)
    off = augment(levels, (4.0,), Augmentation(noise=6.0), keys_of(300)) - 100
    assert off.abs().max() == 6
    assert torch.equal(off, off.round())
    sizes = off.abs().amax(dim=(1, 2, 3))
    assert sizes.min() <= 1  # drawn for each glitch


def test_flips_and_turns_keep_a_disc():
    rows, columns = np.mgrid[0:64, 0:64] - 31.5
    disc = torch.from_numpy((200 * (rows**2 + columns**2 < 400)).astype(np.uint8)).expand(16, 3, 64, 64)
    values = augment(disc, (0.0,) * 3, Augmentation(flip=True, rotate=True), keys_of(16))
    assert (values - disc.float()).abs().mean() < 3
    half = disc.clone()
    half[..., 32:] = 0
    turned = augment(half, (0.0,) * 3, Augmentation(flip=True, rotate=True), keys_of(16))
    assert len({round(float(value)) for value in turned[:, 0, :, 32:].sum(dim=(1, 2))}) > 8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_same_on_a_gpu():
    levels, keys = noise_and_signal(8), keys_of(8)
    assert torch.equal(uniform(keys.cuda(), 5, (100,)).cpu(), uniform(keys, 5, (100,)))
    close = torch.isclose(
        augment(levels.cuda(), DURATIONS, ROBUST, keys).cpu(), augment(levels, DURATIONS, ROBUST, keys), atol=1.01
    )
    assert close.float().mean() > 0.99
