"""Searches of noise and of strain: segments, slides, livetimes, triggers, and the real events by a matched filter."""

import csv
import json

import h5py
import numpy as np
import pytest
from support.terminal import error_of, run

from discovery.sensitivity import bank as bank_module
from discovery.sensitivity import outputs as outputs_module
from discovery.sensitivity.background import compare
from discovery.sensitivity.backgroundfile import weights_mark
from discovery.sensitivity.bank import build_bank
from discovery.sensitivity.noise import plan_noise, search_noise
from discovery.sensitivity.scan import scan_strain
from discovery.sensitivity.statistic import FilterStatistic, NetworkStatistic, merger_sample, stride_of
from embed.detector.matchedfilter import LIGHT_TRAVEL, MatchedFilter, make_bank
from embed.detector.model import load_detector
from embed.detector.noise import INNER_SECONDS
from embed.detector.options import SourceOptions
from embed.strain.files import open_strain
from embed.strain.record import records
from embed.strain.triggers import read_triggers

SOURCE = SourceOptions()
START = 1_240_000_000


class Coincidence:
    """The loudest product of two detectors within each segment's placement: quick, and one that glitches could fool."""

    name = "coincidence"

    def of_segments(self, strain):
        first, last = (round(share * SOURCE.samples) for share in SOURCE.placement)
        return np.abs(strain[:, 0, first:last] * strain[:, 1, first:last]).max(1).astype(float)

    def of_series(self, values, stride, turns):
        count = (values.shape[-1] - SOURCE.samples) // stride + 1
        found = np.full((len(turns), count), np.nan)
        for row, turn in zip(found, turns, strict=True):
            ring = np.stack([values[0], np.roll(values[1], turn)])
            for place in range(count):
                if not place * stride < turn < place * stride + SOURCE.samples:
                    row[place] = self.of_segments(ring[None, :, place * stride : place * stride + SOURCE.samples])[0]
        return found


def test_a_series_is_its_segments_one_by_one(fresh):
    detector = load_detector(fresh)
    values = np.random.default_rng(0).standard_normal((2, 5 * 2048)).astype(np.float32)
    stride = stride_of(SOURCE)
    assert stride == 408
    found = NetworkStatistic("fresh", detector).of_series(values, stride, (0, 4096))
    assert found.shape == (2, 21)
    for row, turn in zip(found, (0, 4096), strict=True):
        ring = np.stack([values[0], np.roll(values[1], turn)])
        for place, value in enumerate(row.tolist()):
            start = stride * place
            if start < turn < start + 2048:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(
                    float(detector.statistic(ring[None, :, start : start + 2048])[0]), abs=1e-4
                )
    assert np.isnan(found).sum() == 5


@pytest.mark.parametrize("ahead", [0, 1])
def test_the_filter_finds_a_merger_at_the_placement_s_end_whichever_detector_is_reached_first(ahead):
    t = (np.arange(512) - 400) / 2048
    pulse = np.sin(2 * np.pi * 120 * t) * np.exp(-((t / 0.02) ** 2))
    pulse /= np.linalg.norm(pulse)
    search = MatchedFilter(make_bank(np.stack([pulse, pulse])[None], 400, 2048))
    segment = np.zeros((1, 2, 2048), np.float32)
    last = round(0.95 * 2048)
    for place in range(2):
        merger = last + (0 if place == ahead else round(LIGHT_TRAVEL * 2048))
        start = merger - 400
        segment[0, place, start:] = 8 * pulse[: 2048 - start]
    seen = np.linalg.norm(segment, axis=-1)[0]
    found = FilterStatistic(search, SOURCE).of_segments(segment)[0]
    assert found == pytest.approx(np.hypot(*(seen**2 / 8)), rel=0.01)


def test_a_plan_gives_what_is_asked():
    plan = plan_noise(SOURCE, 1000, 3600.0)
    assert plan.blocks == np.ceil(1000 / (2 * INNER_SECONDS - 2))  # a block, and one slide of it but for its seam
    assert len(plan.turns) == 8  # of about a minute each
    assert all(turn % 2048 == 0 for turn in plan.turns)
    longer = plan_noise(SOURCE, 100, 100 * 3600.0)
    assert len(longer.turns) <= 61
    assert longer.blocks * len(longer.turns) * INNER_SECONDS > 100 * 3600
    assert plan_noise(SourceOptions(ifos=("H1",)), 100, 3600.0).turns == ()


