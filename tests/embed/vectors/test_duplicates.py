"""Near-duplicates, worked by hand: the threshold belongs to them, and sets are closed under the relation."""

import numpy as np

from embed.vectors.duplicates import merge_groups, near_duplicates, same_pairs, twin_pairs
from embed.vectors.graph import NeighbourGraph


def test_a_pair_at_the_threshold_is_one_and_sets_are_chains():
    graph = NeighbourGraph(
        neighbours=np.array([[1, 2], [0, 2], [1, 0], [0, 1]]),
        similarities=np.array([[0.75, 0.5], [0.75, 0.875], [0.875, 0.5], [0.5, 0.25]], np.float32),
        k=2,
        requested_k=2,
        exact=True,
        recall=1.0,
    )
    group, twin = near_duplicates(graph, 0.75)
    assert group.tolist() == [0, 0, 0, 1]
    assert twin.tolist() == [1, 0, 1, -1]
    group, twin = near_duplicates(graph, 0.8)
    assert group.tolist() == [0, 1, 1, 2]
    assert twin.tolist() == [-1, -1, 1, -1]


def test_twins_are_nearer_than_the_shortest_view_and_of_one_detector():
    times = np.array([100.0, 100.5, 100.25, np.nan, 100.125])
    first, second = twin_pairs(times, ["H1", "H1", "H1", "H1", "L1"], seconds=0.25)
    assert merge_groups(5, (first, second)).tolist() == [0, 1, 2, 3, 4]  # a quarter of a second apart is not nearer
    first, second = twin_pairs(times, ["H1", "H1", "H1", "H1", "L1"], seconds=0.5)
    assert merge_groups(5, (first, second)).tolist() == [0, 0, 0, 1, 2]


def test_equal_keys_are_linked_with_their_first_row():
    first, second = same_pairs(["a", "b", "a", "c", "b"])
    assert merge_groups(5, (first, second)).tolist() == [0, 1, 0, 2, 1]
