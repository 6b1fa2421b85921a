import io
import json
import re
import shutil
import time

import numpy as np
import pytest
from support.terminal import run

from discovery.app.telling import MARK, VARIABLE
from discovery.commands.console import Terminal
from discovery.commands.progress import Lines, duration, ticking
from embed import Study
from embed.errors import InputError
from embed.study.clusterings import save_clusters
from embed.study.records import Label


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def printed():
    return []


def test_lines_at_a_bounded_rate_with_speed_and_time_left(clock, printed):
    lines = Lines("embed", printed.append, clock)
    for done in range(1, 101):
        clock.now += 1
        lines.move(done, 100)
    lines.end()
    assert printed == [
        "embed: 2 of 100, 2 s so far, 1.0 a second, 1 min 38 s left",
        "embed: 32 of 100, 32 s so far, 1.0 a second, 1 min 8 s left",
        "embed: 62 of 100, 1 min 2 s so far, 1.0 a second, 38 s left",
        "embed: 92 of 100, 1 min 32 s so far, 1.0 a second, 8 s left",
        "embed: 100 of 100, 1 min 40 s, 1.0 a second",
    ]


def test_of_work_of_unknown_size_no_time_left_is_said(clock, printed):
    lines = Lines("vectors", printed.append, clock)
    for done in (100, 200):
        clock.now += 5
        lines.move(done, 0)
    clock.now += 30
    lines.tick()
    assert printed == ["vectors: 5 s so far", "vectors: 40 s so far, 2.9 a second"]


def test_finished_work_does_not_count_as_speed(clock, printed):
    """900 vectors existed when the run began: the time left follows from the new ones."""
    lines = Lines("embed", printed.append, clock)
    lines.move(900, 1000)
    clock.now += 10
    lines.move(905, 1000)
    assert printed == ["embed: 905 of 1,000, 10 s so far, 30.0 a minute, 3 min 10 s left"]


def test_a_short_step_prints_nothing(clock, printed):
    lines = Lines("read", printed.append, clock)
    clock.now += 1.9
    lines.move(1, 2)
    lines.step("map")
    clock.now += 1.9
    lines.end()
    assert printed == []


def test_each_long_step_has_a_line_when_it_ends(clock, printed):
    lines = Lines("read", printed.append, clock)
    lines.step("cluster")
    clock.now += 3
    lines.step("map")
    clock.now += 4
    lines.end()
    assert printed == ["cluster: 3 s", "map: 4 s"]


def test_another_name_begins_another_step(clock, printed):
    lines = Lines("train", printed.append, clock)
    lines.move(1, 30, "decode")
    clock.now += 3
    lines.move(30, 30, "decode")
    lines.move(0, 500, "train")
    clock.now += 2
    lines.move(4, 500, "train")
    assert printed == [
        "decode: 30 of 30, 3 s so far, 9.7 a second, 0 s left",
        "decode: 30 of 30, 3 s, 9.7 a second",
        "train: 4 of 500, 2 s so far, 2.0 a second, 4 min 8 s left",
    ]


def test_work_that_calls_nothing_back_has_lines_too(clock, printed):
    lines = Lines("map", printed.append, clock)
    for _ in range(70):
        clock.now += 1
        lines.tick()
    assert printed == ["map: 2 s so far", "map: 32 s so far", "map: 1 min 2 s so far"]


def test_a_thread_ticks_while_the_work_is_silent(printed):
    class Instant(Lines):
        def tick(self):
            printed.append("tick")

    with ticking(Instant("map", printed.append), every=0.001):
        while not printed:
            pass
    assert printed[0] == "tick"


def test_a_failed_step_has_no_last_line(clock, printed):
    lines = Lines("map", printed.append, clock)
    clock.now += 1

    def fail():
        with ticking(lines):
            clock.now += 5
            raise ValueError("no map")

    with pytest.raises(ValueError, match="no map"):
        fail()
    assert all("so far" in line for line in printed)


