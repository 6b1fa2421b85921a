"""Novelty on arrays: against brute force and by hand, then the promise of a conformal share, then planted oddities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discovery.novelty import scores
from discovery.novelty.scores import leaders, measure_novelty
from embed.errors import InputError


def clouds(rng, sizes, dimension=32, width=0.1):
    centres = np.eye(dimension)[: len(sizes)]
    vectors = np.concatenate(
        [centre + width * rng.normal(size=(size, dimension)) for centre, size in zip(centres, sizes, strict=True)]
    )
    labels = np.repeat([f"class{k}" for k in range(len(sizes))], sizes)
    return vectors.astype(np.float32), labels


def by_hand(vectors, labels, groups, row):
    """Distance and shares of one row, glitch by glitch."""
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)

    def mean(place, among):
        others = [1.0 - float(unit[place] @ unit[other]) for other in among if groups[other] != groups[place]]
        return np.mean(sorted(others)[:5])

    known = [place for place, label in enumerate(labels) if label]

    def share(among):
        mine = mean(row, among)
        rest = [mean(place, among) for place in among if place != row]
        return (1 + sum(other >= mine - 1e-7 for other in rest)) / (1 + len(rest))

    per_class = {name: share([place for place in known if labels[place] == name]) for name in set(labels) - {""}}
    return mean(row, known), share(known), max(per_class.values())


def test_it_is_what_brute_force_gives(monkeypatch):
    monkeypatch.setattr(scores, "BLOCK", 7)
    rng = np.random.default_rng(0)
    vectors, labels = clouds(rng, (16, 18, 15))
    labels = np.where(rng.random(len(labels)) < 0.1, "", labels)
    groups = np.where(rng.random(len(labels)) < 0.2, 100, np.arange(len(labels)))  # some are copies of one another
    ticks = []
    found = measure_novelty(vectors, labels, groups, lambda done, every: ticks.append((done, every)))
    assert ticks[0] == (7, 49)
    assert ticks[-1] == (49, 49)
    for row in range(len(vectors)):
        distance, share, class_share = by_hand(vectors, labels, groups, row)
        assert found.distance[row] == pytest.approx(distance, abs=1e-5)
        assert found.share[row] == pytest.approx(share)
        assert found.class_share[row] == pytest.approx(class_share)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_among_glitches_like_the_known_ones_few_are_rarer_than_they_should_be(seed):
    """The promise: a share of at most p is given to a share of at most about p."""
    rng = np.random.default_rng(seed)
    vectors, labels = clouds(rng, (150, 150, 150))
    hidden = rng.random(len(labels)) < 0.4
    found = measure_novelty(vectors, np.where(hidden, "", labels))
    for level in (0.02, 0.1, 0.3):
        rare = (found.share[hidden] <= level).mean()
        assert rare <= level + 4 * np.sqrt(level / hidden.sum()) + 4 * np.sqrt(level / (~hidden).sum())


def test_what_lies_between_two_classes_and_far_from_all_come_first():
    rng = np.random.default_rng(1)
    vectors, labels = clouds(rng, (200, 200), width=0.05)
    between = (np.eye(32)[0] + np.eye(32)[1]).astype(np.float32)
    far = np.eye(32)[9].astype(np.float32)
    found = measure_novelty(np.vstack([vectors, between, far]), [*labels, "", ""])
    assert set(found.order[:2].tolist()) == {400, 401}
    assert found.share[400] == found.share[401] == pytest.approx(1 / 401)
    assert found.class_share[400] == pytest.approx(1 / 201)
    assert found.nearest[0] == "class0"
    assert found.typical == pytest.approx(np.median(found.distance[:400]))


def test_a_class_that_is_scattered_widely_does_not_hide_what_is_odd_in_a_narrow_one():
    rng = np.random.default_rng(2)
    wide, _ = clouds(rng, (150,), width=0.5)
    narrow = (np.eye(32)[5] + 0.01 * rng.normal(size=(150, 32))).astype(np.float32)
    odd = (np.eye(32)[5] + 0.15 * rng.normal(size=(1, 32))).astype(np.float32)
    found = measure_novelty(np.vstack([wide, narrow, odd]), [*["wide"] * 150, *["narrow"] * 150, ""])
    assert found.share[-1] > 0.1  # nearer to known glitches than those of the wide class are
    assert found.class_share[-1] == pytest.approx(1 / 151)
    assert 300 in found.order[:4]  # beside the outliers of the wide class


def test_copies_are_no_neighbours():
    rng = np.random.default_rng(3)
    vectors, labels = clouds(rng, (50, 50))
    odd = np.repeat(np.eye(32)[20][None], 6, axis=0).astype(np.float32)
    together = np.vstack([vectors, odd])
    names = [*labels, *["class0"] * 6]
    groups = [*range(100), *[500] * 6]
    assert measure_novelty(together, names).distance[-1] == pytest.approx(0.0, abs=1e-6)
    assert measure_novelty(together, names, groups).distance[-1] > 0.5


def test_of_glitches_that_are_alike_only_the_oddest_leads():
    angles = np.array([0.0, 0.01, 0.02, 1.0, 1.005, 2.0])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)])
    found = leaders(vectors, np.array([1, 3, 0, 5, 4, 2]), typical=0.001, count=2)
    assert found == {1: [0, 2], 3: [4]}
    assert list(leaders(vectors, np.array([1, 3, 0, 5, 4, 2]), typical=0.001, count=9)) == [1, 3, 5]


def test_too_little_that_is_known_is_refused():
    rng = np.random.default_rng(4)
    vectors, labels = clouds(rng, (9, 9))
    with pytest.raises(InputError, match=r"no class has 10 known glitches \(the largest has 9\); label more"):
        measure_novelty(vectors, labels)
    with pytest.raises(InputError, match=r"\(the largest has 0\)"):
        measure_novelty(vectors, [""] * 18)
    with pytest.raises(InputError, match="18 vectors, 17 labels and 18 groups: give as many of each"):
        measure_novelty(vectors, labels[1:])


def test_a_sample_of_large_classes_gives_shares_that_hold() -> None:
    rng = np.random.default_rng(5)
    large = rng.normal(size=(900, 8)) * 0.3 + np.eye(8)[0] * 3
    small = rng.normal(size=(60, 8)) * 0.3 + np.eye(8)[1] * 3
    alike = rng.normal(size=(600, 8)) * 0.3 + np.eye(8)[0] * 3
    vectors, labels = np.vstack([large, small, alike]), ["large"] * 900 + ["small"] * 60 + [""] * 600
    every, sampled = measure_novelty(vectors, labels), measure_novelty(vectors, labels, most=300, seed=1)
    assert (every.compared, sampled.compared) == (960, 360)
    asked = slice(960, None)
    assert abs((every.share - sampled.share)[asked].mean()) < 0.03
    assert np.corrcoef(every.share[asked], sampled.share[asked])[0, 1] > 0.9
    for level in (0.05, 0.1, 0.3):  # of glitches like the known ones, at most as many have a share so small
        for share in (sampled.share, sampled.class_share):
            assert (share[asked] <= level).mean() < level + 3 * (level / 300) ** 0.5
    assert sampled.share[asked].min() >= 1 / 361 - 1e-12  # nothing is rarer than what was compared with can tell
    again = measure_novelty(vectors, labels, most=300, seed=1)
    np.testing.assert_array_equal(again.share, sampled.share)


def test_a_sampled_glitch_counts_for_those_it_stands_for() -> None:
    # a class of 1,000 whose half is far out, sampled to 20, beside 20 of a tight class: about half of the known are as odd as the far half
    rng = np.random.default_rng(6)
    base = np.eye(6)
    near = np.repeat(base[:1], 500, axis=0) + rng.normal(size=(500, 6)) * 0.001
    far = np.repeat(base[1:2], 500, axis=0) + rng.normal(size=(500, 6)) * 0.3
    tight = np.repeat(base[2:3], 20, axis=0) + rng.normal(size=(20, 6)) * 0.001
    vectors, labels = np.vstack([near, far, tight, base[1:2]]), ["wide"] * 1000 + ["tight"] * 20 + [""]
    sampled = measure_novelty(vectors, labels, most=40)
    edge = np.median(sampled.distance[500:1000])
    row = 500 + int(np.abs(sampled.distance[500:1000] - edge).argmin())
    assert 0.12 < sampled.share[row] < 0.40  # by number alone, 10 of 60: 0.17 at most; by weight a quarter
