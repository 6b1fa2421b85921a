"""Trigger tables under every alias, and loud tiles found where they were planted."""

import math
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.errors import InputError
from embed.strain.detection import ENERGY, TIME, find_triggers, loudest_apart
from embed.strain.files import open_strain
from embed.strain.record import StrainRecord
from embed.strain.triggers import Trigger, read_triggers, trigger_at

RATE = 2048
START = 1126259000.0


def table(tmp_path, text, name="triggers.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


# Tables


def test_zenodo_s_columns(tmp_path):
    path = table(
        tmp_path,
        "event_time,ifo,peak_time,peak_time_ns,start_time,duration,peak_frequency,snr,q_value,gravityspy_id,ml_label\n"
        "1126259462.4,H1,1126259462,412345678,1126259460,0.5,150.5,23.5,11.3,ABCDEfghij,Chirp\n",
    )
    ((trigger,), skipped) = read_triggers(path, ["H1", "L1"])
    assert skipped == []
    assert trigger == Trigger(
        1126259462.412345678, "H1", "ABCDEfghij", 23.5, 150.5, 11.3, {"duration": 0.5}
    )  # seconds and nanoseconds win over the rounded sum


@pytest.mark.parametrize("column", ["event_time", "peakGPS", "GPStime", "gps", "peak_gps", "time", "GPS"])
def test_every_name_of_the_time(tmp_path, column):
    triggers, _ = read_triggers(table(tmp_path, f"snr, {column}\n8.5, 1126259462.5\n"), ["L1"])
    assert triggers == [Trigger(1126259462.5, "L1", "1126259462.500000000", 8.5)]


@pytest.mark.parametrize(("ifo", "identifier"), [("ifo", "gravityspy_id"), ("detector", "uniqueID"), ("IFO", "id")])
def test_every_name_of_detector_and_id(tmp_path, ifo, identifier):
    path = table(tmp_path, f"{identifier},GPStime,{ifo},peakFreq,qvalue\nabc123,1126259462.5,V1,77,5.6\n")
    assert read_triggers(path, ["H1"])[0] == [Trigger(1126259462.5, "V1", "abc123", None, 77.0, 5.6)]


def test_time_from_seconds_and_nanoseconds_alone(tmp_path):
    path = table(tmp_path, "ifo,peak_time,peak_time_ns\nH1,1126259462,500000000\nH1,1126259463,\n")
    assert [t.gps for t in read_triggers(path, [])[0]] == [1126259462.5, 1126259463.0]


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffgps,ifo\r\n1126259462.5,H1\r\n".encode())
    assert len(read_triggers(path, ["H1"])[0]) == 1


def test_blanks_and_semicolons_between_cells(tmp_path):
    for text in ('gps, ifo, id\n1126259462.5, H1, "a"\n', "gps;ifo;id\n1126259462.5;H1;a\n"):
        assert read_triggers(table(tmp_path, text), []) == ([Trigger(1126259462.5, "H1", "a")], [])


def test_rows_that_are_no_triggers_are_listed(tmp_path):
    path = table(
        tmp_path,
        "ifo,gps,gravityspy_id,snr\n"
        "H1,1126259462.5,ok,8\n"
        "H1,1126259462.5,again,8\n"
        "Hanford,1126259463.5,a,8\n"
        "H1,1442324645,unix,8\n"
        "H1,57279.4,mjd,8\n"
        "H1,soon,b,8\n"
        "H1,,c,8\n"
        "H1,nan,d,8\n"
        "H1,1126259464.5,../../etc,8\n"
        "H1,1126259465.5,e,loud\n"
        "L1,1126259462.5,other detector,\n",
    )
    triggers, skipped = read_triggers(path, ["H1"])
    assert [(t.ifo, t.gravityspy_id, t.snr) for t in triggers] == [
        ("H1", "ok", 8.0),
        ("H1", "unix", 8.0),  # 1442324645 is a GPS time too: of 2025
        ("L1", "other detector", None),
    ]
    reasons = {skip.path.split(":")[1]: skip.reason for skip in skipped}
    expected = {
        "3": "repeats H1 at GPS 1126259462.500000000",
        "4": "detector 'Hanford' is none",
        "6": "57279.4 is not a GPS time in seconds",
        "7": "gps 'soon' is not a number",
        "8": "nan is not a GPS time",
        "9": "gps is 'nan', not a finite number",
        "10": "'../../etc' cannot be an id",
        "11": "snr 'loud' is not a number",
    }
    assert set(reasons) == set(expected)
    assert all(reasons[line].startswith(start) for line, start in expected.items()), reasons


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"no column of GPS times \(event_time, .*; its columns are: ifo, when"):
        read_triggers(table(tmp_path, "ifo,when\nH1,3\n"), ["H1"])
    with pytest.raises(InputError, match=r"no detector column \(ifo\) and the strain is of H1, L1"):
        read_triggers(table(tmp_path, "gps\n1126259462.5\n"), ["L1", "H1"])
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        read_triggers(tmp_path / "none.csv", ["H1"])
    with pytest.raises(InputError, match=r"is empty; give a table of triggers: a CSV with a column of GPS"):
        read_triggers(table(tmp_path, ""), ["H1"])
    with pytest.raises(InputError, match=r"triggers.csv, line 3: 3 cells under 2 columns"):
        read_triggers(table(tmp_path, "gps,ifo\n1126259462.5,H1\n1126259463.5,H1,8\n"), ["H1"])
    (tmp_path / "latin.csv").write_bytes(b"gps,ifo\n1126259462.5,H1\xe9\n")
    with pytest.raises(InputError, match=r"is not UTF-8 \(byte 0xe9 at position \d+\)"):
        read_triggers(tmp_path / "latin.csv", ["H1"])


