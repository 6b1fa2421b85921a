"""Auditing a study: the database is read once, however many glitches the list and the page show; and written at the end."""

import pytest
from support.audited import copy_study, make_study

from audit import AuditOptions
from discovery.labelaudit.glitches import read_glitches
from discovery.labelaudit.labelaudit import audit_study
from embed import Study
from embed.vectors.store import stores


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("labelaudit"), count=60, wrong=6)[0]


@pytest.mark.parametrize("by", ["vectors", "probabilities"])
def test_the_database_is_read_once_and_written_after_that(made, tmp_path, by):
    folder = copy_study(made, tmp_path / "study")
    statements = []
    with Study(folder) as study:
        study.connection.set_trace_callback(lambda text: statements.append(" ".join(text.split())))
        store = stores(folder)[0] if by == "vectors" else None
        given = folder / "probabilities.csv" if by == "probabilities" else None
        found = audit_study(study, store, AuditOptions(splits=10, rate=0.3), probabilities=given)
        study.connection.set_trace_callback(None)
    assert found.result.listed >= 3
    reads = [place for place, text in enumerate(statements) if text.startswith("SELECT")]
    assert len(reads) == 5  # what there is, glitches, metadata, views; and whether this audit is known
    tables = [place for place, text in enumerate(statements) if text.startswith(("CREATE", "INSERT INTO verdicts"))]
    assert max(reads[:4]) < min(tables)


def test_what_is_read_is_what_the_study_says(made):
    with Study(made) as study:
        known = read_glitches(study)
        table, views = study.glitches(), study.views()
    assert known.table[["id", "ifo", "gps", "label"]].equals(table[["id", "ifo", "gps", "label"]])
    assert [view for number in known.table.index for view in known.views[number]] == views
    assert known.labelled().tolist() == table.index.tolist()
    chosen = known.labelled()[[5, 2]]
    audited = known.audited(chosen)
    assert audited["glitch"].tolist() == chosen.tolist()
    assert audited["id"].tolist() == table.loc[chosen, "id"].tolist()
    assert audited["q_value"].isna().all()
    assert audited["date"].str.fullmatch(r"2015\d{4}").all()
    assert audited["image_4.0"].tolist() == [
        view.source for number in chosen for view in views if view.glitch == number and view.duration == 4
    ]
