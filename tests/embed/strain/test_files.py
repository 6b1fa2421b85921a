"""Strain files of all three kinds, records with gaps, open data, the scan."""

import os
import re

import h5py
import numpy as np
import pytest
import torch

from embed.errors import InputError
from embed.qtransform.picture import quantise
from embed.qtransform.transform import q_scan, q_views
from embed.strain import opendata
from embed.strain import record as record_module
from embed.strain.files import StrainFile, open_strain
from embed.strain.record import Block, StrainRecord, records
from embed.strain.scan import scan
from embed.strain.triggers import Trigger, trigger_at
from embed.study.report import Skip

RATE = 1024
START = 1126259000
DQ = ["DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3"]
SHAPE = (24, 28)


def noise(seconds, seed=0, rate=RATE):
    return np.random.default_rng(seed).standard_normal(int(seconds * rate))


def write_gwosc(path, strain, *, start=START, rate=RATE, ifo="H1", mask=None, **header):
    """A file in GWOSC's layout; `header` overrides what it says of itself."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("strain/Strain", data=strain)
        data.attrs.update(
            {
                "Npoints": header.get("npoints", len(strain)),
                "Xstart": start,
                "Xspacing": header.get("spacing", 1 / rate),
            }
        )
        if ifo is not None:
            file["meta/Detector"] = ifo
        file["meta/Duration"] = header.get("duration", len(strain) / rate)
        seconds = int(np.ceil(len(strain) / rate))
        file["quality/simple/DQmask"] = (
            np.full(seconds, 127, np.uint32) if mask is None else np.asarray(mask, np.uint32)
        )
        file["quality/simple/DQShortnames"] = np.array([name.encode() for name in DQ])
    return path


def opened(path, strain, **options):
    return open_strain(write_gwosc(path, strain, **options))


# Files


def test_gwosc_file(tmp_path):
    x = noise(16)
    mask = np.full(16, 127)
    mask[5] &= ~0b10  # CBC_CAT1 off in the sixth second
    file = opened(tmp_path / "a.hdf5", x, mask=mask)
    assert (file.ifo, file.start, file.size, file.sample_rate) == ("H1", START, 16 * RATE, RATE)
    assert file.end == START + 16
    np.testing.assert_array_equal(file.read(100, 300), x[100:300])
    assert file.off(START, START + 16) == [(START + 5, "CBC_CAT1")]
    assert file.off(START + 4.5, START + 5.1, ["CBC_CAT1"]) == [(START + 5, "CBC_CAT1")]
    assert file.off(START + 6, START + 9) == []
    assert file.off(START, START + 16, ["DATA", "UNKNOWN"]) == []


def test_real_gwosc_file(real_data):
    path = real_data / "strain" / "gwosc" / "L-L1_LOSC_4_V2-1126259446-32.hdf5"
    timeseries = pytest.importorskip("gwpy.timeseries")
    file = open_strain(path, ifo="L1")
    theirs = timeseries.TimeSeries.read(path, format="hdf5.gwosc")
    assert (file.start, file.sample_rate, file.size) == (theirs.t0.value, theirs.sample_rate.value, theirs.size)
    np.testing.assert_array_equal(file.read(0, file.size), theirs.value)
    state = timeseries.StateVector.read(path, format="hdf5.gwosc")
    assert all((file.quality[name] == (state.value >> bit & 1)).all() for bit, name in enumerate(DQ))


def test_gwpy_hdf5_file(tmp_path):
    timeseries = pytest.importorskip("gwpy.timeseries")
    x = noise(4)
    series = timeseries.TimeSeries(x, sample_rate=RATE, t0=START, channel="L1:GDS-CALIB_STRAIN", name="strain")
    path = tmp_path / "gwpy.hdf5"
    series.write(path, path="data", overwrite=True)
    file = open_strain(path)
    assert (file.ifo, file.start, file.sample_rate, file.channel) == ("L1", START, RATE, "data")
    np.testing.assert_array_equal(file.read(10, 20), x[10:20])
    assert file.off(START, START + 4) == []  # it has no quality bits: none is asked of it
    series.write(path, path="other", append=True)
    with pytest.raises(InputError, match=r"has 2 series .*data, other.*name one: --channel"):
        open_strain(path)
    assert open_strain(path, channel="other").channel == "other"
    with pytest.raises(InputError, match=r"no series .* named 'third'; there are: data, other"):
        open_strain(path, channel="third")


def test_gwf_file(tmp_path):
    timeseries = pytest.importorskip("gwpy.timeseries")
    x = noise(8)
    path = tmp_path / "H-H1_TEST-1126259000-8.gwf"
    series = timeseries.TimeSeries(x, sample_rate=RATE, t0=START, channel="H1:TEST-STRAIN", name="H1:TEST-STRAIN")
    series.write(path)
    file = open_strain(path)
    assert (file.ifo, file.start, file.size, file.sample_rate) == ("H1", START, 8 * RATE, RATE)
    np.testing.assert_array_equal(file.read(RATE, 2 * RATE), x[RATE : 2 * RATE])
    assert not isinstance(StrainRecord([file]).block_around(START + 4, 3), str)


def test_gwf_without_a_frame_library(tmp_path, monkeypatch):
    pytest.importorskip("gwpy")
    import gwpy.io.gwf

    def refuse(*_, **__):
        raise ImportError("no GWF API available")

    monkeypatch.setattr(gwpy.io.gwf, "get_channel_names", refuse)
    path = tmp_path / "x.gwf"
    path.write_bytes(b"IGWD\0\x08\x04\x08more")
    with pytest.raises(InputError, match=r"needs a frame library .*pip install lalsuite"):
        open_strain(path)


def test_what_is_no_strain_file(tmp_path):
    with pytest.raises(InputError, match=r"none.hdf5 cannot be read \(No such file"):
        open_strain(tmp_path / "none.hdf5")
    text = tmp_path / "text.hdf5"
    text.write_text("GPS,strain\n")
    with pytest.raises(InputError, match=r"neither HDF5 nor GWF .*b'GPS,stra'"):
        open_strain(text)
    whole = write_gwosc(tmp_path / "whole.hdf5", noise(64)).read_bytes()
    torn = tmp_path / "torn.hdf5"
    torn.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"torn.hdf5 is damaged or no strain file"):
        open_strain(torn)
    empty = tmp_path / "empty.hdf5"
    h5py.File(empty, "w").close()
    with pytest.raises(
        InputError, match=r"has no series with a start \(x0\) and a spacing \(dx\); give a file of strain"
    ):
        open_strain(empty)


def test_what_a_file_says_of_itself_must_fit(tmp_path):
    x = noise(8)
    with pytest.raises(InputError, match="is strain of H1, not of L1"):
        open_strain(write_gwosc(tmp_path / "h.hdf5", x), ifo="L1")
    nameless = write_gwosc(tmp_path / "nameless.hdf5", x, ifo=None)
    with pytest.raises(InputError, match=r"does not say which detector .*--ifo H1"):
        open_strain(nameless)
    assert open_strain(nameless, ifo="V1").ifo == "V1"
    assert open_strain(write_gwosc(tmp_path / "K-K1_GWOSC-1-8.hdf5", x, ifo=None)).ifo == "K1"
    with pytest.raises(InputError, match="holds 8192 samples at 1024 Hz, but its header says 9000 samples"):
        opened(tmp_path / "short.hdf5", x, npoints=9000)
    with pytest.raises(InputError, match="holds 8192 samples at 2048 Hz, but its header says 16384 samples"):
        opened(tmp_path / "rate.hdf5", x, rate=2048, duration=8)
    with pytest.raises(InputError, match=r"sample rate of 1000.5 Hz; a whole number .* resample it"):
        opened(tmp_path / "odd.hdf5", x, rate=1000.5)
    with pytest.raises(InputError, match="sample rate of 64 Hz"):
        opened(tmp_path / "low.hdf5", x, rate=64)
    with pytest.raises(InputError, match="nan s apart; the file is damaged"):
        opened(tmp_path / "nan.hdf5", x, spacing=np.nan)
    with pytest.raises(InputError, match="holds no samples"):
        opened(tmp_path / "none.hdf5", x[:0])


def test_series_that_are_no_strain(tmp_path):
    path = tmp_path / "h.hdf5"
    for values, message in (
        (np.zeros((2, 4096)), r"strain/Strain has shape \(2, 4096\); strain is one series of samples"),
        (np.array(["loud", "quiet"], "S5"), r"strain/Strain holds no numbers \(\|S5\)"),
        (h5py.Empty("f8"), r"strain/Strain has shape None; strain is one series of samples"),
    ):
        with h5py.File(path, "w") as file:
            data = file.create_dataset("strain/Strain", data=values)
            data.attrs.update({"Xstart": START, "Xspacing": 1 / RATE})
        with pytest.raises(InputError, match=message):
            open_strain(path, ifo="H1")
    with h5py.File(path, "w") as file:
        file.create_group("strain/Strain")
    with pytest.raises(InputError, match="strain/Strain has shape of a group"):
        open_strain(path, ifo="H1")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("a", shape=(10**10,), dtype="f8", chunks=(1 << 20,))
        data.attrs.update({"x0": START, "dx": 1 / RATE, "channel": "H1:A"})
    with pytest.raises(InputError, match=r"a has 10000000000 samples, the limit is 1073741824; split it"):
        open_strain(path)


def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.hdf5")
    with pytest.raises(InputError, match=r"pipe.hdf5 is a pipe, a socket or a device; give a file"):
        open_strain(tmp_path / "pipe.hdf5")


def test_the_format_is_known_by_the_content_not_by_the_name(tmp_path):
    x = noise(8)
    file = opened(tmp_path / "named.gwf", x)
    np.testing.assert_array_equal(file.read(100, 300), x[100:300])


def test_a_file_that_goes(tmp_path):
    path = write_gwosc(tmp_path / "a.hdf5", noise(8))
    file = open_strain(path)
    path.unlink()
    with pytest.raises(InputError, match=r"cannot be read .*changed since it was opened"):
        file.read(0, 10)


# Records


def test_files_make_one_record(tmp_path):
    x = noise(40)
    parts = [
        opened(tmp_path / f"{k}.hdf5", x[k * 20 * RATE : (k + 1) * 20 * RATE], start=START + 20 * k) for k in (1, 0)
    ]
    record = StrainRecord(parts)
    np.testing.assert_array_equal(record.read(START + 15, 10), x[15 * RATE : 25 * RATE])
    beyond = record.read(START - 2, 4)
    assert np.isnan(beyond[: 2 * RATE]).all()
    np.testing.assert_array_equal(beyond[2 * RATE :], x[: 2 * RATE])
    assert list(record.stretches(64, 6, 8)) == [(START, START + 40)]


def test_records_that_cannot_be(tmp_path):
    x = noise(8)
    h, l = opened(tmp_path / "h", x), opened(tmp_path / "l", x, ifo="L1")  # noqa: E741 - the detector
    assert list(records([l, h])) == ["H1", "L1"]
    with pytest.raises(InputError, match=r"is of H1 and .* of L1"):
        StrainRecord([h, l])
    with pytest.raises(InputError, match=r"both cover GPS 1126259004.000 to 1126259008.000"):
        records([h, opened(tmp_path / "h2", x, start=START + 4)])
    with pytest.raises(InputError, match=r"1024 Hz and .* 2048 Hz"):
        records([h, opened(tmp_path / "h3", x, start=START + 8, rate=2048)])
    with pytest.raises(InputError, match="no strain files"):
        records([])


@pytest.fixture
def gappy(tmp_path):
    """200 s: NaN from 50 to 60 s, category 1 off in second 120, files that join at 100 s; another after a break."""
    x = noise(200)
    x[50 * RATE : 60 * RATE] = np.nan
    mask = np.full(100, 127)
    mask[20] &= ~0b10010
    files = [
        opened(tmp_path / "a.hdf5", x[: 100 * RATE]),
        opened(tmp_path / "b.hdf5", x[100 * RATE :], start=START + 100, mask=mask),
        opened(tmp_path / "c.hdf5", noise(30, 1), start=START + 210),
    ]
    return x, StrainRecord(files)


def test_block_is_gravity_spy_s_where_there_is_one(gappy):
    x, record = gappy
    block = record.block_around(START + 160.3, 3)
    assert (block.start, len(block.values)) == (START + 128, 64 * RATE)  # round(160.3 - 32)
    np.testing.assert_array_equal(block.values, x[128 * RATE : 192 * RATE])


@pytest.mark.parametrize(
    ("at", "start", "seconds"),
    [
        (20.4, 0, 50),
        (5.0, 0, 50),
        (64.0, 60, 60),
        (118.0, 60, 60),
        (126.0, 121, 64),
        (199.0, 136, 64),
        (225.0, 210, 30),
    ],
)
def test_block_moves_or_shrinks_where_strain_is_missing(gappy, at, start, seconds):
    _, record = gappy
    block = record.block_around(START + at, 0.9)
    assert isinstance(block, Block)
    assert (block.start - START, len(block.values) / RATE) == (start, seconds)
    assert np.isfinite(block.values).all()


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (55.0, r"^gap \(NaN\) in a.hdf5$"),
        (120.5, "^data quality: CBC_CAT1, BURST_CAT1 off$"),
        (205.0, "^in none of the 3 H1 files, which span GPS 1126259000.000 to 1126259240.000$"),
        (-3.0, "^in none of the 3"),
        (48.0, r"2.00 s from an end of good strain at GPS 1126259050.000 \(gap \(NaN\) in a.hdf5\); 3 s are needed"),
        (61.5, r"1.50 s from an end of good strain at GPS 1126259060.000 \(gap"),
        (118.5, r"1.50 s .* \(data quality: CBC_CAT1, BURST_CAT1 off\)"),
        (1.0, r"1.00 s from an end of good strain at GPS 1126259000.000 \(in none of the 3"),
        (239.0, r"1.00 s from an end of good strain at GPS 1126259240.000 \(in none of the 3"),
    ],
)
def test_reason_why_there_is_no_block(gappy, at, why):
    _, record = gappy
    reason = record.block_around(START + at, 3)
    assert isinstance(reason, str)
    assert re.search(why, reason), reason


def test_too_little_strain_altogether(tmp_path):
    record = StrainRecord([opened(tmp_path / "a", noise(7))])
    assert record.block_around(START + 3.5, 3) == "7.00 s of good strain around it; 8 s are needed"
    assert len(record.block_around(START + 3.5, 3, longest=6).values) == 6 * RATE


def test_quality_bits_that_are_asked_for(tmp_path):
    mask = np.full(20, 127)
    mask[3] &= ~0b100  # CBC_CAT2
    file = opened(tmp_path / "a", noise(20), mask=mask)
    assert np.isfinite(StrainRecord([file]).read(START, 20)).all()
    strict = StrainRecord([file], required=("CBC_CAT2",)).read(START, 20)
    assert np.flatnonzero(np.isnan(strict)).tolist() == list(range(3 * RATE, 4 * RATE))


@pytest.mark.parametrize(
    ("value", "why"), [(0.0, "always 0"), (1e-21, "always 1e-21"), (np.inf, "infinite"), (np.nan, "NaN")]
)
def test_what_is_no_data_is_a_gap(tmp_path, value, why):
    x = noise(40)
    x[20 * RATE : 21 * RATE] = value
    x[30 * RATE : 30 * RATE + 8] = 0.5  # a few equal samples are data
    record = StrainRecord([opened(tmp_path / "a", x)])
    assert list(record.good()) == [(START, START + 20), (START + 21, START + 40)]
    assert np.isnan(record.read(START + 20.95, 0.1)).tolist() == [True] * 51 + [False] * 51  # as in the whole
    ((_, skip),) = scan({"H1": record}, [trigger_at(START + 20.5, "H1")], shape=SHAPE)
    assert skip == Skip(f"H1_{START + 20.5:.9f}", f"gap ({why}) in a")


def test_stretches_cover_all_good_strain(gappy):
    x, record = gappy
    covered = np.zeros(len(x), dtype=bool)
    blocks = [record.block(*stretch) for stretch in record.stretches(64, 6, 8)]
    for block in blocks:
        assert np.isfinite(block.values).all()
        assert len(block.values) <= 64 * RATE
        first = round((block.start - START) * RATE)
        if first < len(x):
            np.testing.assert_array_equal(block.values, x[first : first + len(block.values)])
            covered[first : first + len(block.values)] = True
    good = np.isfinite(x)
    good[120 * RATE : 121 * RATE] = False
    assert (covered == good).all()
    assert blocks[-1].start == START + 210
    starts = [block.start - START for block in blocks]
    assert starts == [0, 60, 121, 136, 210]  # the last block of a stretch reaches back to be as long as the others


# Open data


def test_open_data_is_fetched_once_and_kept(tmp_path, monkeypatch):
    timeseries = pytest.importorskip("gwpy.timeseries")
    asked = []

    def fetch(ifo, start, end, sample_rate):
        asked.append((ifo, start, end, sample_rate))
        return timeseries.TimeSeries(noise(end - start, rate=sample_rate), sample_rate=sample_rate, t0=start)

    monkeypatch.setattr(timeseries.TimeSeries, "fetch_open_data", fetch)
    for _ in range(2):
        file = opendata.fetch_open_strain("H1", START + 100.4, tmp_path / "strain", seconds=16, sample_rate=4096)
    assert asked == [("H1", START + 92, START + 108, 4096)]
    assert (file.ifo, file.start, file.size) == ("H1", START + 92, 16 * 4096)
    assert [path.name for path in (tmp_path / "strain").iterdir()] == ["H-H1_GWOSC_4KHZ-1126259092-16.hdf5"]


def test_open_data_without_a_network(tmp_path, monkeypatch):
    timeseries = pytest.importorskip("gwpy.timeseries")

    def fetch(*_, **__):
        raise ConnectionError("name resolution failed")

    monkeypatch.setattr(timeseries.TimeSeries, "fetch_open_data", fetch)
    with pytest.raises(InputError, match=r"could be fetched .name resolution failed.; is there a network"):
        opendata.fetch_open_strain("H1", START, tmp_path)
    assert not list(tmp_path.iterdir())


# The scan


def test_scan_gives_views_or_reasons_in_order(gappy):
    x, record = gappy
    triggers = [
        Trigger(START + 55.0, "H1", "gap"),
        Trigger(START + 160.3, "H1", "good", snr=9.0),
        Trigger(START + 160.3, "L1", "other"),
        trigger_at(START + 225.25, "H1"),
        Trigger(START + 161.3, "H1", "next"),
    ]
    found = list(scan({"H1": record}, iter(triggers), shape=SHAPE))
    assert [trigger.gravityspy_id for trigger, _ in found] == ["gap", "good", "other", f"{START + 225.25:.9f}", "next"]
    assert found[0][1] == Skip("H1_gap", "gap (NaN) in a.hdf5")
    assert found[2][1] == Skip("L1_other", "no strain of L1 was given, only of H1")
    block, centre = x[128 * RATE : 192 * RATE], round(32.3 * RATE) / RATE
    np.testing.assert_array_equal(found[1][1], q_views(block[None], RATE, [centre], shape=SHAPE)[0].numpy())
    direct = q_scan(block[None], RATE, [centre], shape=SHAPE)
    good = found[1][0]
    assert (good.q_value, good.snr, good.peak_frequency) == (float(direct.q), 9.0, float(direct.frequency))
    assert found[3][0].snr is not None


def test_scan_in_batches_is_the_same(gappy, monkeypatch):
    _, record = gappy
    triggers = [trigger_at(START + 130 + 5 * k, "H1") for k in range(6)]
    whole = [views for _, views in scan({"H1": record}, triggers, shape=SHAPE)]
    monkeypatch.setattr("embed.strain.scan.BATCH", 2)
    parts = [views for _, views in scan({"H1": record}, triggers, shape=SHAPE)]
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))


def test_a_block_that_cannot_be_transformed_is_listed_alone(tmp_path):
    dead = opened(tmp_path / "dead", np.tile([0.0, 1.0], 32 * RATE))
    alive = opened(tmp_path / "alive", noise(64), start=START + 64 + 10)
    record = StrainRecord([dead, alive])
    one, other = scan({"H1": record}, [trigger_at(START + 32, "H1"), trigger_at(START + 106, "H1")], shape=SHAPE)
    assert isinstance(one[1], Skip)
    assert "no power" in one[1].reason
    assert other[1].shape == (4, *SHAPE)
    assert int(other[1].max()) > 0


def test_scan_of_whitened_strain(tmp_path):
    x = noise(32)
    record = StrainRecord([opened(tmp_path / "a", x)])
    ((_, views),) = scan({"H1": record}, [trigger_at(START + 2.5, "H1")], whitened=True, shape=SHAPE)
    direct = q_scan(x[None], RATE, [2.5], whitened=True, shape=SHAPE)
    assert np.array_equal(views, quantise(direct.energies)[0].numpy())
    ((_, skip),) = scan({"H1": record}, [trigger_at(START + 2.5, "H1")], shape=SHAPE)
    assert "3 s are needed" in skip.reason


def test_the_real_chirps(real_data):
    """GW150914 and GW170104 from both detectors: swept up, loudest near 150 Hz, at the published times."""
    folder = real_data / "strain" / "gwosc"
    strain = records(open_strain(path) for path in sorted(folder.glob("*.hdf5")))
    events = [trigger_at(gps, ifo) for gps in (1126259462.42, 1167559936.59) for ifo in ("H1", "L1")]
    for trigger, views in scan(strain, events):
        assert isinstance(views, np.ndarray), views
        assert trigger.snr > 7.5
        assert 80 < trigger.peak_frequency < 300
        view = views[1].astype(float)  # 1 s
        rows = np.arange(479)
        frequency = 2048 * (10 / 2048) ** ((rows + 1.5) / 480)
        track = []  # the loudest time of each octave's middle, within 0.3 s of the centre
        for low, high in ((40, 70), (100, 160), (160, 260)):
            band = view[(frequency >= low) & (frequency < high)][:, 286 - 172 : 286 + 172].sum(0)
            track.append(int(band.argmax()))
        assert track[0] < track[1] <= track[2] + 2, (trigger, track)


def test_no_block_longer_than_asked(gappy):
    _, record = gappy
    assert record_module.BLOCK_SECONDS == 64
    assert len(record.block_around(START + 20, 3, longest=16).values) == 16 * RATE
    assert torch.isfinite(torch.from_numpy(record.block_around(START + 20, 3, longest=16).values)).all()


def test_strain_file_is_what_it_was_opened_as(tmp_path):
    file = opened(tmp_path / "a", noise(8))
    assert isinstance(file, StrainFile)
    with pytest.raises(AttributeError):
        file.start = 0.0
