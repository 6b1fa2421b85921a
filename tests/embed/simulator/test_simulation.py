"""Simulated studies: bytes, folders, tables, strain, and what an ingester and a scanner make of them."""

import hashlib
import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from embed.errors import InputError
from embed.gravityspy import DURATIONS
from embed.qtransform.picture import quantise
from embed.qtransform.transform import q_scan
from embed.simulator import NONE_OF_THE_ABOVE, SAMPLE_RATE, Population, simulate, simulate_batch
from embed.simulator import simulation as study_module
from embed.simulator.injection import detector, whitened_block
from embed.simulator.noise import coloured_spectrum
from embed.views.viridis import levels_of_colours

SMALL = {"shape": (64, 64)}


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("sim") / "out"
    ticks = []
    simulate(out, 20, 11, hidden=("Reverse_Chirp",), label_noise=0.3, progress=lambda done, n: ticks.append((done, n)))
    return out, ticks


def test_same_seed_same_bytes_whatever_the_threads(made, tmp_path):
    torch.set_num_threads(1)
    simulate(tmp_path / "again", 20, 11, hidden=("Reverse_Chirp",), label_noise=0.3)
    assert digests(tmp_path / "again") == digests(made[0])


def test_another_seed_other_bytes(made, tmp_path):
    simulate(tmp_path / "other", 3, 12, **SMALL)
    assert not set(digests(tmp_path / "other").values()) & set(digests(made[0]).values())


def test_batches_do_not_matter(monkeypatch):
    population = Population(5, 3, classes=("Blip", "Whistle"))
    whole = simulate_batch(population, **SMALL)
    monkeypatch.setattr(study_module, "BATCH", 2)
    parts = simulate_batch(population, **SMALL)
    assert np.array_equal(whole.levels, parts.levels)
    assert [entry.gravityspy_id for entry in whole.entries] == [entry.gravityspy_id for entry in parts.entries]


def test_parts_are_the_bytes_of_the_whole():
    population = Population(7, 3, classes=("Blip", "Koi_Fish"))
    whole = simulate_batch(population, **SMALL)
    ticks = []
    parts = [
        simulate_batch(population, numbers=numbers, progress=lambda done, every: ticks.append((done, every)), **SMALL)
        for numbers in (range(3), range(3, 7))
    ]
    assert np.array_equal(whole.levels, np.concatenate([part.levels for part in parts]))
    assert [entry.index for entry in parts[1].entries] == [3, 4, 5, 6]
    assert ticks == [(3, 3), (4, 4)]
    for numbers in (range(5, 8), range(-1, 2), range(0)):
        with pytest.raises(InputError, match=r"numbers range.* are not within 0 to 6, those of the population's"):
            simulate_batch(population, numbers=numbers, **SMALL)


def test_folder_tables_and_pictures_agree(made):
    out, ticks = made
    truth = pd.read_csv(out / "truth.csv", dtype={"id": str})
    metadata = pd.read_csv(out / "metadata.csv", dtype={"gravityspy_id": str})
    assert list(truth.id) == list(metadata.gravityspy_id)
    assert len(truth) == 20
    assert ticks == [(20, 20)]
    assert (metadata.event_time - metadata.peak_time - 1e-9 * metadata.peak_time_ns).abs().max() < 2e-6
    for row in truth.itertuples():
        for duration in DURATIONS:
            path = out / row.label / f"{row.ifo}_{row.id}_spectrogram_{duration}.png"
            image = Image.open(path)
            assert image.size == (287, 240)
            levels = np.asarray(image)  # the palette index is the level
            back = levels_of_colours(np.asarray(image.convert("RGBA")))
            assert np.abs(back.astype(int) - levels).max() <= 1  # viridis repeats two of its colours
        assert json.loads(row.parameters)["snr"] == pytest.approx(row.snr, rel=1e-3)
    assert len(list(out.rglob("*.png"))) == 80
    loud = truth.snr > 12
    assert np.corrcoef(np.log(truth.snr[loud]), np.log(metadata.snr[loud]))[0, 1] > 0.8


