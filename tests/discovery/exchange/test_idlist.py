"""`discover batch --ids`: a batch of exactly the glitches that a file lists."""

import json

import pytest
from support.audited import read_csv, write_csv
from support.terminal import error_of, run

from embed import Study


@pytest.fixture
def ids(embedded):
    with Study(embedded) as study:
        return study.glitches()["id"].tolist()


def test_a_batch_holds_exactly_the_listed_glitches(capsys, embedded, ids, tmp_path):
    wanted = [ids[5], ids[2], ids[5], ids[9]]  # one twice
    path = write_csv(tmp_path / "my list.csv", [{"label": "x", "id": name} for name in wanted])
    code, out, err = run(capsys, "batch", "--ids", path, "--out", tmp_path / "batch", "--study", embedded, "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["glitches"] == 3
    rows = read_csv(tmp_path / "batch" / "manifest.csv")
    with Study(embedded) as study:
        table = study.glitches().set_index("id")
    assert [row["subject_id"] for row in rows] == table.loc[[ids[5], ids[2], ids[9]], "gravityspy_id"].tolist()
    names = [row[f"Filename{number + 1}"] for row in rows for number in range(len(result["durations"]))]
    assert sorted(names) == sorted(one.name for one in (tmp_path / "batch").glob("*.png"))
    assert all(name.startswith(row["ifo"]) for row in rows for name in [row["Filename1"]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"name": "a"}], "has no column 'id', only name"),
        ([{"id": "nobody"}], "list.csv, line 2: no glitch 'nobody' in the study"),
        ([{"id": ""}], "lists 0 glitches; a batch holds 1 to 500"),
    ],
)
def test_a_list_that_is_none_is_refused(capsys, embedded, tmp_path, rows, message):
    path = write_csv(tmp_path / "list.csv", rows)
    assert message in error_of(capsys, "batch", "--ids", path, "--study", embedded)
