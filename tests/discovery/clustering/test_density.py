"""Branches whose pass is shallow, told by the links between them: by hand."""

from functools import partial

import numpy as np
import pytest

from discovery.clustering.density import FEW_LINKS, hardly_linked
from discovery.clustering.hierarchy import Branch, DensitySettings, DensityTree

SETTINGS = DensitySettings(contrast=1.2, firmness=4.5)


def ring(start, count, links=10):
    """Each row's neighbours within one group: the next ones on a ring."""
    return [[start + (row + step) % count for step in range(1, links + 1)] for row in range(count)]


def two_branches(contrast, count=40):
    """A root whose children hold the first and the last rows but five each: those joined later."""
    firmness = contrast * (count - 5) ** 0.5
    one, other = (np.arange(start, start + count - 5) for start in (0, count))
    return DensityTree(
        [
            Branch(one, 0.9, contrast, firmness, contrast, 2),
            Branch(other, 0.9, contrast, firmness, contrast, 2),
            Branch(np.arange(2 * count), 2.0, 9.0, 90.0, 9.0, -1),
        ],
        10.0,
    )


@pytest.mark.parametrize(("crossing", "apart"), [(0, True), (8, True), (10, False), (60, False)])
def test_a_shallow_pass_is_a_split_where_hardly_a_link_crosses(crossing, apart):
    """Of 800 links at most a hundredth, eight, may cross."""
    nearest = np.array(ring(0, 40) + ring(40, 40))
    for link in range(crossing):
        nearest[link % 40, 9 - link // 40] = 40 + link % 40
    assert crossing <= FEW_LINKS * nearest.size or not apart
    tree = two_branches(0.8)
    assert hardly_linked(tree, nearest, 2, 0, 1) == apart
    assert tree.clusters(SETTINGS, partial(hardly_linked, tree, nearest)) == ([0, 1] if apart else [2])


def test_what_contrast_decides_asks_for_no_links():
    def never(*_):
        raise AssertionError

    assert two_branches(1.5).clusters(SETTINGS, never) == [0, 1]  # holds by itself
    nearest = np.array(ring(0, 40) + ring(40, 40))
    assert not hardly_linked(two_branches(0.3), nearest, 2, 0, 1)  # not even loosely
    assert two_branches(0.3).clusters(SETTINGS) == [2]