def test_durations():
    assert [duration(s) for s in (0.2, 59.4, 60, 3599, 3600, 90061)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "1 h 0 min",
        "25 h 1 min",
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_lines_go_to_standard_error(as_json, clock, monkeypatch, capsys):
    monkeypatch.setattr("discovery.commands.console.Lines", lambda what, write: Lines(what, write, clock))
    terminal = Terminal(as_json=as_json)
    with terminal.progress("embed") as move:
        move(1, 10)
        clock.now += 5
        move(2, 10)
    with terminal.steps() as step:
        step("map")
        clock.now += 5
    out, err = capsys.readouterr()
    assert out == ""
    assert "embed: 2 of 10, 5 s, 12.0 a minute" in err
    assert "map: 5 s" in err


class Tty(io.StringIO):
    """A terminal."""

    def isatty(self):
        return True

    def await_text(self):
        end = time.monotonic() + 20
        while not self.getvalue() and time.monotonic() < end:
            time.sleep(0.01)


def show_screen(monkeypatch, at_once):
    """Make standard error a terminal, where no bar is shown for `at_once` seconds; pytest's own would take a fixture's place."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("discovery.commands.console.AT_ONCE_S", at_once)
    monkeypatch.setattr("sys.stderr", screen := Tty())
    return screen


def test_no_bar_for_work_that_is_over_at_once(monkeypatch):
    screen = show_screen(monkeypatch, 20.0)
    terminal = Terminal(as_json=False)
    with terminal.progress("compare"):
        pass
    with terminal.progress("compare") as move:
        move(10, 10)
    with terminal.steps() as step:
        step("map")
    with pytest.raises(InputError), terminal.progress("compare"):
        raise InputError("no such glitch")
    assert screen.getvalue() == ""


def test_a_spinner_names_the_step(monkeypatch):
    screen = show_screen(monkeypatch, 0.0)
    with Terminal(as_json=False).steps() as step:
        step("map")
        screen.await_text()
    assert "map" in screen.getvalue()


def test_a_terminal_shows_a_bar(monkeypatch):
    screen = show_screen(monkeypatch, 0.0)
    terminal = Terminal(as_json=False)
    with terminal.progress("embed") as move:
        screen.await_text()
        move(3, 10)
        move(10, 10, "decode")
    assert "decode" in screen.getvalue()
    assert "10/10" in screen.getvalue()
    assert "so far" not in screen.getvalue()
    screen.truncate(0)
    with terminal.progress("embed") as move:
        screen.await_text()
        move(10, 10)
        move(0, 0, "index")
    shown = screen.getvalue().rpartition("index")[2]
    assert "0/?" in shown  # of the step before nothing is left
    assert "/10" not in shown


def test_the_speed_is_said_as_soon_as_it_is_known(clock, printed):
    """At two seconds nothing is done; at four a tenth is, and the next line after that comes half a minute later."""
    lines = Lines("compare", printed.append, clock)
    lines.move(0, 100)
    for second in range(1, 10):
        clock.now = 1000.0 + second
        lines.move(0 if second < 4 else 10 + second - 4, 100)
    assert printed == [
        "compare: 0 of 100, 2 s so far",
        "compare: 10 of 100, 4 s so far, 2.5 a second, 36 s left",
    ]


def test_a_slow_beginning_does_not_fill_a_log(clock, printed):
    lines = Lines("calibrate", printed.append, clock)
    lines.move(0, 16)
    for second in range(1, 181):
        clock.now = 1000.0 + second
        lines.tick()
    assert len(printed) == 6  # after 2 s, then every 30


@pytest.fixture
def talkative(monkeypatch):
    """Every line is due at once, and blocks are small."""
    monkeypatch.setattr("discovery.commands.progress.EVERY_S", 0.0)
    monkeypatch.setattr("discovery.commands.progress.SHORT_S", 0.0)
    for module in ("search", "batch"):
        monkeypatch.setattr(f"discovery.candidates.{module}.BLOCK", 2)


@pytest.mark.parametrize(
    ("arguments", "counted"),
    [
        (["search", "ID", "-k", "30"], {"compare": 24}),
        (["batch", "0", "-n", "6"], {"compare": 24, "pictures": 0}),
        (["onset"], {"compare rates": 3, "write": 0}),
        (
            ["cluster", "Blip", "--method", "spectral", "--k", "2"],
            {"certificates: stability": 10, "certificates: distances": 2},
        ),
    ],
)
def test_long_commands_say_how_far_they_are_how_fast_and_how_long_it_takes(
    arguments, counted, embedded, tmp_path, capsys, talkative
):
    folder = shutil.copytree(embedded, tmp_path / "study")
    with Study(folder) as study:
        table = study.glitches()
        names = ["Blip"] * 12 + ["a"] * 6 + ["b"] * 6
        with study.run("cluster", {"label": "Blip", "method": "hdbscan"}) as number:
            for place, glitch in enumerate(table.index):
                study.add_glitch(table.loc[glitch, "id"], None, 1.1e9 + 1000.0 * place)
                study.add_label(int(glitch), Label(names[place], "file", "test"))
            save_clusters(study, number, table.index.to_numpy()[:6], np.zeros(6, int), np.ones(6))
        given = [table["id"].iloc[0] if one == "ID" else one for one in arguments]
    code, _, err = run(capsys, *given, "--study", folder)
    assert code == 0
    for step, count in counted.items():
        own = [line for line in err.splitlines() if line.startswith(f"{step}: ")]
        assert own, err
        if count:
            assert any(
                re.search(rf"^{step}: \d+ of {count}, .*, [\d.,]+ a (second|minute), \d+ .* left$", line)
                for line in own
            ), err


def test_the_state_has_the_time_left_as_soon_as_it_is_known(clock, printed):
    lines = Lines("embed", printed.append, clock)
    lines.move(0, 100)
    assert lines.state() == {"what": "embed", "done": 0, "whole": 100, "seconds": 0.0, "left": None}
    clock.now += 5
    lines.move(20, 100)
    assert lines.state() == {"what": "embed", "done": 20, "whole": 100, "seconds": 5.0, "left": 20.0}
    lines.step("map")
    assert lines.state() == {"what": "map", "done": 0, "whole": 0, "seconds": 0.0, "left": None}


def test_a_program_that_asks_is_told_every_second_instead_of_in_lines(monkeypatch, capsys):
    monkeypatch.setattr("discovery.commands.progress.SHORT_S", 0.0)
    monkeypatch.setenv(VARIABLE, "json")
    with Terminal(as_json=False).progress("embed") as move:
        move(3, 9)
        time.sleep(1.3)
    told, *rest = capsys.readouterr().err.rstrip("\n").split("\n")
    assert rest == []
    assert told.startswith(MARK)
    state = json.loads(told.removeprefix(MARK))
    assert (state["what"], state["done"], state["whole"]) == ("embed", 3, 9)