def test_an_ingester_reads_it_as_gravity_spy_s(made, tmp_path):
    from embed.ingest.folders import ingest_folder
    from embed.study.study import Study

    out, _ = made
    truth = pd.read_csv(out / "truth.csv", dtype={"id": str}).set_index("id")
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            report = ingest_folder(study, out)
        assert (report.glitches, report.views) == (20, 80)
        assert {skip.path.rsplit("/", 1)[-1] for skip in report.skipped} == {"truth.csv", "metadata.csv"}
        glitches = study.glitches()
        assert dict(zip(glitches.gravityspy_id, glitches.label, strict=True)) == dict(truth.label)


def test_views_show_the_glitch_at_the_snr_it_was_given():
    glitches = simulate_batch(Population(24, 5, classes=("Blip",)), durations=(1.0,), **SMALL)
    wanted = np.array([injection.tile.snr for injection in glitches.injections])
    assert np.median(glitches.snr / wanted) == pytest.approx(1.15, abs=0.15)  # energies are relative to the median
    middle = glitches.levels[:, 0, :, 28:36].max((1, 2)).astype(float)
    assert np.median(middle) > 200


def test_short_block_looks_as_gravity_spy_s_whole_recipe_does():
    """16 s whitened by the known spectrum, against 64 s of strain whitened by its own: the same speckle."""
    rng = np.random.default_rng(0)
    short, long = detector("L1"), detector("L1", seconds=64.0)
    shortcut = np.stack([whitened_block(np.zeros_like(short.noise.psd, complex), short, rng) for _ in range(8)])
    strain = np.stack([np.fft.irfft(coloured_spectrum(long.noise, SAMPLE_RATE, rng)) for _ in range(8)])
    scans = [
        q_scan(shortcut, float(SAMPLE_RATE), whitened=True, durations=(4.0,), q_range=(11.0, 12.0), shape=(120, 143)),
        q_scan(strain, float(SAMPLE_RATE), durations=(4.0,), q_range=(11.0, 12.0), shape=(120, 143)),
    ]
    ours, theirs = (scan.energies.numpy()[:, 0].reshape(8, 6, -1) for scan in scans)
    for band in range(6):  # a sixth of the picture's height, 1.3 octaves
        assert ours[:, band].mean() == pytest.approx(theirs[:, band].mean(), rel=0.08)
        one, two = np.percentile(ours[:, band], (50, 90, 99)), np.percentile(theirs[:, band], (50, 90, 99))
        assert np.abs(np.log(one / two)).max() < 0.15


def test_strain_output_is_strain_with_the_glitch_at_its_time(tmp_path):
    gwpy = pytest.importorskip("gwpy.timeseries")
    simulate(tmp_path / "strain", 2, 2, classes=("Koi_Fish",), output="strain")
    truth = pd.read_csv(tmp_path / "strain" / "truth.csv")
    for row in truth.itertuples():
        series = gwpy.TimeSeries.read(tmp_path / "strain" / f"{row.ifo}_{row.id}.hdf5", format="hdf5.gwosc")
        assert series.duration.value == 64
        assert series.sample_rate.value == SAMPLE_RATE
        centre = row.gps - series.t0.value
        scan = q_scan(series.value[None], float(SAMPLE_RATE), [centre], durations=(1.0,), shape=(64, 64))
        assert abs(float(scan.time[0])) < 0.05
        assert float(scan.snr[0]) > 0.6 * row.snr
        assert quantise(scan.energies).max() == 255


def test_noise_from_files_and_only_their_detector(tmp_path):
    simulate(tmp_path / "strain", 3, 2, classes=("No_Glitch",), output="strain")
    files = sorted((tmp_path / "strain").glob("L1*.hdf5")) or sorted((tmp_path / "strain").glob("*.hdf5"))
    ifos = {path.name[:2] for path in files}
    population = simulate(tmp_path / "out", 4, 1, classes=("Blip",), noise=files, **SMALL)
    assert set(population.ifos) == ifos
    assert set(pd.read_csv(tmp_path / "out" / "truth.csv").ifo) <= ifos


