import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.dataset.splits import LEFT_OUT, SHARES, TEST, TRAIN, VALIDATION, make_split
from embed.errors import InputError
from embed.vectors.duplicates import duplicate_pairs, merge_groups, same_pairs, twin_pairs
from embed.vectors.graph import neighbour_graph


def random_classes(rng, count=600, classes=7):
    weights = rng.dirichlet(np.ones(classes))
    return np.concatenate([np.repeat(np.arange(classes), 5), rng.choice(classes, count - 5 * classes, p=weights)])


@given(st.integers(0, 10**6), st.sampled_from(["random", "grouped"]))
@settings(max_examples=30, deadline=None)
def test_every_class_is_dealt_by_its_shares(seed, kind):
    rng = np.random.default_rng(seed)
    classes = random_classes(rng)
    groups = rng.integers(0, 500, len(classes)) * 10 + classes  # small groups of one class
    partition = make_split(classes, kind, groups=groups, seed=seed)
    for label in range(7):
        own = partition.part[classes == label]
        counts = np.bincount(own, minlength=3)
        assert (counts > 0).all()
        largest = (
            np.bincount(np.unique(groups[classes == label], return_inverse=True)[1]).max() if kind == "grouped" else 1
        )
        assert (np.abs(counts - np.array(SHARES) * len(own)) <= largest + 1).all()
    if kind == "grouped":
        for group in np.unique(groups):
            assert len(set(partition.part[groups == group].tolist())) == 1
    again = make_split(classes, kind, groups=groups, seed=seed)
    assert np.array_equal(partition.part, again.part)


def test_another_seed_is_another_partition():
    classes = np.repeat([0, 1], 50)
    first, second = (make_split(classes, "random", seed=seed).part for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_small_classes_by_hand():
    """Two glitches: one trains, one is tested; three: one of each."""
    classes = np.array([0] * 20 + [1] * 2 + [2] * 3)
    part = make_split(classes, "random").part
    assert sorted(part[classes == 1].tolist()) == [TRAIN, TEST]
    assert sorted(part[classes == 2].tolist()) == [TRAIN, VALIDATION, TEST]


def test_groups_of_identical_glitches_by_hand():
    classes = np.repeat([0, 1], 30)
    groups = np.arange(60)
    groups[:20] = 0  # one whistle, twenty times
    part = make_split(classes, "grouped", groups=groups).part
    assert set(part[:20].tolist()) == {TRAIN}
    assert len(set(make_split(classes, "random", groups=groups).part[:20].tolist())) == 3


def test_time_blocks_and_the_gap():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(1e9, 1e9 + 4e5, 2000))
    classes = rng.integers(0, 3, 2000)
    purge = 300.0
    partition = make_split(classes, "time", times=times, purge=purge, seed=1)
    distance = np.abs(times[:, None] - times[None])
    for early, late in ((TRAIN, VALIDATION), (TRAIN, TEST), (VALIDATION, TEST)):
        assert distance[np.ix_(partition.rows(early), partition.rows(late))].min() > purge
    assert 0 < (partition.part == LEFT_OUT).mean() < 0.2
    assert partition.counts()["test"] == pytest.approx(0.15 * 2000, rel=0.1)
    # Blocks: neighbours in time are nearly always in one part.
    kept = partition.part[partition.part != LEFT_OUT]
    assert (kept[1:] != kept[:-1]).sum() < 40
    none = make_split(classes, "time", times=times, purge=0.0, seed=1)
    assert (none.part == LEFT_OUT).sum() == 0


def test_a_class_that_came_late_is_in_all_parts():
    times = np.arange(1000.0) * 100
    classes = (np.arange(1000) > 900).astype(int)  # 99 glitches in the last tenth
    for seed in range(5):
        part = make_split(classes, "time", times=times, purge=0.0, seed=seed).part
        assert set(part[classes == 1].tolist()) == {TRAIN, VALIDATION, TEST}


def test_time_keeps_groups_too():
    times = np.arange(400.0) * 1000
    classes = np.arange(400) % 2
    groups = np.arange(400)
    groups[[3, 399]] = 3
    for seed in range(8):
        part = make_split(classes, "time", times=times, groups=groups, purge=0.0, seed=seed).part
        assert part[3] == part[399]


def test_gravity_spy_s_own_partition():
    classes = np.repeat([0, 1], 4)
    kinds = ["train", "test", "validation", "", "train", "test", "validation", "odd"]
    partition = make_split(classes, "sample-type", sample_types=kinds)
    assert partition.part.tolist() == [0, 2, 1, -1, 0, 2, 1, -1]
    assert partition.counts() == {"train": 2, "validation": 2, "test": 2, "left_out": 2}


def test_refusals():
    classes = np.repeat([0, 1], 10)
    with pytest.raises(InputError, match="all labels are the same"):
        make_split(np.zeros(9, np.int64), "random")
    with pytest.raises(InputError, match="no glitch is labelled"):
        make_split(np.zeros(0, np.int64), "random")
    with pytest.raises(InputError, match=r"no kind of split 'kfold'; give random, grouped, time, sample-type"):
        make_split(classes, "kfold")
    with pytest.raises(InputError, match="splits by time need the glitches' GPS times"):
        make_split(classes, "time")
    times = np.arange(20.0)
    times[3] = np.nan
    with pytest.raises(InputError, match="1 of 20 glitches have no GPS time"):
        make_split(classes, "time", times=times)
    with pytest.raises(InputError, match=r"a purge gap of -1.0 s"):
        make_split(classes, "time", times=np.arange(20.0), purge=-1.0)
    with pytest.raises(InputError, match="no labelled glitch has Gravity Spy's sample_type"):
        make_split(classes, "sample-type")
    with pytest.raises(
        InputError,
        match=r"no glitch is left for the validation part of the split 'grouped' \(20 glitches in 2 groups\)",
    ):
        make_split(classes, "grouped", groups=classes)


# Groups


def test_near_duplicates_of_the_graph():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8)).astype(np.float32)
    vectors[7] = vectors[3] * 2 + 1e-4
    vectors[9] = vectors[7] + 1e-4
    vectors[20] = vectors[21]
    graph = neighbour_graph(vectors, 5)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = unit @ unit.T >= 0.998  # brute force
    rows = np.arange(30)
    groups = merge_groups(30, duplicate_pairs(graph, rows))
    assert np.array_equal(groups[:, None] == groups[None], near)
    some = np.array([3, 5, 9, -1, 20])  # glitch 7, between 3 and 9, is not asked for; -1 has no vector
    groups = merge_groups(5, duplicate_pairs(graph, some))
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 4


def test_twins_and_equal_files():
    times = np.array([10.0, 10.3, 10.6, 20.0, np.nan, np.nan, 10.1])
    groups = merge_groups(7, twin_pairs(times, ["H1"] * 6 + ["L1"]))
    assert groups.tolist() == [0, 0, 0, 1, 2, 3, 4]
    groups = merge_groups(4, same_pairs([b"a", b"b", b"a", b"c"]))
    assert groups.tolist() == [0, 1, 0, 2]
    assert merge_groups(4, same_pairs("abcd"), (np.array([0, 1]), np.array([2, 2]))).tolist() == [0, 0, 0, 1]