def test_a_time_given_by_hand():
    assert trigger_at(1126259462.5, "L1") == Trigger(1126259462.5, "L1", "1126259462.500000000")
    with pytest.raises(InputError, match=r"57279.4 is not a GPS time in seconds \(such as 1126259462.4\)"):
        trigger_at(57279.4, "L1")


# Loud tiles


def sine_gaussian(times, centre, frequency, q, amplitude):
    envelope = np.exp(-((2 * np.pi * frequency * (times - centre) / q) ** 2))
    return amplitude * envelope * np.cos(2 * np.pi * frequency * (times - centre))


def record_of(tmp_path, strain, gap=None):
    if gap is not None:
        strain[int(gap[0] * RATE) : int(gap[1] * RATE)] = np.nan
    path = tmp_path / "H-H1_X-1-1.hdf5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("strain/Strain", data=strain)
        data.attrs.update({"Xstart": START, "Xspacing": 1 / RATE})
    return StrainRecord([open_strain(path)])


PLANTED = ((12.3, 150, 10, 6.0), (30.0, 40, 6, 5.0), (61.03, 400, 20, 6.0), (62.9, 100, 8, 5.0), (160.5, 250, 12, 6.0))


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """170 s of noise, five signals in it (two near where blocks join), a gap from 140 to 150 s."""
    t = np.arange(170 * RATE) / RATE
    strain = 1e-22 * np.random.default_rng(0).standard_normal(len(t))
    for signal in PLANTED:
        strain += 1e-22 * sine_gaussian(t, *signal)
    return record_of(tmp_path_factory.mktemp("planted"), strain, gap=(140, 150))


def test_planted_signals_are_found_and_nothing_else(planted):
    found = find_triggers(planted)
    assert [trigger.gps - START for trigger in found] == pytest.approx([signal[0] for signal in PLANTED], abs=0.05)
    for trigger, (_, frequency, _, _) in zip(found, PLANTED, strict=True):
        assert trigger.peak_frequency == pytest.approx(frequency, rel=0.15)
        assert trigger.snr > 7.5
        assert trigger.ifo == "H1"
        assert trigger.gravityspy_id == f"{trigger.gps:.9f}"


