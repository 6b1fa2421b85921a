"""The ranking of doubtful labels, worked by hand."""

import numpy as np

from audit.verdict import ranked_rows


def test_equally_probable_errors_rank_by_margin_then_by_row_and_untested_rows_are_last():
    p_wrong = np.array([0.5, np.nan, 0.9, 0.5, 0.5, 0.0])
    margin = np.array([1.0, -9.0, 3.0, -2.0, 1.0, -5.0])
    tested = np.array([True, False, True, True, True, True])
    assert ranked_rows(p_wrong, margin, tested).tolist() == [2, 3, 0, 4, 5, 1]