@pytest.mark.parametrize("slides", [1, 60])
@pytest.mark.parametrize(("seconds", "placement"), [(1.0, (0.75, 0.95)), (1.0, (0.8, 0.95)), (4.0, (0.5, 0.9))])
def test_a_plan_has_the_segments_and_the_livetime_that_it_says(slides, seconds, placement):
    source = SourceOptions(seconds=seconds, placement=placement)
    for segments, livetime in ((100, 72.0), (5000, 72.0), (5000, 40000.0)):
        plan = plan_noise(source, segments, livetime, slides=slides)
        starts = np.arange(0, round(INNER_SECONDS * source.sample_rate) - source.samples + 1, plan.stride)
        every = next(n for n in range(1, 99) if n * plan.stride >= source.samples - plan.stride / 20)
        whole = [[not start < turn < start + source.samples for start in starts.tolist()] for turn in (0, *plan.turns)]
        assert plan.blocks * sum(sum(row[::every]) for row in whole) >= segments
        seconds_slid = plan.blocks * sum(map(sum, whole[1:])) * plan.stride / source.sample_rate
        assert seconds_slid >= 0.995 * livetime


def test_slides_and_noise_alone_have_one_rate():
    plan = plan_noise(SOURCE, 700, 3 * 3600.0)
    found = search_noise([Coincidence()], SOURCE, plan, seed=11)["coincidence"]
    assert len(found.segments) == 700
    assert found.alone.livetime == pytest.approx(plan.blocks * (INNER_SECONDS - 1), rel=0.01)
    assert found.slides.livetime == pytest.approx(3 * 3600, rel=0.1)
    for one in compare(found.slides, found.alone, [count / found.alone.livetime for count in (300, 100, 30)]):
        assert one.chance > 0.005, one
    loud = found.loudest[0]
    assert loud.statistic == pytest.approx(found.slides.statistic[0], rel=1e-6)
    assert loud.turn in plan.turns


def write(path, ifo, strain, rate=4096, start=START):
    with h5py.File(path, "w") as file:
        data = file.create_dataset("strain/Strain", data=strain)
        data.attrs.update({"Xstart": start, "Xspacing": 1 / rate, "Npoints": len(strain)})
        file["meta/Detector"] = ifo
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """90 s of both detectors, L1 with a gap of 20 s."""
    folder = tmp_path_factory.mktemp("strain")
    rng = np.random.default_rng(4)
    h1, l1 = rng.standard_normal((2, 90 * 4096)) * 1e-21
    l1[40 * 4096 : 60 * 4096] = np.nan
    return write(folder / "H-H1_X-1.hdf5", "H1", h1), write(folder / "L-L1_X-1.hdf5", "L1", l1)


def test_the_time_between_files_is_no_strain(fresh, tmp_path, capsys):
    """Files ten days apart are 40 s: what is searched, and how far it is, is said of these."""
    rng = np.random.default_rng(5)
    files = [
        write(
            tmp_path / f"{ifo[0]}-{ifo}_{k}-1.hdf5",
            ifo,
            rng.standard_normal(20 * 4096) * 1e-21,
            start=START + 864000 * k,
        )
        for ifo in ("H1", "L1")
        for k in (0, 1)
    ]
    out = tmp_path / "triggers.csv"
    code, said, _ = run(capsys, "detector", "scan", fresh, *files, "--slides", 3, "--out", out)
    assert code == 0
    assert "36 s of 40 s searched in 2 stretches" in said
    code, said, _ = run(capsys, "detector", "scan", fresh, files[0], files[2], "--slides", 3, "--out", out, "--json")
    assert json.loads(said)["recorded_s"] == 20
    detector, calls = load_detector(fresh), []
    strain = records(open_strain(path) for path in files)
    scan_strain(
        NetworkStatistic("a", detector),
        strain,
        detector.source,
        slides=3,
        loudest=1,
        progress=lambda *at: calls.append(at),
    )
    assert [(done, whole) for done, whole in calls] == [(19, 40), (39, 40)]


