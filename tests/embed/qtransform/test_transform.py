"""Whitening, tiles, splines and pictures against gwpy, SciPy, matplotlib, brute force and planted signals."""

import io
import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.interpolate
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embed.errors import InputError
from embed.qtransform.loudest import analyse
from embed.qtransform.picture import PUBLISHED_SHAPE, Layout, draw, quantise, row_frequencies
from embed.qtransform.reference import q_transform
from embed.qtransform.splines import frequency_spline, read_spline, spline_coefficients
from embed.qtransform.tiles import (
    PICTURE_LOCALITY,
    SEARCH_LOCALITY,
    Source,
    local_span,
    median,
    plane_tiles,
    row_medians,
    whole_source,
)
from embed.qtransform.tiling import gwpy_upper_frequency, q_tiling
from embed.qtransform.transform import q_scan, q_views
from embed.qtransform.whitening import amplitude_spectral_density, whiten

STRAIN = Path(__file__).parents[3] / ".." / "shared" / "data" / "strain"
RATE = 4096
SHAPE = (120, 140)


def sine_gaussian(times, centre, frequency, q, amplitude):
    envelope = np.exp(-((2 * np.pi * frequency * (times - centre) / q) ** 2))
    return amplitude * envelope * np.cos(2 * np.pi * frequency * (times - centre))


def noise(seconds, rate=RATE, seed=0):
    return np.random.default_rng(seed).standard_normal(int(seconds * rate))


def coloured(seconds, rate=RATE, seed=0):
    """Noise that falls as a detector's does, and two lines."""
    size = int(seconds * rate)
    f = np.fft.rfftfreq(size, 1 / rate)
    shape = 1e-23 * (1 + (40 / np.maximum(f, 1)) ** 4 + f / 400)
    x = np.fft.irfft(np.fft.rfft(noise(seconds, rate, seed)) * shape, n=size)
    t = np.arange(size) / rate
    return x + 3e-21 * np.sin(2 * np.pi * 60 * t) + 1e-21 * np.sin(2 * np.pi * 501.3 * t)


@pytest.fixture(scope="module")
def gwpy():
    return pytest.importorskip("gwpy")


