"""CSV files: cells that no spreadsheet runs, tables written and read back, and faults named by their line."""

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.csvfile import CsvFile, csv_text, neutralised, restored, write_csv
from embed.errors import InputError


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd", "-x", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "'quoted", "a;=1+1", "a\t@x", "'=1"],
)
def test_what_a_spreadsheet_would_run_is_text(text):
    safe = neutralised(text)
    assert safe != text
    for part in re.split(r"[;\t]", safe):
        assert not re.match(r"\s*[=+\-@\uff1d]", part)
    assert restored(safe) == text


@pytest.mark.parametrize("text", ["-0.25", "+1e-5", "12", ".5", "Blip", "None_of_the_Above", "a=b", "", "H1_a-b"])
def test_numbers_and_words_stay_as_they_are(text):
    assert neutralised(text) == text == restored(text)


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("=+-@'\t\r\n; 0.e"), max_size=12))
def test_neutralised_text_comes_back(text):
    assert restored(neutralised(text)) == text


def test_numbers_stay_numbers_and_nothing_else_runs():
    text = csv_text(("a", "b"), [(-1.5, "=x"), (float("nan"), None), (np.float64(2.5), np.int64(-3))])
    assert text == "a,b\n-1.5,'=x\n,\n2.5,-3\n"


cells = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells), max_size=6))
def test_a_written_table_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    write_csv(path, ("id", "label"), rows)
    found = [tuple(restored(cell) for cell in row.cells.values()) for row in CsvFile(path).rows()]
    assert found == [row for row in rows if any(row)]


def file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def test_rows_name_their_first_line(tmp_path):
    rows = list(CsvFile(file(tmp_path, 'a,b\n1,2\n\n"x\ny",3\n4,5\n')).rows())
    assert [row.line for row in rows] == [2, 4, 6]
    assert [row.where for row in rows] == ["t.csv, line 2", "t.csv, line 4", "t.csv, line 6"]
    assert rows[1].cells == {"a": "x\ny", "b": "3"}


@pytest.mark.parametrize(
    "text", ["a;b\n1;2,5\n", "a\tb\n1\t2,5\n", 'a,b\n1,"2,5"\n', b'\xef\xbb\xbfa , b\r\n1,"2,5"\r\n']
)
def test_separators_byte_order_mark_and_blanks_in_names(tmp_path, text):
    found = CsvFile(file(tmp_path, text))
    assert found.columns == ["a", "b"]
    assert [row.cells for row in found.rows()] == [{"a": "1", "b": "2,5"}]


def test_blanks_at_the_beginning_of_cells_stay_unless_they_are_to_be_skipped(tmp_path):
    path = file(tmp_path, "a,b\n1, x \n")
    assert next(CsvFile(path).rows()).cells == {"a": "1", "b": " x "}
    assert next(CsvFile(path, skip_blanks=True).rows()).cells == {"a": "1", "b": "x "}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t.csv is empty; give a CSV with a line of column names"),
        ("\n1,2\n", r"t.csv is empty"),
        ("a,b,a\n1,2,3\n", r"t.csv has two columns 'a'; remove one of them"),
        (b"a,b\xe9\n", r"t.csv is not UTF-8 \(byte 0xe9 at position 3\); save it in the spreadsheet as CSV UTF-8"),
    ],
)
def test_headers_that_cannot_be_read(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        CsvFile(file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", r"t.csv, line 3: 1 cells under 2 columns; was the file cut off or edited by hand"),
        ("a,b\n1,2,3\n", r"t.csv, line 2: 3 cells under 2 columns"),
        ('a,b\n1,2\n3,"4\n', r"t.csv, line 3: not CSV \(unexpected end of data\); was the file cut off"),
        ('a,b\n1,"2"3\n', r"t.csv, line 2: not CSV"),
        (b"a,b\n" + b"1,2\n" * 5000 + b"\xff,2\n", r"t.csv is not UTF-8 \(byte 0xff at position \d+\)"),
    ],
)
def test_rows_that_cannot_be_read(tmp_path, text, message):
    found = CsvFile(file(tmp_path, text))
    with pytest.raises(InputError, match=message):
        list(found.rows())


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing.csv cannot be read \(No such file or directory\)"):
        CsvFile(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        CsvFile(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"pipe.csv is a pipe, a socket or a device; give a file"):
        CsvFile(tmp_path / "pipe.csv")


def test_a_file_that_goes_between_header_and_rows(tmp_path):
    found = CsvFile(file(tmp_path, "a,b\n1,2\n"))
    found.path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list(found.rows())
