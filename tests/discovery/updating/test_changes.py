"""Splits, merges, emerged groups and ended clusters: by hand, on planted groups, and against simulated rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from support.mixtures import mixture

from discovery.clustering.clustering import hdbscan_clusters
from discovery.clustering.hierarchy import Branch, DensityTree
from discovery.updating.changes import COLUMNS, Fresh, Members, cluster_afresh, compare, ended
from embed.vectors.similarity import normalise

DAY = 86400.0


def members(labels, new=(), gps=None):
    labels = np.array(labels)
    times = np.full(len(labels), np.nan) if gps is None else np.asarray(gps, float)
    return Members(labels, np.isin(np.arange(len(labels)), new), times)


def tree(*groups):
    """A tree whose leaves are these rows, each twice as dense as the pass, below one root."""
    leaves = [Branch(np.array(rows), 1.0, np.log(2.0), 1.0, 1.0, len(groups)) for rows in groups]
    root = Branch(np.sort(np.concatenate(groups)), 2.0, 1.0, 1.0, 1.0, -1)
    return DensityTree([*leaves, root], 3.0)


def fresh(labels, groups, others=None):
    labels = np.array(labels)
    return Fresh(labels, tree(*groups), others if others is not None else {"one": labels, "two": labels})


def test_a_split_by_hand():
    """Of cluster 0's sixteen members nine and seven, one of them with a stranger, are clusters of their own now."""
    labels = [0] * 16 + [1] * 6
    now = [0] * 9 + [1] * 7 + [1] + [2] * 5
    (found,) = compare(members(labels, new=[14, 15, 21]), fresh(now, [range(9), range(9, 17), range(17, 22)]))
    assert (found.kind, found.clusters, found.parts, found.members, found.new) == ("split", (0,), (9, 7), 16, 2)
    assert found.settings == (2, 2)
    assert found.evidence == (
        "cluster 0 comes apart into 2 clusters with 9 and 7 of its 16 members; each is at least 2 times as dense as the pass to "
        "the next cluster; 2 of 2 other settings find this too"
    )
    assert tuple(found.row()) == COLUMNS
    assert found.row()["clusters"] == "0"
    assert found.row()["parts"] == "9; 7"


def test_no_split_by_hand():
    """A part of four is none, and neither is one most of which is of another cluster."""
    labels = [0] * 14 + [1] * 8
    small = [0] * 10 + [1] * 4 + [2] * 8
    assert compare(members(labels), fresh(small, [range(10), range(10, 14), range(14, 22)])) == []
    shared = [0] * 9 + [1] * 5 + [1] * 4 + [2] * 4  # five of nine are of cluster 0: 56 %
    assert compare(members(labels), fresh(shared, [range(9), range(9, 18), range(18, 22)])) == []


def test_a_merge_by_hand():
    """Cluster 1 has no branch of its own any more: most of it is in one with cluster 0."""
    labels = [0] * 10 + [1] * 5 + [-1]
    now = [0] * 10 + [0] * 4 + [-1] + [0]
    (found,) = compare(members(labels, new=[10]), fresh(now, [[*range(14), 15], [14]]))
    assert (found.kind, found.clusters, found.parts, found.members, found.new) == ("merge", (0, 1), (10, 4), 15, 1)
    assert (
        "clusters 0 and 1 come together in one cluster of 15 glitches, with 10 of 10 and 4 of 5 members"
        in found.evidence
    )


def test_two_branches_that_hold_loosely_are_no_merge():
    labels = [0] * 10 + [1] * 6
    assert compare(members(labels), fresh([0] * 16, [range(10), range(10, 16)])) == []
    assert [own.kind for own in compare(members(labels), fresh([0] * 16, [range(16)]))] == ["merge"]


def test_an_emerged_group_by_hand():
    """Three old and three new glitches that fit nothing are a cluster together, with one of cluster 0."""
    labels = [0] * 10 + [-1] * 6
    now = [0] * 9 + [1] * 7
    (found,) = compare(members(labels, new=[13, 14, 15]), fresh(now, [range(9), range(9, 16)]))
    assert (found.kind, found.clusters, found.members, found.new, found.parts) == ("emerged", (), 6, 3, (6,))
    assert "6 glitches that fit no cluster are most of a cluster of 7" in found.evidence


def test_what_most_other_settings_do_not_find_is_not_proposed():
    labels = [0] * 16
    now = np.repeat([0, 1], 8)
    whole = np.zeros(16, int)
    halves = [range(8), range(8, 16)]
    for others, count in (((now, whole), 1), ((now, whole, whole), 0), ((whole, whole), 0)):
        given_ = {str(number): other for number, other in enumerate(others)}
        assert len(compare(members(labels), fresh(now, halves, given_))) == count


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4), st.booleans()), min_size=1, max_size=80),
)
def test_proposals_count_right_and_change_nothing(rows):
    labels, now, new = (np.array(column) for column in zip(*rows, strict=True))
    own = Members(labels.copy(), new.astype(bool), np.full(len(labels), np.nan))
    groups = [np.flatnonzero(now == number) for number in range(5) if (now == number).any()] or [np.arange(len(now))]
    for found in compare(own, fresh(now, groups)) + ended(own, own.gps):
        inside = np.isin(labels, found.clusters)
        if found.kind == "emerged":
            assert found.members == found.parts[0] <= (labels == -1).sum()
        else:
            assert (found.members, found.new) == (inside.sum(), (inside & own.is_new).sum())
            assert sum(found.parts) <= found.members
            assert set(found.clusters) <= set(labels[labels >= 0].tolist())
    assert (own.labels == labels).all()


