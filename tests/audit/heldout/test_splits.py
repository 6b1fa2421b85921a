"""Splits: whole groups, even testing, purged time, near-duplicate sets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.heldout.splits import SplitPlan, combine_groups, plan_splits
from embed.errors import InputError
from embed.vectors.duplicates import near_duplicates
from embed.vectors.graph import NeighbourGraph, neighbour_graph


@st.composite
def studies(draw):
    count = draw(st.integers(10, 80))
    classes = np.array(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)))
    classes[:2] = 0, 1
    groups = np.array(draw(st.lists(st.integers(0, count - 1), min_size=count, max_size=count)))
    return classes, np.unique(groups, return_inverse=True)[1]


@given(studies(), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_groups_are_whole_and_every_row_is_tested_once_a_repeat(study, seed):
    classes, groups = study
    plan = plan_splits(classes, 10, groups=groups, seed=seed)
    times = np.zeros(len(classes), int)
    for split in range(len(plan)):
        test, train = plan.test(split), plan.train(split)
        assert not set(groups[test]) & set(groups[train])
        assert not (test & train).any()
        times += test
    assert (times[plan.testable] == 2).all()
    assert (times[~plan.testable] == 0).all()
    for number in np.unique(classes):
        assert plan.testable[classes == number].all() == (len(set(groups[classes == number])) > 1)


def test_classes_are_spread_evenly_over_the_folds():
    classes = np.repeat([0, 1, 2], [50, 23, 5])
    plan = plan_splits(classes, 5)
    for split in range(5):
        assert np.abs(np.bincount(classes[plan.test(split)], minlength=3) - [10, 4.6, 1]).max() < 1


def test_a_class_of_two_trains_on_one_and_tests_the_other():
    classes = np.array([0] * 20 + [1, 1])
    plan = plan_splits(classes, 50)
    for split in range(len(plan)):
        assert plan.train(split)[20:].sum() >= 1


def test_same_seed_same_splits_other_seed_others():
    classes = np.arange(60) % 3
    assert np.array_equal(plan_splits(classes, 20, seed=1).fold, plan_splits(classes, 20, seed=1).fold)
    assert not np.array_equal(plan_splits(classes, 20, seed=1).fold, plan_splits(classes, 20, seed=2).fold)


@pytest.mark.parametrize("purge", [0.0, 30.0, 500.0])
def test_time_splits_purge_a_gap_around_every_tested_row(purge):
    rng = np.random.default_rng(0)
    times = rng.uniform(0, 10_000, 200)
    classes = rng.integers(0, 3, 200)
    plan = plan_splits(classes, 10, kind="time", times=times, purge=purge)
    for split in range(len(plan)):
        test, train = plan.test(split), plan.train(split)
        nearest = np.abs(times[train][:, None] - times[test]).min(1)
        assert (nearest > purge).all()
        left = ~test & ~train & (plan.fold[split // 5] != split % 5)
        assert left.any() == (purge > 0)


def test_time_folds_are_blocks():
    times = np.arange(100.0)
    fold = plan_splits(np.arange(100) % 2, 5, kind="time", times=times, purge=0).fold[0]
    assert (np.diff(fold) != 0).sum() <= 20
    assert np.bincount(fold).tolist() == pytest.approx([20] * 5, abs=6)


def test_near_duplicates_are_found_and_chains_are_closed():
    near = np.array([[1, 2], [0, 2], [1, 0], [0, 1]])
    similarity = np.array([[0.999, 0.9], [0.999, 0.9985], [0.9985, 0.9], [0.5, 0.4]], np.float32)
    graph = NeighbourGraph(near, similarity, 2, 2, exact=True, recall=1.0)
    group, twin = near_duplicates(graph, 0.998)
    assert group[0] == group[1] == group[2] != group[3]
    assert twin.tolist() == [1, 0, 1, -1]


def test_exact_copies_share_a_group():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8))
    vectors[7] = vectors[21]
    group, twin = near_duplicates(neighbour_graph(vectors))
    assert group[7] == group[21]
    assert (twin[7], twin[21]) == (21, 7)
    assert (np.delete(twin, [7, 21]) == -1).all()


def test_merged_groups_join_what_either_joins():
    merged = combine_groups(["a", "a", "b", "c", "d"], None, [0, 1, 1, 2, 3])
    assert merged[0] == merged[1] == merged[2]
    assert len({merged[0], merged[3], merged[4]}) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"splits": 4}, "4 splits are fewer than the 5"),
        ({"kind": "time"}, "need the glitches' GPS times"),
        ({"kind": "time", "times": np.array([1.0, np.nan] * 10)}, "10 of 20 glitches have no GPS time"),
        ({"kind": "time", "times": np.zeros(3)}, "3 times for 20 labels"),
        ({"kind": "time", "times": np.arange(20.0), "purge": -1}, "purge gap of -1"),
        ({"kind": "stratified"}, "no kind of split 'stratified'"),
    ],
)
def test_bad_plans_say_what_is_wrong(options, message):
    given = {"splits": 10} | options
    with pytest.raises(InputError, match=message):
        plan_splits(np.arange(20) % 2, given.pop("splits"), **given)


def test_one_class_is_refused():
    with pytest.raises(InputError, match="all labels are the same"):
        plan_splits(np.zeros(20, int), 10)


def test_a_row_exactly_the_gap_away_is_not_trained_on():
    """Rows at 0, 60 and 61 s, the first one tested: with a gap of 60 s only the last one may train."""
    plan = SplitPlan(
        fold=np.array([[0, 1, 1]], np.int8),
        folds=2,
        kind="time",
        testable=np.ones(3, bool),
        times=np.array([0.0, 60.0, 61.0]),
        purge=60.0,
    )
    assert plan.test(0).tolist() == [True, False, False]
    assert plan.train(0).tolist() == [False, False, True]
