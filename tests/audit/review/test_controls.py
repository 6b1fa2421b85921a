"""Controls are never rows of the list, however sure the audit is of some of them."""

from dataclasses import replace

import numpy as np
import pytest

from audit import audit_probabilities
from audit.review.controls import PLANTED, RIGHT, SURE, choose_asked


@pytest.fixture(scope="module")
def result():
    """An audit of 200 labels of which every one is right beyond doubt, and half of which are in the list all the same."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    p = np.full((200, 3), 0.01)
    p[np.arange(200), truth] = 0.98
    found = audit_probabilities(p, ["a", "b", "c"], np.array(["a", "b", "c"])[truth])
    return replace(found, p_wrong_high=np.full(200, SURE), listed=100)


@pytest.mark.parametrize("seed", range(5))
def test_controls_come_from_outside_the_list(result, seed):
    asked = choose_asked(result, np.ones(200, bool), 40, seed)
    controls = [one.row for one in asked if one.control]
    listed = set(result.order[:100].tolist())
    assert len(controls) == 8
    assert not listed & set(controls)
    assert {one.row for one in asked if not one.control} == set(result.order[:40].tolist())
    for one in asked:
        assert one.control in ("", RIGHT, PLANTED)
        assert (one.shown == result.labels[one.row]) == (one.control != PLANTED)


def test_where_the_list_holds_every_sure_row_there_are_no_controls(result):
    asked = choose_asked(replace(result, listed=200), np.ones(200, bool), 40, 0)
    assert [one.control for one in asked] == [""] * 40
