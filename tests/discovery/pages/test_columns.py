"""Columns as pages show them; see also the explorer's tests."""

import pandas as pd

from discovery.pages.columns import classes


def test_what_was_not_clustered_is_said_so():
    coded = classes("cluster", pd.Series([0, -1, None, None], dtype="Int64"))
    names = [(group.name, group.count) for group in coded.groups]
    assert names == [("cluster 0", 1), ("noise", 1), ("not clustered", 2)]
