"""The passport of a vector store, in words."""

import pytest

from embed.vectors.passport import describe_graph


@pytest.mark.parametrize(
    ("passport", "words"),
    [
        ({"k": 30, "exact": True, "recall": 1.0}, "30 neighbours, exact"),
        ({"k": 12, "exact": False, "recall": 0.99127}, "12 neighbours, recall 0.9913"),
    ],
)
def test_the_graph_is_described_by_its_neighbours_and_its_recall(passport, words):
    assert describe_graph(passport) == words
