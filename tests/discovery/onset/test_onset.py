"""Live time by hand, change points against planted ones and astropy's Bayesian blocks, coincidences, and the command's files."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.terminal import run

from discovery.onset.changes import CLAIMED, bursts, change_point, find_changes
from discovery.onset.history import UNLIKELY, history_of, timeline
from discovery.onset.livetime import livetime_of, segments
from discovery.onset.onset import COLUMNS, PATTERNS, find_onsets, read_segments
from discovery.onset.patterns import coincidences, hours_and_weekdays
from discovery.pages.gpstime import utc
from embed import Study
from embed.digits import significant
from embed.errors import InputError
from embed.study.records import Label
from embed.study.reports import latest_reports

DAY = 86400.0
O1 = 1126400000.0


def steady(rng, rate, start, end):
    """Times of a Poisson process, `rate` a day."""
    return rng.uniform(start, end, rng.poisson(rate * (end - start) / DAY))


def test_live_seconds_by_hand():
    live = segments([100.0, 10.0, 15.0], [130.0, 20.0, 40.0])
    assert (live.starts.tolist(), live.ends.tolist(), live.seconds) == ([10.0, 100.0], [40.0, 130.0], 60.0)
    assert live.elapsed([0, 10, 25, 40, 70, 100, 110, 500]).tolist() == [0, 0, 15, 30, 30, 30, 40, 60]
    assert live.gps([0, 15, 45, 60, 99]).tolist() == [10, 25, 115, 130, 130]


@settings(max_examples=100, deadline=None)
@given(
    cuts=st.lists(st.floats(0, 1e6), min_size=2, max_size=12, unique=True).filter(lambda c: len(c) % 2 == 0),
    share=st.floats(0.01, 0.99),
)
def test_live_time_and_gps_are_inverse(cuts, share):
    ordered = sorted(cuts)
    live = segments(ordered[::2], ordered[1::2])
    wanted = share * live.seconds
    assert live.elapsed(live.gps(wanted)) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_pauses_of_all_glitches_are_not_live():
    times = np.concatenate([np.arange(0, DAY, 600), np.arange(3 * DAY, 4 * DAY, 600)])
    live = livetime_of([*times, np.nan])
    assert live.starts.tolist() == [0, 3 * DAY]
    assert live.seconds == pytest.approx(2 * (DAY - 600))
    with pytest.raises(
        InputError,
        match="1 different times of glitches are known: at least 2 are needed to tell when the detector was on; `discover ingest CSV` adds",
    ):
        livetime_of([5.0, 5.0])


@pytest.mark.parametrize(
    ("starts", "ends", "message"),
    [
        ([], [], "0 starts and 0 ends of segments"),
        ([1.0], [1.0], "segment 1 ends at 1.000, not after its start 1.000"),
        ([np.nan], [1.0], "not finite"),
    ],
)
def test_bad_segments_are_refused(starts, ends, message):
    with pytest.raises(InputError, match=message):
        segments(starts, ends)


def test_a_burst_counts_once():
    live = segments([0.0, 20000.0], [9000.0, 30000.0])
    assert bursts(np.array([3700.0, 0.0, 10.0, 3599.0, 8000.0, 20000.0, 23000.0]), live).tolist() == [
        *(0.0, 3700.0, 8000.0),
        23000.0,  # 4,000 live seconds after the last; the one before, 1,000
    ]


def test_times_and_pauses_by_hand():
    live = segments([10.0, 100.0, 300.0], [40.0, 130.0, 310.0])
    assert live.moved_inside(np.array([0.0, 10, 40, 41, 99, 100, 105, 500])).tolist() == [
        10,
        10,
        40,
        40,
        40,
        100,
        105,
        310,
    ]
    assert live.trimmed(0.0, 500.0) == (10.0, 310.0)
    assert live.trimmed(40.0, 300.0) == (100.0, 130.0)
    assert live.trimmed(20.0, 120.0) == (20.0, 120.0)
    assert live.trimmed(50.0, 60.0) == (50.0, 50.0)
    assert live.trimmed(310.0, 400.0) == (310.0, 310.0)
    assert live.longest_pause(20.0, 39.0, least=1.0) is None
    assert live.longest_pause(20.0, 40.0, least=1.0) == (40.0, 100.0)
    assert live.longest_pause(20.0, 120.0, least=61.0) is None
    assert live.longest_pause(30.0, 300.0, least=1.0) == (130.0, 300.0)
    assert live.longest_pause(100.0, 130.0, least=1.0) == (130.0, 300.0)
    assert segments([10.0], [40.0]).longest_pause(0.0, 99.0, least=0.0) is None


BROKEN = segments([O1, O1 + 40 * DAY], [O1 + 10 * DAY, O1 + 50 * DAY])
"""Ten days, thirty of which nothing was recorded, ten days."""


def test_what_ends_before_a_pause_ends_between_its_last_glitch_and_the_next_live_day():
    (fall,) = find_changes(O1 + DAY * np.arange(0, 10.01, 0.25), BROKEN)
    assert O1 + 10 * DAY < fall.low < fall.gps < O1 + 40 * DAY
    assert fall.low < O1 + 12 * DAY
    assert fall.high < O1 + 40.5 * DAY
    assert (fall.before, fall.after, fall.pause) == (pytest.approx(4.1), 0.0, (O1 + 10 * DAY, O1 + 40 * DAY))


def test_what_begins_after_a_pause_begins_between_the_last_live_day_and_its_first_glitch():
    times = O1 + DAY * np.arange(40, 50.01, 0.25)
    (rise,) = find_changes(times, BROKEN)
    assert O1 + 9.5 * DAY < rise.low < rise.gps < rise.high < times[0]
    assert rise.high > O1 + 38 * DAY
    said = history_of(times, np.full(len(times), "H1"), BROKEN).sentences()[1]
    assert said.startswith(
        "Onset or rise between 2015-09-26 and 2015-10-26 (nothing was recorded between; 90 % interval 2015-09-2"
    )
    assert said.endswith("from 0 to 4.1 bursts a live day.")


def test_a_change_in_live_time_is_not_moved_into_a_pause():
    """Six glitches a day from a day after the pause on: the quiet day tells that it was not in the pause."""
    times = O1 + DAY * np.concatenate([[1.0], np.arange(43.0, 50.0, 0.1)])
    (rise,) = find_changes(times, BROKEN)
    assert O1 + 42.5 * DAY < rise.gps < times[1]
    assert rise.pause is None
    assert "nothing was recorded" not in " ".join(history_of(times, np.full(len(times), "H1"), BROKEN).sentences())


def test_a_pause_at_which_an_interval_only_begins_is_said_too():
    times = O1 + DAY * np.concatenate([[1.0], np.arange(40.6, 50.0, 0.4)])
    history = history_of(times, np.full(len(times), "H1"), BROKEN)
    (rise,) = history.changes
    shifted = replace(history, changes=[replace(rise, gps=O1 + 40.3 * DAY)])
    assert "; nothing was recorded between 2015-09-26 and 2015-10-26): from" in shifted.sentences()[1]


def test_a_glitch_outside_the_segments_counts_before_the_pause():
    times = O1 + DAY * np.append(np.arange(0, 10, 0.25), 25.0)
    (fall,) = find_changes(times, BROKEN)
    assert fall.before == pytest.approx(4.1)


def test_onsets_lie_in_their_intervals_whether_anything_was_recorded_then_or_not():
    live = segments(O1 + DAY * np.array([0, 22, 50, 80]), O1 + DAY * np.array([20, 45, 78, 100]))
    rng = np.random.default_rng(6)
    covered = false = 0
    for _ in range(40):
        start = O1 + rng.uniform(15, 85) * DAY
        whole = steady(rng, 2.0, O1, O1 + 100 * DAY)
        whole = whole[live.moved_inside(whole) == whole]
        found = find_changes(whole[whole > start], live)
        covered += any(change.is_rise and change.low <= start <= change.high for change in found)
        false += bool(find_changes(whole, live))
    assert covered >= 34
    assert false <= 1


def test_a_live_time_that_is_guessed_from_a_sample_is_said_and_no_rate_is_told():
    rng = np.random.default_rng(7)
    sample = np.concatenate([steady(rng, 1.0, O1, O1 + 150 * DAY), O1 + 150 * DAY + np.arange(0, 4 * DAY, 6000)])
    live = livetime_of(sample)
    assert live.caution.startswith("The live time, ")
    assert f" days, is guessed from {len(sample)} glitches. They are too few" in live.caution
    assert live.caution.endswith("when it was on with `discover onset --segments FILE`")
    late = sample[sample > O1 + 150 * DAY]
    history = history_of(late, np.full(len(late), "H1"), live)
    assert history.changes == []
    assert history.weekdays.chance is None
    given = segments(live.starts, live.ends)
    assert given.caution == ""
    assert history_of(late, np.full(len(late), "H1"), given).changes
    drawn = timeline({"Late": late}, {"Late": history}, live)
    assert "glitches a day" in drawn.axes[0].get_xlabel()
    assert drawn.axes[0].patches[0].get_data()[0].max() == pytest.approx(14.4, rel=0.15)  # a day, not a live day


def test_two_full_runs_that_lie_far_apart_are_no_sample():
    rng = np.random.default_rng(8)
    runs = [steady(rng, 50.0, start, start + 20 * DAY) for start in (O1, O1 + 900 * DAY)]
    live = livetime_of(np.concatenate(runs))
    assert live.seconds < 0.05 * (live.ends[-1] - live.starts[0])
    assert live.caution == ""
    (rise,) = history_of(runs[1], np.full(len(runs[1]), "H1"), live).changes
    assert O1 + 20 * DAY < rise.gps < O1 + 900 * DAY
    assert rise.pause == pytest.approx((O1 + 20 * DAY, O1 + 900 * DAY), abs=DAY / 4)


def test_onsets_lie_in_their_intervals_and_steady_streams_have_none():
    live = segments([O1], [O1 + 100 * DAY])
    rng = np.random.default_rng(2)
    covered = claimed = false = 0
    for _ in range(40):
        start = O1 + rng.uniform(20, 80) * DAY
        found = find_changes(steady(rng, 2.0, start, O1 + 100 * DAY), live)
        claimed += bool(found)
        covered += any(change.is_rise and change.low <= start <= change.high for change in found)
        false += bool(find_changes(steady(rng, 2.0, O1, O1 + 100 * DAY), live))
    assert claimed == 40
    assert covered >= 34
    assert false <= 1


def test_a_class_that_comes_and_goes_has_two_changes_as_bayesian_blocks_find():
    astropy = pytest.importorskip("astropy.stats")
    rng = np.random.default_rng(3)
    live = segments([O1], [O1 + 90 * DAY])
    times = np.sort(
        np.concatenate([steady(rng, 0.2, O1, O1 + 90 * DAY), steady(rng, 6.0, O1 + 30 * DAY, O1 + 50 * DAY)])
    )
    found = find_changes(times, live)
    assert [change.is_rise for change in found] == [True, False]
    assert found[0].after == found[1].before > 3
    edges = astropy.bayesian_blocks((bursts(times, live) - O1) / DAY, p0=0.01)[1:-1]
    assert len(edges) == 2
    for change, edge, planted in zip(found, edges, (30, 50), strict=True):
        assert (change.gps - O1) / DAY == pytest.approx(edge, abs=1.0)
        assert (change.low - O1) / DAY - 0.5 <= planted <= (change.high - O1) / DAY + 0.5


def test_each_of_several_changes_has_the_interval_between_its_neighbours():
    """A quiet time between two busy ones: the change that is found first is told from all, and its interval reaches over the other."""
    live = segments([O1], [O1 + 300 * DAY])
    found, held, widths = 0, 0, []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        parts = [
            steady(rng, rate, O1 + start * DAY, O1 + end * DAY)
            for rate, start, end in ((3.0, 0, 100), (0.3, 100, 160), (2.5, 160, 300))
        ]
        changes = find_changes(np.concatenate(parts), live)
        found += [change.is_rise for change in changes] == [False, True]
        for change, planted in zip(changes, (100, 160), strict=False):
            held += change.low <= O1 + planted * DAY <= change.high
            widths.append((change.high - change.low) / DAY)
    assert found >= 10  # one change alone explains little here, and is not always decisive
    assert held >= 0.8 * len(widths)
    assert max(widths) < 20


def test_the_bayes_factor_by_numerical_integration():
    """Three times early in a day: both evidences by quadrature over rate and time."""
    times = np.array([0.1, 0.2, 0.25])
    factor, *_ = change_point(times, segments([0.0], [1.0]), (0.0, 1.0), 3.0)
    prior = scipy.stats.gamma(0.5, scale=6.0)  # of mean 3

    def evidence(count, length):
        return scipy.integrate.quad(lambda rate: prior.pdf(rate) * rate**count * np.exp(-rate * length), 0, np.inf)[0]

    grid = np.linspace(0.0025, 0.9975, 200)
    one = np.mean([evidence((times < at).sum(), at) * evidence((times >= at).sum(), 1 - at) for at in grid])
    assert factor == pytest.approx(one / evidence(3, 1.0), rel=0.05)
    assert factor < CLAIMED


def test_hours_are_uneven_only_where_the_live_time_is_not():
    live = segments([O1], [O1 + 40 * DAY])
    rng = np.random.default_rng(4)
    days = O1 - O1 % DAY + DAY * rng.integers(1, 38, 300)
    working = days + 17 + rng.uniform(9, 17, 300) * 3600  # 9 to 17 h UTC
    hours, weekdays = hours_and_weekdays(working, live)
    assert sum(hours.counts[9:17]) == 300
    assert hours.chance < 1e-9
    assert hours.expected == pytest.approx([300 / 24] * 24, rel=0.03)
    assert hours_and_weekdays(steady(rng, 8, O1, O1 + 40 * DAY), live)[0].chance > 1e-3
    by_day = segments(days - days % DAY + 17 + 9 * 3600, days - days % DAY + 17 + 17 * 3600)
    assert hours_and_weekdays(working, by_day)[0].chance > 1e-3
    assert 0 <= weekdays.chance <= 1
    assert hours_and_weekdays(working[:119], live)[0].chance is None  # fewer than five an hour


def test_weekdays_begin_on_monday():
    """The first detection was on a Monday (2015-09-14, 09:50 UTC)."""
    live = segments([1126259462.0 - 60], [1126259462.0 + 60])
    hours, weekdays = hours_and_weekdays(np.array([1126259462.4]), live)
    assert (hours.counts[9], weekdays.counts[0], sum(hours.counts), sum(weekdays.counts)) == (1, 1, 1, 1)
    assert (hours.expected[9], weekdays.expected[0]) == (1.0, 1.0)  # of 120 live seconds


def test_coincidences_by_hand_and_said_loudly():
    live = segments([O1], [O1 + 10 * DAY])
    first = O1 + DAY * np.arange(1, 9)
    gps = np.concatenate([first, first + np.array([0.005, 0.1, 0.2, -0.11, -0.12, 50, 60, 70])])
    ifo = np.repeat(np.array(["H1", "L1"], object), 8)
    seen, expected, chance = coincidences(gps, ifo, live)
    assert seen == 3
    assert expected == pytest.approx(8 * 8 * 0.22 / (10 * DAY))
    assert chance < 1e-6
    assert "BOTH DETECTORS saw 3 of these at once" in " ".join(history_of(gps, ifo, live).sentences())
    assert coincidences(gps, np.full(16, "H1", object), live) == (0, 0.0, 1.0)


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(5)
    with Study(tmp_path / "study", create=True) as opened:
        with opened.run("ingest"):
            times = {
                "Blip": steady(rng, 20.0, O1, O1 + 60 * DAY),
                "Whistle": steady(rng, 3.0, O1 + 40 * DAY, O1 + 60 * DAY),
                "Untimed": [None, None],
            }
            for label, values in times.items():
                for number, gps in enumerate(values):
                    glitch, _ = opened.add_glitch(f"{label}{number}", "H1" if number % 2 else "L1", gps)
                    opened.add_label(glitch, Label(label, "file", "test"))
        yield opened


def test_the_files_of_a_study(study):
    found = find_onsets(study)
    assert list(found.histories) == ["Blip", "Whistle"]
    table = pd.read_csv(found.files["onset.csv"])
    assert tuple(table.columns) == COLUMNS
    assert table["label"].tolist() == ["Blip", "Whistle"]
    assert table["kind"].isna().tolist() == [True, False]
    assert table.loc[1, "kind"] == "rise"
    assert table.loc[1, "low"] <= "2015-10-26 00:26:23 UTC" <= table.loc[1, "high"]  # 40 days on
    with Image.open(found.files["onset.png"]) as figure:
        assert figure.size[0] == 1100
    for label, own in found.histories.items():
        row = table[table["label"] == label].iloc[0]
        said = row[["hour_chance", "weekday_chance", "coincident", "coincident_expected", "coincident_chance"]].tolist()
        meant = [own.hours.chance, own.weekdays.chance, own.coincident, own.coincident_expected, own.coincident_chance]
        assert said == pytest.approx([np.nan if value is None else value for value in meant], rel=0.01, nan_ok=True)
        assert own.coincident_chance > UNLIKELY  # written all the same
    cells = pd.read_csv(found.files["patterns.csv"])
    assert tuple(cells.columns) == PATTERNS
    for (label, pattern), own in cells.groupby(["label", "pattern"]):
        history = found.histories[label]
        meant = history.hours if pattern == "hour" else history.weekdays
        assert own["cell"].tolist()[:1] == (["0"] if pattern == "hour" else ["Monday"])
        assert own["bursts"].tolist() == list(meant.counts)
        assert own["expected"].sum() == pytest.approx(history.bursts, abs=0.01) == own["bursts"].sum()
    assert list(find_onsets(study, ["Whistle"]).histories) == ["Whistle"]
    with pytest.raises(InputError, match="no glitch labelled Untimed has a known time"):
        find_onsets(study, ["Untimed"])


def test_the_command_says_what_a_doubtful_live_time_lacks(study, capsys):
    with study.run("test"):
        study.connection.execute("UPDATE glitches SET gps = NULL WHERE glitch % 40 > 0")
        study.connection.commit()
    code, out, _ = run(capsys, "onset", "--study", study.folder)
    assert code == 0
    assert out.count("when it was on with `discover onset --segments FILE`") == 1
    assert "bursts a live day" not in out
    code, out, _ = run(capsys, "onset", "--study", study.folder, "--json")
    assert json.loads(out)["caution"] == livetime_of(study.glitches()["gps"]).caution
    assert latest_reports(study)[0].answer.endswith("--segments FILE`.")


def test_hours_and_weekdays_are_drawn_with_their_chances(study):
    found = find_onsets(study)
    figure = timeline(found.times, found.histories, found.livetime)
    for place, history in enumerate(found.histories.values()):
        hours, weekdays = figure.axes[3 * place + 1], figure.axes[3 * place + 2]
        for panel, own in ((hours, history.hours), (weekdays, history.weekdays)):
            bars, line = (patch.get_data()[0].tolist() for patch in panel.patches)
            assert (tuple(bars), tuple(line)) == (own.counts, own.expected)
            assert panel.get_title("left") == (
                "too few to test" if own.chance is None else f"chance {significant(own.chance, 1)}"
            )
    assert figure.axes[1].get_title("left").startswith("chance")  # of 1,200 glitches


def test_the_longest_chance_is_not_cut_in_a_paper(study):
    """A digit that is cut off would be another chance."""
    found = find_onsets(study)
    smallest = {
        name: replace(own, weekdays=replace(own.weekdays, chance=2e-108)) for name, own in found.histories.items()
    }
    figure = timeline(found.times, smallest, found.livetime, width=7.0)
    figure.canvas.draw()
    hours, weekdays = figure.axes[1:3]
    titles = [
        next(one for one in panel.get_children() if getattr(one, "get_text", str)() == panel.get_title("left"))
        for panel in (hours, weekdays)
    ]
    assert titles[0].get_window_extent().x1 < titles[1].get_window_extent().x0
    assert titles[1].get_window_extent().x1 <= figure.bbox.x1


def test_known_changes_of_the_first_observing_run(real_data):
    """Low-frequency lines came up in L1 in the last days of October 2015, with bursts; the whistles are those of a week in January 2016."""
    table = pd.read_csv(real_data / "gravityspy_o1_table.csv")
    live = livetime_of(table["GPStime"])
    assert 80 < live.seconds / DAY < 120

    def changes(label):
        own = table[table["label"] == label]
        return history_of(own["GPStime"], own["ifo"], live).changes

    def reaches(change, first, last):
        """Whether a change and its whole interval are between two days."""
        return first <= utc(change.low)[:10] <= utc(change.gps)[:10] <= utc(change.high)[:10] <= last

    (lines,) = changes("Low_Frequency_Lines")
    assert lines.is_rise
    assert reaches(lines, "2015-10-25", "2015-10-29")
    assert lines.after > 30 * lines.before
    onset = changes("Low_Frequency_Burst")[0]
    assert onset.is_rise
    assert utc(onset.low)[:10] <= "2015-10-25" <= utc(onset.high)[:10] <= "2015-10-29"
    rise, fall = changes("Whistle")
    assert (rise.is_rise, fall.is_rise) == (True, False)
    assert (utc(rise.gps)[:10], utc(fall.gps)[:10]) == ("2016-01-05", "2016-01-11")
    assert reaches(rise, "2016-01-04", "2016-01-07")
    assert reaches(fall, "2016-01-10", "2016-01-12")
    assert changes("Blip") == []
    chirps = table[table["label"] == "Chirp"]  # signals, or injections of them: in both detectors
    assert "BOTH DETECTORS" in " ".join(history_of(chirps["GPStime"], chirps["ifo"], live).sentences())


def test_segments_from_a_file(tmp_path):
    path = tmp_path / "segments.txt"
    path.write_text("# science mode\n10 20\n0,30,45\n\n")
    live = read_segments(path)
    assert (live.starts.tolist(), live.ends.tolist()) == ([10.0, 30.0], [20.0, 45.0])
    path.write_text("10 twenty\n")
    with pytest.raises(InputError, match="line 1: '10 twenty' is no start and end in GPS seconds"):
        read_segments(path)
    path.write_text("# nothing\n")
    with pytest.raises(InputError, match="have no line with a start and an end"):
        read_segments(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_segments(tmp_path / "absent")
