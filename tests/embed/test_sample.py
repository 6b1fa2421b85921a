import numpy as np

from embed.sample import at_most


def test_of_many_rows_a_sample_ascending_and_of_few_all_without_a_draw() -> None:
    rows = np.array([9, 2, 5, 7, 30])
    few = at_most(rows, 3, np.random.default_rng(1))
    assert len(few) == 3
    assert set(few.tolist()) < set(rows.tolist())
    assert (np.diff(few) > 0).all()
    rng = np.random.default_rng(1)
    assert at_most(rows, 5, rng) is rows
    assert rng.random() == np.random.default_rng(1).random()
