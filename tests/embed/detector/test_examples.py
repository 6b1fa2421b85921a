"""Labelled segments: the same by number, balanced, and what the options say."""

import numpy as np
import pytest

from embed.detector.examples import Examples
from embed.detector.options import DetectorOptions, SourceOptions
from embed.detector.thirdclass import GLITCH_FAMILIES, shown_families
from embed.errors import InputError

OPTIONS = SourceOptions(waveform="bundled", masses=(30.0, 60.0))


def test_an_example_depends_on_the_options_the_seed_and_its_number_alone():
    one, other = Examples(OPTIONS, 1), Examples(OPTIONS, 1)
    other.batch(range(100, 104))
    whole = one.batch(range(60, 70))
    part = other.batch([65, 64])
    assert whole.strain.dtype == np.float32
    assert whole.strain.shape == (10, 2, 2048)
    assert np.array_equal(part.strain, whole.strain[[5, 4]])
    assert np.array_equal(part.labels, whole.labels[[5, 4]])
    assert len(np.unique(whole.strain[:, 0, 0])) == 10  # no two alike
    assert not np.array_equal(Examples(OPTIONS, 2).batch([65]).strain, part.strain[:1])


def test_classes_are_balanced_and_the_truth_is_told():
    batch = Examples(OPTIONS, 1).batch(range(192))
    assert abs(batch.labels.mean() - 0.5) < 0.12
    signals = batch.labels == 1
    assert ((batch.network_snr[signals] >= 5) & (batch.network_snr[signals] <= 20)).all()
    assert (batch.network_snr[~signals] == 0).all()
    assert np.isnan(batch.distance[~signals]).all()
    assert [binary is not None for binary in batch.binaries] == signals.tolist()


def test_signals_are_put_at_distances():
    examples = Examples(OPTIONS, 1)
    near = examples.batch(range(3), label="signal", distance=lambda _: 100.0)
    far = examples.batch(range(3), label="signal", distance=lambda _: 400.0)
    assert near.snr == pytest.approx(4 * far.snr)


def test_a_glitch_is_in_one_detector_with_a_familys_name():
    examples = Examples(SourceOptions(glitches=True, waveform="bundled"), 1)
    numbers = range(12)
    made, quiet = examples.batch(numbers, label="glitch"), examples.batch(numbers, label="noise")
    for row, family in enumerate(made.families):
        assert family in GLITCH_FAMILIES
        changed = (made.strain[row] != quiet.strain[row]).any(axis=1)
        assert changed.sum() == 1
        assert (made.snr[row] > 0).tolist() == changed.tolist()
        shape = (made.strain[row] - quiet.strain[row])[changed]
        assert np.sqrt(np.sum(shape**2)) > 0.05 * made.snr[row].max()  # none above the band, which nobody could see
    assert "Chirp" not in GLITCH_FAMILIES
    assert np.array_equal(made.strain, Examples(examples.options, 1).batch(numbers, label="glitch").strain)


def test_classes_that_are_left_out_are_never_drawn_and_the_others_all_are():
    kept = ("Blip", "Koi_Fish", "Tomte")
    without = tuple(name for name in GLITCH_FAMILIES if name not in kept)
    options = SourceOptions(glitches=True, without=without, waveform="bundled")
    drawn = Examples(options, 1).batch(range(40), label="glitch").families
    assert set(drawn) == set(kept)
    assert shown_families(without) == tuple(name for name in GLITCH_FAMILIES if name in kept)
    assert SourceOptions.from_facts(options.facts()) == options
    assert "without" not in SourceOptions().facts()  # as in the cards of earlier versions


def test_a_class_that_cannot_be_left_out_is_named():
    with pytest.raises(InputError, match=r"--without Chirp: no such class of glitches; there are .*Blip"):
        Examples(SourceOptions(glitches=True, without=("Chirp",)), 1)
    with pytest.raises(InputError, match="--without: no class of glitches would be left; leave out --glitches"):
        shown_families(GLITCH_FAMILIES)
    unseen = tuple(name for name in GLITCH_FAMILIES if name != "1400Ripples")
    with pytest.raises(InputError, match="2048 Hz shows no 1400Ripples; leave fewer classes out by --without, or"):
        Examples(SourceOptions(glitches=True, without=unseen), 1).batch([0], label="glitch")


@pytest.mark.parametrize(("rate", "seconds"), [(4096, 1.0), (2048, 4.0)])
def test_other_rates_and_lengths(rate, seconds):
    options = SourceOptions(ifos=("L1",), sample_rate=rate, seconds=seconds, waveform="bundled", masses=(30, 60))
    batch = Examples(options, 0).batch(range(2), label="signal")
    assert batch.strain.shape == (2, 1, round(rate * seconds))
    assert batch.network_snr.min() >= 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ifos": ("V1",)}, "--ifos V1: give H1 or L1, or both"),
        ({"ifos": ("H1", "H1")}, "--ifos H1 H1: give H1 or L1, or both"),
        ({"sample_rate": 1000}, "--rate 1000 is none of 2048, 4096 Hz"),
        ({"seconds": 8.0}, "--seconds 8: give 1 to 4"),
        ({"noise": ("design", "folder")}, "--noise design folder: give design, or files or folders"),
        ({"masses": (50.0, 10.0)}, "--masses 50 10: give two rising numbers from 3 to 200 solar masses"),
        ({"snr": (0.0, 0.0)}, "--snr 0 0: signals of no loudness are noise; give a greatest one above 0"),
        ({"snr": (5.0, 5000.0)}, "--snr 5 5000: give two rising numbers from 0 to 1000"),
        ({"placement": (0.9, 1.1)}, "--placement 0.9 1.1: give two rising numbers from 0 to 1 of the segment"),
        ({"without": ("Blip",)}, "--without Blip: no glitches are shown anyway; add --glitches"),
        ({"spin": 1.0}, "--spin 1: give 0 to 0.99"),
        ({"waveform": "SEOBNR"}, "--waveform 'SEOBNR' is none of auto, IMRPhenomD, bundled"),
        ({"waveform": "bundled", "spin": 0.5}, "--spin 0.5: the bundled waveform has no spins"),
    ],
)
def test_options_out_of_range_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        SourceOptions(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "vgg"}, "--network 'vgg' is none of gabbard, tworow, resnet"),
        ({"batch": 1}, "--batch 1: give at least 2"),
        ({"examples": 10}, "--examples 10 is less than one batch of 64"),
        ({"learning_rate": 2.0}, "--lr 2.0 is not between 0 and 1; 0.001 is usual"),
        ({"dropout": 1.0}, "--dropout 1.0 is not from 0 to below 1"),
        ({"curriculum": 2.0}, "--curriculum 2.0 is not from 0 to 1"),
        ({"patience": 99}, "--patience 99: give 0 to 50, the checks of a training"),
        ({"precision": "half"}, "--precision 'half' is none of auto, float32, bfloat16"),
    ],
)
def test_options_of_a_training_out_of_range_are_refused(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        DetectorOptions(out=tmp_path, **changes)


def test_a_class_that_is_none_is_refused():
    with pytest.raises(InputError, match="no class 'burst'; give noise, signal, glitch"):
        Examples(OPTIONS, 1).batch([0], label="burst")