def test_the_rows_that_were_clustered_at_once_need_no_change():
    """The fresh clustering is that of `hdbscan_clusters`, and nothing is proposed against it."""
    vectors, _ = mixture([60, 50, 40, 12], seed=3, stray=10)
    before = hdbscan_clusters(vectors)
    again = cluster_afresh(normalise(vectors), normalise(vectors)[:0], seed=0)
    assert (again.labels == before.labels).all()
    assert compare(members(before.labels), again) == []


def test_planted_groups_come_apart_and_come_together():
    """Two families that were called one cluster, and one family that was called two."""
    vectors, truth = mixture([60, 60, 60], seed=5)
    half = np.flatnonzero(truth == 2)[::2]
    labels = np.where(truth == 2, 1, 0)
    labels[half] = 2
    found = compare(members(labels), cluster_afresh(normalise(vectors), normalise(vectors)[:0], seed=0))
    assert [(own.kind, own.clusters, own.parts) for own in found] == [
        ("split", (0,), (60, 60)),
        ("merge", (1, 2), (30, 30)),
    ]


def test_a_background_counts_in_no_figure():
    vectors, truth = mixture([40, 40, 60], seed=8)
    known = truth == 2
    unit = normalise(vectors)
    again = cluster_afresh(unit[~known], unit[known], seed=0)
    assert len(again.labels) == 80
    labels = np.zeros(80, int)
    (found,) = compare(members(labels), again)
    assert found.parts == (40, 40)


def test_ended_by_numbers_of_glitches():
    """Ten of sixty glitches, and sixty are new: 10 were expected, and none has a probability of 2 ** -10."""
    labels = [0] * 50 + [1] * 10 + [0] * 60
    (found,) = ended(members(labels, new=range(60, 120)), np.full(3, np.nan))
    assert (found.kind, found.clusters, found.members, found.new) == ("ended", (1,), 10, 0)
    assert found.expected == pytest.approx(10.0)
    assert found.probability == pytest.approx(2.0**-10)
    assert found.probability == pytest.approx(binomtest(10, 10, 0.5, alternative="greater").pvalue)
    assert found.evidence == (
        "cluster 1 has no new member: 10 of the 60 old glitches are its members, 60 glitches are new: 10.0 expected, and none has a "
        "probability of 0.00098"
    )


def test_ended_by_live_time():
    """Two hundred live days before and fifty since; a burst of forty glitches is one event, thirty days apart are thirty."""
    every = np.arange(0.0, 250 * DAY, DAY / 8)
    steady = np.arange(30) * 6 * DAY + 1.0
    burst = 5 * DAY + np.arange(40) * 60.0
    old = np.concatenate([[0.0], steady, burst, [200 * DAY]])
    new = np.array([249.875 * DAY, 201 * DAY, 202 * DAY, 203 * DAY])
    labels = [0, *[1] * 30, *[2] * 40, 0, *[0] * 4]
    own = members(labels, new=range(72, 76), gps=np.concatenate([old, new]))
    (found,) = ended(own, every)
    assert found.clusters == (1,)
    assert found.probability == pytest.approx((200 / 249.875) ** 30)
    assert found.expected == pytest.approx(30 * 49.875 / 200)
    assert "30 bursts in 200 live days before, 49.9 live days since: 7.5 expected" in found.evidence


def test_pauses_are_no_live_time():
    """The same glitches, but the detector was off for most of the time since: nothing was expected."""
    every = np.concatenate([np.arange(0.0, 200 * DAY, DAY / 8), np.arange(249 * DAY, 250 * DAY, DAY / 8)])
    old = np.concatenate([[0.0], np.arange(30) * 6 * DAY + 1.0, [199 * DAY]])
    new = np.array([249.5, 249.6, 249.7, 249.875]) * DAY
    labels = [0, *[1] * 30, 0, *[0] * 4]
    own = members(labels, new=range(32, 36), gps=np.concatenate([old, new]))
    assert ended(own, every) == []
    assert len(ended(own, np.arange(0.0, 250 * DAY, DAY / 8))) == 1


def test_a_sample_of_glitches_tells_no_live_time():
    """Some three of a hundred days are between two glitches that are close to each other: numbers of glitches are compared instead."""
    every = np.concatenate([np.arange(0.0, 100 * DAY, DAY), np.arange(0.0, 100 * DAY, 3 * DAY) + 7200.0])
    labels = [0] * 50 + [1] * 10 + [0] * 60
    own = members(
        labels,
        new=range(60, 120),
        gps=np.sort(np.concatenate([np.linspace(0, 60 * DAY, 60), np.linspace(61 * DAY, 99 * DAY, 60)])),
    )
    (found,) = ended(own, every)
    assert "10 of the 60 old glitches are its members" in found.evidence


def test_false_alarms_are_as_rare_as_said():
    """Ten clusters of a steady rate: in fewer than one of twenty updates is any called ended."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(400):
        before, since = rng.poisson(20, 10), rng.poisson(3, 10)
        if before.sum() == 0 or since.sum() == 0:
            continue
        labels = np.concatenate([np.repeat(np.arange(10), before), np.repeat(np.arange(10), since)])
        alarms += bool(ended(members(labels, new=range(before.sum(), len(labels))), np.empty(0)))
    assert alarms <= 0.05 * 400