def test_a_lower_threshold_finds_noise_too(planted):
    found = find_triggers(planted)
    middle = float(np.median([trigger.snr for trigger in found]))
    low, high = find_triggers(planted, snr=5.0), find_triggers(planted, snr=middle)
    assert {t.gps for t in high} < {t.gps for t in found} < {t.gps for t in low}
    assert all(b.gps - a.gps >= 0.5 for a, b in pairwise(low))
    assert min(t.snr for t in low) >= 5.0
    inner = [START + 3, START + 137, START + 153, START + 167]  # not where no view could be made
    assert all(inner[0] <= t.gps < inner[1] or inner[2] <= t.gps < inner[3] for t in low)


def test_dead_time_keeps_the_louder(tmp_path):
    t = np.arange(16 * RATE) / RATE
    strain = np.random.default_rng(1).standard_normal(len(t))
    strain += sine_gaussian(t, 8.0, 200, 10, 5.0) + sine_gaussian(t, 8.8, 200, 10, 8.0)
    record = record_of(tmp_path, strain)
    near = find_triggers(record, dead_time=0.5)
    assert [trigger.gps - START for trigger in near] == pytest.approx([8.0, 8.8], abs=0.05)
    apart = find_triggers(record, dead_time=1.0)
    assert [trigger.gps - START for trigger in apart] == pytest.approx([8.8], abs=0.05)


def test_what_cannot_be_searched(planted, tmp_path):
    with pytest.raises(InputError, match=r"threshold \(0\) and the dead time \(0.5 s\) must be positive"):
        find_triggers(planted, snr=0)
    with pytest.raises(InputError, match="must be positive"):
        find_triggers(planted, dead_time=-1)
    with pytest.raises(InputError, match="no power at some frequency"):
        find_triggers(record_of(tmp_path, np.tile([0.0, 1.0], 8 * RATE)))
    for whitened in (False, True):
        assert find_triggers(record_of(tmp_path, np.zeros(16 * RATE)), whitened=whitened) == []


def test_too_short_to_be_searched(tmp_path):
    assert find_triggers(record_of(tmp_path, np.random.default_rng(0).standard_normal(7 * RATE))) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from([30.0, 31.0, 50.0, 80.0])), max_size=30),
    st.floats(0.01, 5),
)
def test_apart_is_greedy_by_loudness(events, dead_time):
    tiles = np.array([(time, energy, 0, 0) for time, energy in events]).reshape(-1, 4)
    kept = loudest_apart(tiles, dead_time)
    assert (np.diff(kept[:, TIME]) > 0).all() or len(kept) < 2
    expected = []  # one after the other, by the definition
    for time, energy in sorted(events, key=lambda event: (-event[1], event[0])):
        if all(time <= other - dead_time or time >= other + dead_time for other, _ in expected):
            expected.append((time, energy))
    assert len({time for time, _ in events}) < len(events) or sorted(expected) == [
        tuple(k[[TIME, ENERGY]]) for k in kept
    ]


def test_the_first_detection_is_found(real_data):
    """In the 32 s around GW150914, H1's loudest tile is the chirp's, and nothing else reaches its loudness."""
    path = real_data / "strain" / "gwosc" / "H-H1_LOSC_4_V2-1126259446-32.hdf5"
    found = find_triggers(StrainRecord([open_strain(path)]))
    loudest = max(found, key=lambda trigger: trigger.snr)
    assert loudest.gps == pytest.approx(1126259462.42, abs=0.03)
    assert loudest.snr > 1.5 * max((t.snr for t in found if t is not loudest), default=0)
    assert math.isclose(loudest.q_value, 4 * 2**0.5, rel_tol=1e-6)
