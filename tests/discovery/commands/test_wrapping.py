"""Tables at the width of a terminal."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from discovery.commands.console import Terminal
from discovery.commands.wrapping import fit_table

STORE = "efficientnet_lite0-glitch-1.0,2.0,4.0-e13706dbdb"
TABLES = {  # as `status`, `novel`, `check` and `cluster` print them
    "status": (
        ("name", "rows", "dimension", "left out", "graph"),
        [(STORE, "613786", "1280", "0", "30 neighbours, approximate, recall 0.998 (0.997 to 0.999)")],
    ),
    "novel": (
        ("rank", "id", "label", "as odd of all", "as odd of its likest class", "alike"),
        [("1", "L1_pN8e5GCYMQ", "None_of_the_Above", "1 in 613,787", "Low_Frequency_Burst, 1 in 12,345", "19")],
    ),
    "check": (
        ("part", "state", "what"),
        [
            (
                f"vectors {STORE}",
                "damaged",
                "passport.json: not as it was written -> discover check --repair makes it again",
            )
        ],
    ),
    "cluster": (
        ("cluster", "glitches", "share", "medoid", "verdict", "nearest classes"),
        [("0", "25", "14.8 %", "L1_pN8e5GCYMQ", "part of a known class", "Low_Frequency_Burst, High_Frequency_Burst")],
    ),
}


@pytest.mark.parametrize("table", TABLES)
def test_names_break_at_natural_places_at_80_columns(capsys, monkeypatch, table):
    monkeypatch.setenv("COLUMNS", "80")
    columns, rows = TABLES[table]
    Terminal(as_json=False).table("Table", columns, rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rule = next(number for number, line in enumerate(lines) if "──" in line)
    starts = [match.start() for match in re.finditer(r"(?<=  )\S", lines[rule - 1])]
    for start, end, cell in zip(starts, [*starts[1:], 80], rows[0], strict=True):
        pieces = [piece for line in lines[rule + 1 :] if (piece := line[start:end].strip())]
        left = cell
        for piece in pieces[:-1]:  # nothing lost, every line ends after _ - / , or before a space
            assert left.startswith(piece)
            left = left.removeprefix(piece)
            assert left[0] == " " or piece[-1] in "_-/,", pieces
            left = left.lstrip()
        assert left == pieces[-1]


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.tuples(*[st.text("ab_-/, 19é光", max_size=30)] * n), min_size=1, max_size=4)
    ),
    st.integers(8, 60),
)
def test_no_character_is_lost_and_the_room_is_kept(rows, room):
    fitted = fit_table(["head"] * len(rows[0]), rows, room)[1:]
    for row, own in zip(rows, fitted, strict=True):
        assert [re.sub(r"\s", "", cell) for cell in own] == [re.sub(r"\s", "", cell) for cell in row]
    widths = [
        max(cell_len(line) for cell in column for line in cell.split("\n")) for column in zip(*fitted, strict=True)
    ]
    assert sum(widths) <= room


def test_markup_and_emoji_of_a_name_stay_text(capsys):
    Terminal(as_json=False).table("Table", ("label",), [("[bold]x",), (":smile:",)])
    out = capsys.readouterr().out
    assert "[bold]x" in out
    assert ":smile:" in out