def test_scan_writes_triggers_that_scan_reads(fresh, pair, tmp_path, capsys):
    out = tmp_path / "triggers.csv"
    code, said, _ = run(capsys, "detector", "scan", fresh, *pair, "--slides", 3, "--loudest", 4, "--out", out)
    assert code == 0
    assert "s of 90 s searched in 2 stretches; the rest is gaps, bad data, strain of one detector alone, or" in said
    triggers, skipped = read_triggers(out, ["H1", "L1"])
    assert len(triggers) == 8
    assert not skipped
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {row["ifo"] for row in rows} == {"H1", "L1"}
    assert sorted({int(row["rank"]) for row in rows}) == [1, 2, 3, 4]
    for row in rows:
        assert float(row["far_hz"]) == pytest.approx(
            (int(row["louder_background"]) + 1) / float(row["background_s"]), rel=1e-6
        )
        assert float(row["far_low_hz"]) <= float(row["far_hz"])
        assert not START + 39 < float(row["gps"]) < START + 61  # the gap, and a second beside it
    assert rows == sorted(rows, key=lambda row: float(row["gps"]))


def test_triggers_quieter_than_the_background_that_is_kept_are_left_out(fresh, pair, tmp_path, capsys, monkeypatch):
    plain, kept = tmp_path / "plain.csv", tmp_path / "kept.csv"
    run(capsys, "detector", "scan", fresh, *pair, "--slides", 3, "--loudest", 4, "--out", plain)
    with plain.open() as file:
        loud = sorted({float(row["statistic"]) for row in csv.DictReader(file)}, reverse=True)
    mark = weights_mark(load_detector(fresh).card["weights_sha256"])
    lines = [f"renamed,{mark},time slides,3600,{value}" for value in (loud[0] + 1, loud[1] - 1e-3)]
    kept.write_text("\n".join(["search,weights,how,livetime_s,statistic", *lines, ""]))
    for most, left in ((3, 4), (2, 2)):
        monkeypatch.setattr(outputs_module, "MOST_ROWS", most)
        out = tmp_path / f"{most}.csv"
        code, said, _ = run(
            capsys, "detector", "scan", fresh, *pair, "--background", kept, "--loudest", 4, "--out", out
        )
        assert code == 0
        assert len(out.read_text().splitlines()) == 1 + 2 * left
        assert ("quieter ones of the strain have no rate" in said) == (left < 4)


def test_what_scan_refuses(fresh, pair, tmp_path, capsys):
    out = tmp_path / "triggers.csv"
    h1, _ = pair
    assert "there is no strain of L1, only of H1" in error_of(capsys, "detector", "scan", fresh, h1, "--out", out)
    slow = write(tmp_path / "L-L1_X-1.hdf5", "L1", np.zeros(90 * 1024), 1024)
    assert "strain at 1024 Hz does not suit a detector for 2048 Hz" in error_of(
        capsys, "detector", "scan", fresh, h1, slow, "--out", out
    )
    rng = np.random.default_rng(0)
    later = write(tmp_path / "L-L1_X-2.hdf5", "L1", rng.standard_normal(20 * 4096), start=START + 500)
    assert "no 8 s of good strain in common" in error_of(capsys, "detector", "scan", fresh, h1, later, "--out", out)
    assert "no detector in" in error_of(capsys, "detector", "scan", tmp_path, h1, "--out", out)
    assert "missing.hdf5" in error_of(capsys, "detector", "scan", fresh, tmp_path / "missing.hdf5", "--out", out)
    folder = error_of(capsys, "detector", "scan", fresh, tmp_path, "--out", out)
    assert folder == f"discover detector scan: error: {tmp_path} is a folder; give the files in it\n"
    assert not out.exists()


@pytest.mark.parametrize("event", [1126259462.4, 1135136350.6, 1167559936.6])
def test_the_real_events_are_the_loudest_of_their_files_by_matched_filter(event, real_data, monkeypatch):
    """GW150914, GW151226 and GW170104: within a tenth of a second, which is half of a placement."""
    monkeypatch.setattr(bank_module, "PROPOSED", 250)
    monkeypatch.setattr(bank_module, "TRIED", 20)
    folder = real_data / "strain" / "gwosc"
    files = [path for path in folder.glob("*.hdf5") if 0 < event - int(path.stem.split("-")[-2]) < 32]
    assert len(files) == 2
    built = build_bank(SOURCE, 0.95, seed=1)
    found = scan_strain(
        FilterStatistic(built.search, SOURCE), records(map(open_strain, files)), SOURCE, slides=5, loudest=3
    )
    assert found.candidates[0].gps == pytest.approx(event, abs=0.15)
    assert found.background.livetime > 100


def test_a_statistic_s_time_is_the_middle_of_its_placement():
    assert merger_sample(SOURCE) == round(0.85 * 2048)