def test_what_cannot_be_done(tmp_path, made):
    with pytest.raises(InputError, match="not an empty folder"):
        simulate(made[0], 1, 0)
    with pytest.raises(InputError, match="neither 'design' nor"):
        simulate_batch(Population(1, 0), noise="desing")
    with pytest.raises(InputError, match="no strain files"):
        simulate(tmp_path / "x", 1, 0, noise=[])


def test_noise_has_mean_one_or_median_one_as_asked():
    means = {}
    for normalisation in ("mean", "median"):
        population = Population(6, 4, classes=("No_Glitch",), normalisation=normalisation)
        levels = simulate_batch(population, durations=(4.0,), shape=(240, 287)).levels[:, 0, 20:120]
        means[normalisation] = levels.mean() / 10
    assert means["mean"] == pytest.approx(1.0, abs=0.07)
    assert means["median"] == pytest.approx(1 / np.log(2), abs=0.1)


def test_the_normalisation_is_applied_ahead_of_the_clip():
    """What saturates relative to the median may still show its peak relative to the mean, as in the published pictures."""
    rng = np.random.default_rng(0)
    t = np.arange(16 * 4096) / 4096 - 8
    loud = rng.standard_normal(len(t)) + 3.5 * np.exp(-((t / 0.02) ** 2)) * np.sin(2 * np.pi * 200 * t)
    both = q_scan(np.stack([loud, loud]), 4096.0, whitened=True, durations=(0.5,), scale=[1, np.log(2)])
    by_median, by_mean = both.energies[:, 0]
    assert by_median.max() == pytest.approx(25.5)
    unclipped = by_median < 25
    assert torch.allclose(by_mean[unclipped], np.log(2) * by_median[unclipped], rtol=1e-3, atol=1e-4)
    assert np.log(2) * 25.5 < by_mean.max() <= 25.5


def test_none_of_the_above_is_a_mixture():
    glitches = simulate_batch(Population(12, 1, classes=(NONE_OF_THE_ABOVE,)), durations=(4.0,), **SMALL)
    assert {entry.truth for entry in glitches.entries} == {NONE_OF_THE_ABOVE}
    assert len({entry.family.name for entry in glitches.entries}) >= 4


@pytest.mark.long
def test_memory_is_flat(tmp_path):
    """The 96 further glitches are 26 MB of levels and 50 MB of strain, were they kept."""
    peaks = []
    for n in (48, 144):
        tracemalloc.start()
        simulate(tmp_path / str(n), n, 1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 20e6


@pytest.mark.parametrize("output", ["images", "strain"])
def test_a_killed_simulation_goes_on_and_ends_with_the_same_bytes(tmp_path, monkeypatch, output):
    """Killed between parts, in mid-line, before the tables have their names, and between the two names."""
    monkeypatch.setattr("embed.simulator.folder.PICTURES", 2)
    monkeypatch.setattr("embed.simulator.folder.STRAINS", 2)
    options = {"classes": ("Blip", "Whistle"), "output": output, **SMALL}
    simulate(tmp_path / "whole", 5, 3, **options)

    class Killed(Exception):  # noqa: N818 - no error of ours
        pass

    def kill_at(stop):
        def progress(done, whole):
            assert whole == 5
            if done >= stop:
                raise Killed

        return progress

    out = tmp_path / "killed"
    with pytest.raises(Killed):
        simulate(out, 5, 3, progress=kill_at(3), **options)
    assert not (out / "truth.csv").exists()
    with (out / "truth.csv.unfinished").open("ab") as file:
        file.write(b"half a line")
    with pytest.raises(
        InputError, match=r"holds unfinished work of other options .* give the same ones to go on, or name a new folder"
    ):
        simulate(out, 6, 3, **options)
    done = []
    simulate(out, 5, 3, progress=lambda count, _: done.append(count), **options)
    assert done[0] > 1
    assert digests(out) == digests(tmp_path / "whole")
    (out / "unfinished.json").write_text("[1]")
    (out / "metadata.csv").rename(out / "metadata.csv.unfinished")
    simulate(out, 5, 3, **options)
    assert digests(out) == digests(tmp_path / "whole")
