"""Populations: times, detectors, rates, onsets, hidden families and label errors."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.errors import InputError
from embed.gravityspy import ERAS
from embed.simulator import (
    CLASSES,
    CONFUSABLE,
    DEMO_HIDDEN,
    FAMILIES,
    NONE_OF_THE_ABOVE,
    UNCATALOGUED,
    Population,
    demo_population,
)
from embed.simulator.rates import O1_SPAN, O1_WEEKS

SPAN = (1126400000.0, 1126400000.0 + 30 * 86400.0)


def entries(**options):
    population = Population(**{"n": 1500, "seed": 3, "span": SPAN, **options})
    return population, [population.entry(k) for k in range(population.n)]


def test_times_ascend_within_the_span_and_ids_are_gravity_spy_s():
    _, drawn = entries()
    gps = [entry.gps for entry in drawn]
    assert gps == sorted(gps)
    assert SPAN[0] <= gps[0]
    assert gps[-1] <= SPAN[1]
    ids = {entry.gravityspy_id for entry in drawn}
    assert len(ids) == len(drawn)
    assert all(len(i) == 10 and i.isalnum() for i in ids)


def test_default_span_lies_in_o1():
    start, stop = Population(1, 0).span
    assert ERAS["O1"][0] <= start < stop <= ERAS["O1"][1]


@given(st.integers(0, 10**6), st.integers(0, 49))
@settings(max_examples=30, deadline=None)
def test_an_entry_does_not_depend_on_the_others(seed, index):
    population = Population(50, seed)
    alone = population.entry(index)
    for other in range(5):
        population.entry(other)
    assert population.entry(index) == alone


def test_seeds_differ():
    assert Population(9, 1).entry(4).gravityspy_id != Population(9, 2).entry(4).gravityspy_id


def test_onset_is_kept_and_the_class_does_appear():
    onset = SPAN[0] + 15 * 86400.0
    _, drawn = entries(onset={"Whistle": onset})
    times = [entry.gps for entry in drawn if entry.truth == "Whistle"]
    assert len(times) > 20
    assert min(times) >= onset


def test_rates_follow_the_catalogue_and_change_in_time():
    population, drawn = entries(n=4000)
    counts = Counter(entry.truth for entry in drawn)
    assert counts["Blip"] > 2 * counts["Helix"]
    rates = np.array([population.rates(t) for t in np.linspace(*SPAN, 50)])
    assert np.allclose(rates.sum(1), 1)
    assert (rates.max(0) > 1.2 * rates.min(0)).all()
    expected = rates.mean(0) * 4000
    for name, want in zip(population.drawn, expected, strict=True):
        assert abs(counts[name] - want) < 5 * np.sqrt(want) + 0.15 * want


def test_equal_rates_are_equal():
    population, drawn = entries(equal=True, n=2400)
    counts = Counter(entry.truth for entry in drawn)
    assert max(abs(counts[name] - 100) for name in population.drawn) < 50


def test_detectors_follow_the_families():
    _, drawn = entries(classes=("1080Lines", "Whistle", "Koi_Fish"), n=900)
    at = Counter((entry.truth, entry.ifo) for entry in drawn)
    assert at["1080Lines", "H1"] > 20 * max(1, at["1080Lines", "L1"])
    assert at["Whistle", "L1"] > 10 * at["Whistle", "H1"]
    assert at["Koi_Fish", "H1"] > 0.4 * (at["Koi_Fish", "H1"] + at["Koi_Fish", "L1"])


def test_hidden_families_are_labelled_none_of_the_above():
    hidden = ("Reverse_Chirp", "Harmonic_Comb")
    population, drawn = entries(hidden=hidden)
    for entry in drawn:
        if entry.truth in hidden:
            assert entry.label == NONE_OF_THE_ABOVE
            assert entry.family.name == entry.truth
        elif entry.truth == NONE_OF_THE_ABOVE:
            assert entry.family.name in set(UNCATALOGUED) - set(hidden)
            assert entry.label == NONE_OF_THE_ABOVE
        else:
            assert entry.label == entry.truth == entry.family.name
    assert population.labels == CLASSES


def test_wrong_labels_come_at_their_rate_and_mostly_on_confusable_classes():
    _, drawn = entries(label_noise=0.1, n=6000)
    wrong = [entry for entry in drawn if entry.label != entry.truth]
    assert abs(len(wrong) / 6000 - 0.1) < 4 * np.sqrt(0.09 / 6000)
    near = np.mean([entry.label in CONFUSABLE[entry.truth] for entry in wrong])
    assert 0.8 < near < 0.95
    blips = Counter(entry.label for entry in wrong if entry.truth == "Blip")
    assert blips.most_common(1)[0][0] == CONFUSABLE["Blip"][0]
    assert all(entry.label in CLASSES for entry in wrong)


def test_wrong_labels_do_not_move_anything_else():
    _, clean = entries(n=200)
    _, noisy = entries(n=200, label_noise=0.5)
    assert [(e.gps, e.truth, e.gravityspy_id) for e in clean] == [(e.gps, e.truth, e.gravityspy_id) for e in noisy]


def test_demo_has_three_families_to_find_and_one_class_half_way():
    population = demo_population()
    drawn = [population.entry(k) for k in range(population.n)]
    counts = Counter(entry.truth for entry in drawn)
    right = [NONE_OF_THE_ABOVE if entry.truth in DEMO_HIDDEN else entry.truth for entry in drawn]
    wrong = [entry.label != label for entry, label in zip(drawn, right, strict=True)]
    assert 0.04 < sum(wrong) / len(drawn) < 0.06
    hidden = [is_wrong for entry, is_wrong in zip(drawn, wrong, strict=True) if entry.truth in DEMO_HIDDEN]
    assert sum(hidden) < 0.1 * len(hidden)
    assert min(counts[name] for name in DEMO_HIDDEN) >= 30
    assert len(set(population.labels)) == 27
    assert min(counts.values()) >= 8
    first = min(entry.gps for entry in drawn if entry.truth == "Fast_Scattering")
    assert first >= sum(population.span) / 2
    assert counts["Fast_Scattering"] >= 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "0 glitches"),
        ({"classes": ()}, "no class"),
        ({"classes": ("Blip", "Glip")}, "'Glip' cannot be simulated"),
        ({"label_noise": 1.5}, "label noise 1.5"),
        ({"label_noise": 0.1, "classes": ("Blip",)}, "at least two labels"),
        ({"onset": {"Glip": 1.0}}, "'Glip'"),
        ({"classes": ("Blip",), "onset": {"Blip": SPAN[1]}}, "every class begins after"),
        ({"span": (2.0, 1.0)}, "ends before it starts"),
        ({"hidden": (NONE_OF_THE_ABOVE,)}, "cannot be hidden in itself"),
        ({"normalisation": "max"}, "'max' is not median"),
        ({"schedule": "o2"}, "'o2' is none of catalogue, o1"),
        ({"schedule": "o1", "equal": True}, "choose one of the two"),
        ({"schedule": "o1", "span": (1.0, 2.0)}, "not within O1"),
        ({"schedule": "o1", "classes": ("Violin_Mode",), "span": SPAN}, "none of Violin_Mode occurred in O1"),
    ],
)
def test_what_cannot_be_asked_for(options, message):
    with pytest.raises(InputError, match=message):
        Population(**{"n": 5, "seed": 0, **options})


def test_rates_and_shares_are_sane():
    for family in FAMILIES.values():
        assert 0 <= family.share_h1 <= 1
        assert family.rate > 0
        assert family.snr.low > 0


def test_a_run_stands_for_its_class_list():
    assert len(Population(1, 0, classes=("O1",)).classes) == 22
    assert Population(1, 0, classes=("Blip", "O4")).classes[0] == "Blip"
    assert len(Population(1, 0, classes=("Blip", "O4")).classes) == 27
    assert Population(1, 0, classes=(), hidden=("Blip",)).drawn == ("Blip",)
    with pytest.raises(InputError, match="cannot be hidden in itself"):
        Population(1, 0, classes=("Blip",), hidden=("O1",))


def test_o1_schedule_follows_the_weeks_of_each_class():
    names = ("Blip", "Violin_Mode", "Scattered_Light")
    population = Population(4000, 1, classes=names, span=O1_SPAN, schedule="o1")
    drawn = [population.entry(k) for k in range(population.n)]
    assert [entry.gps for entry in drawn] == sorted(entry.gps for entry in drawn)
    weeks = np.array([int((entry.gps - O1_SPAN[0]) // (7 * 86400)) for entry in drawn])
    truth = np.array([entry.truth for entry in drawn])
    whole = sum(sum(O1_WEEKS[name]) for name in names)
    for name in names:
        found = np.bincount(weeks[truth == name], minlength=18)
        wanted = population.n * np.array(O1_WEEKS[name]) / whole
        assert np.abs(found - wanted).max() < 5 * np.sqrt(wanted.max()) + 3
    assert set(weeks[truth == "Violin_Mode"]) == {5}


def test_o1_schedule_keeps_onsets_and_gives_hidden_families_their_share():
    onset = O1_SPAN[0] + 60 * 86400.0
    population = Population(
        3000, 2, ("Blip",), ("Reverse_Chirp",), span=O1_SPAN, onset={"Reverse_Chirp": onset}, schedule="o1"
    )
    times = [entry.gps for entry in map(population.entry, range(3000)) if entry.truth == "Reverse_Chirp"]
    assert min(times) >= onset
    assert len(times) == pytest.approx(3000 * 0.01 * 6575 / 1742 / 2, rel=0.5)