def gwpy_q_transform(strain, rate, centre, *, whitened, half=2.0):
    """What Gravity Spy asks of gwpy."""
    from gwpy.timeseries import TimeSeries

    series = TimeSeries(strain, sample_rate=rate, t0=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gwpy says that it clamps the upper frequency
        return series.q_transform(
            qrange=(4, 64), frange=(10, 2048), gps=centre, search=0.5, tres=0.002, fres=0.5,
            outseg=(centre - half, centre + half), whiten=not whitened,
        )  # fmt: skip


def gwpy_loudest(strain, rate, centre, *, whitened):
    from gwpy.segments import Segment
    from gwpy.signal.qtransform import q_scan as gwpy_scan
    from gwpy.timeseries import TimeSeries

    series = TimeSeries(strain, sample_rate=rate, t0=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series = series if whitened else series.whiten(asd=series.asd(2, 1))
        gram, _ = gwpy_scan(series, qrange=(4, 64), frange=(10, 2048), search=Segment(centre - 0.25, centre + 0.25))
    return gram.plane.q, gram.peak


# Whitening


def test_spectral_density_is_welch_s_median():
    x = coloured(20)
    ours = amplitude_spectral_density(torch.from_numpy(x)[None], RATE)[0].numpy()
    _, theirs = scipy.signal.welch(x, RATE, nperseg=2 * RATE, average="median")
    np.testing.assert_allclose(ours**2, theirs, rtol=1e-9)


@pytest.mark.parametrize("seconds", [8, 31])
def test_whitening_is_gwpy_s(gwpy, seconds):
    from gwpy.timeseries import TimeSeries

    x = coloured(seconds)
    series = TimeSeries(x, sample_rate=RATE)
    theirs = series.whiten(asd=series.asd(2, 1)).value
    ours = whiten(x, RATE).numpy()
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert float(whiten(7e-22 * noise(seconds), RATE)[RATE:-RATE].std()) == pytest.approx(1, abs=0.06)


def test_whitening_a_batch_is_whitening_each():
    x = np.stack([coloured(9, seed=1), coloured(9, seed=2)])
    torch.testing.assert_close(whiten(x, RATE)[1], whiten(x[1], RATE), rtol=0, atol=1e-6)


def test_decimated_whitening_keeps_the_band():
    """Below the band that is faded out both are the same, at every instant: also where its frames join."""
    x = coloured(16)
    whole, half = (torch.fft.rfft(whiten(x, RATE, decimate=d).double()) * d for d in (1, 2))
    kept = torch.arange(len(half)) < 0.8 * (len(half) - 1)
    one, other = (torch.fft.irfft(spectrum[: len(half)] * kept) for spectrum in (whole, half))
    assert float((one - other)[RATE // 2 : -RATE // 2].abs().max()) < 2e-3 * float(one.std())


def test_what_cannot_be_whitened():
    with pytest.raises(InputError, match="1 s is too short to whiten"):
        whiten(noise(1), RATE)
    with pytest.raises(InputError, match="no power at some frequency"):
        whiten(np.zeros(8 * RATE), RATE)
    with pytest.raises(InputError, match="cannot be decimated by 3"):
        whiten(noise(8), RATE, decimate=3)
    x = noise(8)
    x[5] = np.nan
    with pytest.raises(InputError, match="1 NaN or infinite samples of 32768"):
        whiten(x, RATE)
    with pytest.raises(InputError, match=r"shape \(1, 2, 3\)"):
        whiten(np.zeros((1, 2, 3)), RATE)


# Tiles


@settings(max_examples=25, deadline=None)
@given(
    duration=st.sampled_from([4.0, 7.0, 8.0, 14.0, 32.0, 60.0, 64.0]),
    low=st.floats(3, 30),
    high=st.floats(40, 120),
    top=st.floats(200, 1200),
)
def test_tiling_is_gwpy_s(duration, low, high, top):
    qtransform_of_gwpy = pytest.importorskip("gwpy.signal.qtransform")
    ours = q_tiling(duration, (low, high), (10.0, top))
    theirs = list(qtransform_of_gwpy.QTiling(duration, 16384.0, qrange=(low, high), frange=(10, top)))
    assert [plane.q for plane in ours] == pytest.approx([plane.q for plane in theirs], rel=1e-12)
    for plane, other in zip(ours, theirs, strict=True):
        assert plane.frequencies == pytest.approx(other.frequencies)
        for row, tile in enumerate(other):
            assert plane.tiles[row] == tile.ntiles
            first, last, centre, half = plane.window_bins(row, duration)
            indices = tile.get_data_indices()
            weights = (1 - ((np.arange(first, last + 1) - centre) / half) ** 2) ** 2
            theirs_weights = tile.get_window()
            inside = theirs_weights / theirs_weights.max() > 1e-9  # we also name bins where the window is zero
            assert set(indices[inside]) <= set(range(first, last + 1))
            np.testing.assert_allclose(
                weights[indices[inside][0] - first :][: inside.sum()],
                theirs_weights[inside] / theirs_weights.max(),
                atol=1e-6,
            )


def test_where_gwpy_clamps():
    qtransform_of_gwpy = pytest.importorskip("gwpy.signal.qtransform")
    with pytest.warns(UserWarning, match="too high"):
        theirs = qtransform_of_gwpy.QTiling(8, RATE, qrange=(4, 64), frange=(10, 2048)).frange[1]
    assert gwpy_upper_frequency(RATE) == pytest.approx(theirs)
    assert theirs / (RATE / 2) == pytest.approx(0.63, abs=0.005)


def test_a_tile_s_energy_by_brute_force():
    """|sum over the window of spectrum times weight times exp(2 pi i k n / N)|^2, term by term."""
    x = noise(4)
    (plane,) = q_tiling(4.0, (8.0, 8.0), (60.0, 400.0))
    whole = whole_source(torch.from_numpy(x).float()[None])
    spectrum = np.fft.rfft(x)
    for group in plane_tiles([whole], plane):
        row, count = group.rows[-1], group.energies.shape[-1]
        first, last, centre, half = plane.window_bins(row, 4.0)
        k = np.arange(first, last + 1)
        weights = (1 - ((k - centre) / half) ** 2) ** 2
        for n in (0, 1, count // 3, count - 1):
            direct = abs(np.sum(spectrum[k] * weights * np.exp(2j * np.pi * k * n / count))) ** 2
            assert float(group.energies[0, -1, n]) == pytest.approx(direct, rel=1e-4)


def test_folding_gives_every_nth_tile():
    """The median of a quarter of the tiles is that of every fourth of all tiles."""
    x = torch.from_numpy(noise(8)).float()[None]
    whole = whole_source(x)
    (plane,) = q_tiling(8.0, (8.0, 8.0), (60.0, 1000.0))
    for group in plane_tiles([whole], plane):
        count = group.energies.shape[-1] // 4
        ours = row_medians(whole.spectrum, plane, group.rows, count)
        torch.testing.assert_close(ours, median(group.energies[..., ::4]), rtol=1e-4, atol=0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_median_is_numpy_s(count, seed):
    values = np.random.default_rng(seed).exponential(size=(3, count)).astype(np.float32)
    np.testing.assert_allclose(median(torch.from_numpy(values)).numpy(), np.median(values, axis=-1), rtol=1e-6)


def test_local_span_keeps_to_the_block_and_to_its_tiles():
    planes = q_tiling(32.0, (4.0, 64.0), (10.0, 2048.0))
    for centre in (2.5, 3.4, 16.0, 20.123, 28.9):
        for locality, half in ((PICTURE_LOCALITY, 2.0), (SEARCH_LOCALITY, 0.25)):
            span = local_span(planes, centre, half, locality, size=32 * RATE, sample_rate=RATE)
            start, seconds = span.first / RATE, 32 / span.fraction
            if span.fraction > 1:
                assert start >= 0
                assert start + seconds <= 32
                assert centre - half - start >= locality.margin
                assert start + seconds - centre - half >= locality.margin
                rows = [t for p in planes for r, t in enumerate(p.tiles) if p.half_width(r) >= locality.half_width]
                assert all((start * tiles / 32).is_integer() for tiles in rows)
    assert local_span(planes, 16.0, 2.0, PICTURE_LOCALITY, size=32 * RATE, sample_rate=RATE).fraction == 4
    assert (
        local_span(planes, 2.5, 2.0, PICTURE_LOCALITY, size=32 * RATE, sample_rate=RATE).fraction == 1
    )  # too near an end


# Splines


@settings(max_examples=40, deadline=None)
@given(st.integers(6, 90), st.integers(0, 2**32 - 1))
def test_time_spline_is_scipy_s(length, seed):
    rng = np.random.default_rng(seed)
    samples = rng.exponential(size=(2, 3, length))
    position = np.sort(rng.uniform(0, length - 0.5, 50))  # half a sample beyond the last: extrapolated
    coefficients = spline_coefficients(torch.from_numpy(samples).float())
    for block in range(2):
        ours = read_spline(coefficients[block], torch.from_numpy(position)).numpy()
        for row in range(3):
            theirs = scipy.interpolate.InterpolatedUnivariateSpline(np.arange(length), samples[block, row])(position)
            np.testing.assert_allclose(ours[:, row], theirs, atol=2e-5 * max(1, np.abs(theirs).max()))


def test_frequency_spline_is_fitpack_s():
    rng = np.random.default_rng(0)
    knots = np.sort(rng.uniform(10, 100, 12))
    values = rng.exponential(size=(7, 12))
    at = np.linspace(5, 110, 60)  # also outside the knots
    theirs = scipy.interpolate.RectBivariateSpline(np.arange(7), knots, values)(np.arange(7), at)
    np.testing.assert_allclose(values @ frequency_spline(knots, at).T, theirs, atol=1e-5)


# The transform against gwpy's


def assert_same_as_gwpy(strain, rate, centre, *, whitened):
    theirs = gwpy_q_transform(strain, rate, centre, whitened=whitened)
    energies, q, (time, frequency, energy) = q_transform(
        strain, rate, centre, theirs.times.value, theirs.frequencies.value, whitened=whitened
    )
    a, b = theirs.value, energies.numpy()
    clipped = np.abs(np.clip(a, 0, 25.5) - np.clip(b, 0, 25.5))
    correlation, worst = np.corrcoef(a.ravel(), b.ravel())[0, 1], np.percentile(clipped, 99)
    assert correlation >= 0.99999
    assert worst < 0.001
    their_q, peak = gwpy_loudest(strain, rate, centre, whitened=whitened)
    assert (q, time, frequency) == pytest.approx((their_q, peak["time"], peak["frequency"]))
    assert energy == pytest.approx(float(peak["energy"]), rel=1e-3)
    return correlation, worst


@pytest.mark.parametrize(("seconds", "rate"), [(16, 4096), (10, 8192)])
def test_transform_is_gwpy_s(gwpy, seconds, rate):
    t = np.arange(seconds * rate) / rate
    x = 3e-22 * noise(seconds, rate) + 1e-21 * sine_gaussian(t, seconds / 2 + 0.1, 300, 20, 4)
    assert_same_as_gwpy(x, rate, seconds / 2, whitened=False)
    assert_same_as_gwpy(x / 3e-22, rate, seconds / 2, whitened=True)


def real_blocks():
    if not STRAIN.is_dir():
        return []
    blocks = [(path.stem, path, None, 16.4) for path in sorted((STRAIN / "gwosc").glob("*.hdf5"))]
    whitened = STRAIN / "o3_glitches_whitened.hdf5"
    with h5py.File(whitened) as file:
        names = [f"{kind}/{name}" for kind in sorted(file) for name in sorted(file[kind])]
    return blocks + [(name.replace("/", "_"), whitened, name, 7.0) for name in names]


def read_real(path, name):
    with h5py.File(path) as file:
        return np.asarray(file[name or "strain/Strain"][()], dtype=np.float64)


REAL = real_blocks()
FEW = REAL[1:8:4] + REAL[8::12] or [("none", None, None, None)]


@pytest.mark.parametrize("block", FEW, ids=lambda block: block[0])
def test_real_strain_against_gwpy(gwpy, block):
    if not REAL:
        pytest.skip("../shared/data/strain is not here")
    _, path, name, centre = block
    assert_same_as_gwpy(read_real(path, name), RATE, centre, whitened=name is not None)


@pytest.mark.long
def test_all_real_strain_against_gwpy(gwpy):
    if not REAL:
        pytest.skip("../shared/data/strain is not here")
    figures = [
        assert_same_as_gwpy(read_real(path, name), RATE, centre, whitened=name is not None)
        for _, path, name, centre in REAL
    ]
    correlation, worst = np.array(figures).T
    print(f"\n{len(figures)} blocks: correlation >= {correlation.min():.9f}, 99th percentile <= {worst.max():.2g}")
    assert len(figures) == 44


@pytest.mark.long
def test_pictures_of_real_strain_against_gwpy_s_energies(gwpy):
    """The quick path, with its subsampled medians: the bar is half a unit of energy at the 99th percentile."""
    if not REAL:
        pytest.skip("../shared/data/strain is not here")
    worst = []
    for _, path, name, centre in REAL:
        x, whitened = read_real(path, name), name is not None
        options = {"whitened": whitened, "frequency_range": (10.0, gwpy_upper_frequency(RATE)), "durations": (4.0,)}
        scan = q_scan(x[None], RATE, [centre], **options)
        theirs = gwpy_q_transform(x, RATE, centre, whitened=whitened)
        columns = np.floor((qtransform_columns(4.0) + 2) / 0.002 + 1e-6).astype(int)
        rows = ((row_frequencies(options["frequency_range"]) - 10) / 0.5).round().astype(int)
        shown = np.clip(theirs.value[np.ix_(columns, rows)].T, 0, 25.5)
        difference = np.abs(scan.energies[0, 0].numpy() - shown)
        assert np.corrcoef(shown.ravel(), scan.energies[0, 0].numpy().ravel())[0, 1] > 0.999
        worst.append(np.percentile(difference, 99))
        their_q, peak = gwpy_loudest(x, RATE, centre, whitened=whitened)
        assert (float(scan.q[0]), centre + float(scan.time[0]), float(scan.frequency[0])) == pytest.approx(
            (their_q, peak["time"], peak["frequency"])
        )
    print(
        f"\n{len(worst)} pictures: 99th percentile of the difference {np.median(worst):.3f}, at most {max(worst):.3f}"
    )
    assert max(worst) < 0.5


def qtransform_columns(span):
    """Times of the centres of the published picture's columns, s from its middle."""
    return ((np.arange(PUBLISHED_SHAPE[1]) + 1.5) / (620 / 1.08) - 0.5) * span


# Pictures


def published_image(spectrogram):
    """Draw a spectrogram as Gravity Spy's pipeline does: 8 x 6 inches at 100 dpi, log axis, colour bar."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt
    from mpl_toolkits.axes_grid1 import make_axes_locatable

    figure = spectrogram.plot(figsize=[8, 6])
    axes = figure.gca()
    axes.set_position([0.125, 0.1, 0.775, 0.8])
    axes.set_yscale("log", base=2)
    axes.set_xscale("linear")
    axes.grid(visible=False)
    axes.set_ylim([10, 2048])
    bar = make_axes_locatable(axes).append_axes("right", size="5%", pad="3%")
    figure.colorbar(cax=bar, cmap="viridis", label="Normalized energy", clim=[0, 25.5])
    out = io.BytesIO()
    figure.savefig(out, dpi=100)
    plt.close(figure)
    return np.asarray(Image.open(out).convert("RGB"))


def test_views_are_the_published_picture_pixel_for_pixel(gwpy):
    import matplotlib as mpl

    rate, seconds = 16384, 8
    t = np.arange(seconds * rate) / rate - seconds / 2
    x = noise(seconds, rate) + 12 * np.exp(-((t / 0.02) ** 2)) * np.sin(2 * np.pi * (150 * t + 2000 * t**2))
    x += 5 * np.exp(-((t / 0.6) ** 2)) * np.sin(2 * np.pi * 40 * t)
    ours = q_scan(x[None], rate, durations=(0.5, 4.0), median_tiles=None).energies[0].numpy()
    theirs = gwpy_q_transform(x, rate, seconds / 2, whitened=False)
    for view, duration in zip(ours, (0.5, 4.0), strict=True):
        image = published_image(theirs.crop(seconds / 2 - duration / 2, seconds / 2 + duration / 2))
        colours = np.floor(mpl.colormaps["viridis"](np.arange(256))[:, :3] * 255 + 0.5)  # as its canvas rounds them
        index = {tuple(colour): level for level, colour in enumerate(colours.astype(int).tolist())}
        inside = image[64:537, 104:671].reshape(-1, 3).tolist()  # the frame's line blends into the outermost pixels
        levels = np.array([index.get(tuple(colour), -1) for colour in inside]).reshape(473, 567)
        expected = np.floor(view[3:-3, 3:-3] * (256 / 25.5)).clip(0, 255)
        assert (levels == expected).mean() > 0.985  # some columns fall on the next cell by rounding in matplotlib


def test_a_planted_signal_is_where_it_should_be():
    t = np.arange(16 * RATE) / RATE
    x = noise(16, seed=3) + sine_gaussian(t, 8.3, 200, 12, 8)
    scan = q_scan(x[None], RATE, [8.2], whitened=True, shape=SHAPE)
    assert float(scan.time) == pytest.approx(0.1, abs=0.01)
    assert float(scan.frequency) == pytest.approx(200, rel=0.05)
    assert float(scan.snr**2 / 2) == pytest.approx(float(scan.energy))
    for view, duration in zip(scan.energies[0], (0.5, 1.0, 2.0, 4.0), strict=True):
        row, column = np.unravel_index(int(view.argmax()), SHAPE)
        expected_row = math.log2(2048 / 200) / math.log2(204.8) * SHAPE[0]
        expected_column = (0.1 / duration + 0.5) * SHAPE[1]
        saturated = (view > 25).nonzero().double().mean(0)
        assert abs(float(saturated[0]) - expected_row) < 3, (row, expected_row)
        assert abs(float(saturated[1]) - expected_column) < 2.5, (column, expected_column)


def test_only_the_search_window_picks_the_plane():
    """A quarter of a second on each side: what lies there wins over something louder that lies beyond."""
    t = np.arange(16 * RATE) / RATE
    for near, beyond in ((-0.2, 0.35), (0.2, -0.35)):
        x = noise(16, seed=3) + sine_gaussian(t, 8 + near, 500, 40, 5) + sine_gaussian(t, 8 + beyond, 100, 6, 9)
        scan = q_scan(x[None], RATE, [8.0], whitened=True, shape=SHAPE)
        assert float(scan.time) == pytest.approx(near, abs=0.02)
        assert float(scan.frequency) == pytest.approx(500, rel=0.05)
        assert float(scan.q) > 20
        wide = q_transform(x, RATE, 8.0, [8.0], [100.0], whitened=True, search=1.0)
        assert wide[2][0] - 8 == pytest.approx(beyond, abs=0.02)


def test_noise_alone_has_median_one_and_mean_log():
    """Energies of Gaussian noise are exponential; divided by the median their mean is 1 / ln 2."""
    scan = q_scan(np.stack([noise(16, seed=s) for s in range(6)]), RATE, whitened=True, shape=SHAPE, durations=(4.0,))
    assert float(scan.energies.mean()) == pytest.approx(1 / math.log(2), rel=0.05)


@settings(max_examples=6, deadline=None)
@given(st.floats(1e-24, 1e3))
def test_scale_does_not_matter(scale):
    x = noise(8, seed=4)
    one = q_scan(x[None], RATE, shape=(24, 28)).energies
    other = q_scan(scale * x[None], RATE, shape=(24, 28)).energies
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


def test_chunks_threads_and_company_do_not_matter():
    x = np.stack([coloured(14, seed=s) for s in range(5)])
    centres = [7.0, 3.1, 6.5, 7.7, 10.9]  # the second and the last take the whole block's path
    alone = torch.cat([q_scan(x[i : i + 1], RATE, centres[i : i + 1], shape=SHAPE, chunk=1).energies for i in range(5)])
    threads = torch.get_num_threads()
    try:
        for count, chunk in ((1, 2), (2, None), (3, 5)):
            torch.set_num_threads(count)
            assert torch.equal(q_scan(x, RATE, centres, shape=SHAPE, chunk=chunk).energies, alone)
            assert torch.get_num_threads() == count
            with ThreadPoolExecutor(1) as pool:  # nor is the default of threads to come changed
                assert pool.submit(torch.get_num_threads).result() == count
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(q_views(x, RATE, centres, shape=SHAPE), quantise(alone))


def test_quick_path_is_near_the_exact_one():
    x = np.stack([coloured(32, seed=s) for s in range(3)])
    quick = q_scan(x, RATE, [16.0, 9.7, 20.0])
    exact = q_scan(x, RATE, [16.0, 9.7, 20.0], median_tiles=None)
    for name in ("q", "time", "frequency"):
        assert torch.equal(getattr(quick, name), getattr(exact, name))
    torch.testing.assert_close(quick.energy, exact.energy, rtol=0.005, atol=0)
    assert (
        float((quick.energies - exact.energies).abs().flatten().kthvalue(int(0.99 * quick.energies.numel())).values)
        < 0.2
    )


def test_local_tiles_are_the_whole_block_s():
    """Tiles from the seconds around the trigger, beside tiles from the whole block."""
    x = np.stack([noise(32, seed=5)])
    faded = np.fft.rfft(x)
    faded[:, int(0.9 * faded.shape[1]) :] = 0  # nothing where windows are cut at Nyquist
    x = np.fft.irfft(faded)
    planes = q_tiling(32.0, (4.0, 64.0), (10.0, 2048.0))
    exact = q_scan(x, RATE, whitened=True, median_tiles=None, durations=(4.0,)).energies[0, 0]
    whole = analyse(
        [whole_source(torch.from_numpy(x).float())],
        planes,
        torch.tensor([16.0]).double(),
        kept=1,
        search=0.5,
        median_tiles=None,
    )
    picture = draw(whole.tiles[0], 16.0, Layout((4.0,), (10.0, 2048.0), 2048.0, PUBLISHED_SHAPE))[0]
    assert float((exact - picture)[100:].abs().max()) < 0.02  # rows below 680 Hz or so: far from that edge


def test_above_nyquist():
    """At 4096 Hz the picture is that of the same strain at 16384 Hz with nothing above 2048 Hz; at 2048 Hz its top is zero."""
    x = noise(8, seed=6)
    spectrum = np.fft.rfft(x)
    spectrum[-1] = 0
    finer = np.fft.irfft(np.concatenate([spectrum, np.zeros(3 * (len(spectrum) - 1))]), n=4 * len(x))
    same = np.fft.irfft(spectrum, n=len(x))
    options = {"whitened": True, "shape": SHAPE, "median_tiles": None}
    torch.testing.assert_close(
        q_scan(same[None], RATE, **options).energies,
        q_scan(finer[None], 4 * RATE, **options).energies,
        rtol=0.01,
        atol=0.01,
    )
    coarse = q_scan(noise(8, 2048)[None], 2048, whitened=True).energies[0, 0]
    above = torch.from_numpy(row_frequencies((10.0, 2048.0)) >= 1024)
    assert float(coarse[above].abs().max()) == 0
    assert float(coarse[~above].max(1).values.min()) > 0


def test_quantise():
    energies = torch.tensor([-1.0, 0.0, 0.04, 0.06, 1.0, 25.4, 25.5, 90.0])
    assert quantise(energies).tolist() == [0, 0, 0, 0, 10, 254, 255, 255]
    import matplotlib as mpl

    viridis = mpl.colormaps["viridis"]  # the oracle: the colours that matplotlib draws
    drawn = viridis(energies.numpy().clip(0) / 25.5, bytes=True)
    assert np.array_equal(drawn, viridis(quantise(energies).numpy(), bytes=True))


def test_what_cannot_be_transformed():
    x = noise(8)
    with pytest.raises(InputError, match=r"trigger 1 lies 2.5 s into a block of 8 s, but 3 s are needed"):
        q_scan(np.stack([x, x]), RATE, [4.0, 2.5])
    with pytest.raises(InputError, match="3 centres for 1 blocks"):
        q_scan(x[None], RATE, [4.0, 4.0, 4.0])
    with pytest.raises(InputError, match=r"not within 1..479"):
        q_scan(x[None], RATE, shape=(600, 100))
    with pytest.raises(InputError, match="Q range"):
        q_scan(x[None], RATE, q_range=(64.0, 4.0))
    with pytest.raises(InputError, match="frequency range"):
        q_scan(x[None], RATE, frequency_range=(0.0, 100.0))
    with pytest.raises(InputError, match=r"cannot resolve 0.1 Hz"):
        q_scan(x[None], RATE, frequency_range=(0.1, 100.0))
    with pytest.raises(InputError, match="is zero, or zero over most of it"):
        q_scan(np.zeros((1, 8 * RATE)), RATE, whitened=True)
    with pytest.raises(InputError, match="takes one block"):
        q_transform(x[None], RATE, 4.0, [4.0], [100.0])


@pytest.mark.gpu
def test_gpu_gives_the_cpu_s_views():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = np.stack([coloured(16, seed=s) for s in range(3)])
    cpu, gpu = (q_scan(x, RATE, shape=SHAPE, device=device) for device in ("cpu", "cuda"))
    assert torch.equal(cpu.q, gpu.q.cpu())
    torch.testing.assert_close(cpu.energies, gpu.energies.cpu(), rtol=1e-3, atol=1e-3)


def test_source_is_what_tiles_are_read_from():
    """A source that is half the block serves rows by width: the narrow ones still come from the whole block."""
    x = torch.from_numpy(noise(32, seed=7)).float()[None]
    (plane,) = q_tiling(32.0, (20.0, 20.0), (10.0, 1000.0))
    whole = whole_source(x)
    half = Source(whole_source(x[:, : 16 * RATE]).spectrum * 2, 2, (0.0,), 8.0)
    groups = plane_tiles([whole, half], plane)
    spans = {row: g.energies.shape[-1] / g.rate for g in groups for row in g.rows}
    assert sorted(spans) == list(range(len(plane.frequencies)))
    assert all(span == (16 if plane.half_width(row) >= 8 else 32) for row, span in spans.items())
