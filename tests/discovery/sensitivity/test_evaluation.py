"""An evaluation from the command line: tables that agree with each other, the page, figures, the comparison, and refusals."""

import csv
import json

import numpy as np
import pytest
from support.browser import chromium, needs_chromium
from support.detectors import fresh_detector
from support.terminal import error_of, run

from discovery.sensitivity import bank as bank_module
from discovery.sensitivity import evaluation as evaluation_module
from discovery.sensitivity import outputs as outputs_module
from discovery.sensitivity import pictures as pictures_module
from discovery.sensitivity.background import Background
from discovery.sensitivity.curves import Threshold, sensitivity_curve
from discovery.sensitivity.outputs import read_background
from discovery.sensitivity.page import half_found
from embed.detector.model import Detector
from embed.detector.options import SourceOptions
from embed.detector.place import read_card
from embed.errors import InputError
from embed.metrics.intervals import wilson

LOUDNESSES = [4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([0, 0, 1], "at no SNR up to 6"),
        ([2, 3, 4], "from below SNR 4 on"),
        ([0, 1, 4], "from SNR 5.3 on"),
    ],
)
def test_half_of_the_signals_in_words(found, said):
    statistic = [float(k < some) for some in found for k in range(4)]
    curve = sensitivity_curve(np.repeat(LOUDNESSES, 4), statistic, Threshold(0.01, 0.5, 30, 3000, 0.007, 0.014))
    assert "".join(piece for piece, _ in half_found(curve)) == said


SMALL = ("--signals", 6, "--injections", 40, "--glitches", 40, "--livetime", 0.1, "--noise", 1000)


@pytest.fixture(scope="module")
def _quick():
    """A small bank, few examples, and a network's place taken by the loudest product of both detectors, for all tests of this module."""

    def logits(detector, segments):
        loud = np.abs(segments[:, 0, 1500:2000] * segments[:, 1, 1500:2000]).max(1)
        return np.stack(
            [np.zeros(len(segments)), 30 * np.tanh(loud / 30), *np.zeros((len(detector.classes) - 2, len(segments)))], 1
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank_module, "PROPOSED", 120)
        patch.setattr(bank_module, "TRIED", 20)
        patch.setattr(pictures_module, "REFERENCES", 12)
        patch.setattr(pictures_module, "SHOWN", 3)
        patch.setattr(evaluation_module, "MIXED", 60)
        patch.setattr(Detector, "logits", logits)
        yield


@pytest.fixture(scope="module")
def written(fresh, fresh_with_glitches, tmp_path_factory, _quick):
    from discovery.cli import main

    out = tmp_path_factory.mktemp("evaluation")
    typed = ["detector", "evaluate", fresh, "--against", fresh_with_glitches, *SMALL, "--out", out, "--figures", "png"]
    assert main([str(word) for word in typed]) == 0
    return out


def table(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_tables_agree_with_each_other(written):
    searches = ["fresh", "third", "matched filter"]
    rows = table(written / "sensitivity.csv")
    assert list(dict.fromkeys(row["search"] for row in rows)) == searches
    supported = [row for row in rows if row["false_alarm_probability"] == "0.01"]
    assert len(supported) == 3 * 17
    for row in supported:
        assert int(row["noise"]) == 1000
        assert int(row["false_alarms"]) == 10
        assert float(row["share"]) == int(row["found"]) / 6
        assert [float(row["low"]), float(row["high"])] == wilson(int(row["found"]), 6).tolist()
    assert all(
        row["share"] == "" for row in rows if row["false_alarm_probability"] != "0.01"
    )  # nothing is extrapolated
    filtered = {float(row["snr"]): float(row["share"]) for row in supported if row["search"] == "matched filter"}
    assert filtered[4.0] < 0.7
    assert filtered[12.0] == filtered[20.0] == 1
    areas = {
        float(row["snr"]): float(row["auc"]) for row in table(written / "auc.csv") if row["search"] == "matched filter"
    }
    assert areas[12.0] > 0.999

    distances = [row for row in table(written / "distance.csv") if row["search"] == "matched filter"]
    known = [row for row in distances if row["distance_mpc"]]
    background = read_background(written / "background.csv", "")
    assert len(distances) == 5
    for row in distances:
        supported = float(row["far_per_month"]) / (30 * 86400) >= background.least_rate()
        assert bool(row["distance_mpc"]) == supported
    assert known
    assert float(known[0]["low"]) < float(known[0]["distance_mpc"]) < float(known[0]["high"])

    gains = {row["class"]: row for row in table(written / "gains.csv") if row["false_alarm_probability"] == "0.01"}
    counted = [row for row in table(written / "glitches.csv") if row["false_alarm_probability"] == "0.01"]
    for name, column in (("third", "with_other"), ("fresh", "with_this")):
        alarms = sum(int(row["false_alarms"]) for row in counted if row["search"] == name)
        assert int(gains["all"][column]) == alarms
    assert sum(int(row["glitches"]) for row in counted if row["search"] == "fresh") == 40
    shown = {(row["search"], row["class"]): row["shown"] for row in counted}
    assert {shown["fresh", label] for _, label in shown} == {"no"}
    assert {label for (search, label), said in shown.items() if (search, said) == ("third", "no")} == {
        "Blip",
        "Koi_Fish",
    }
    assert {said for (search, _), said in shown.items() if search == "matched filter"} == {""}

    summary = json.loads((written / "summary.json").read_text())
    assert summary["noise_segments"] == dict.fromkeys(searches, 1000)
    assert np.sum(summary["confusion"]["third"]["counts"]) == 60


def test_the_page_says_what_it_cannot_say(written):
    page = (written / "sensitivity.html").read_text()
    assert "1,000 segments of noise do not support a false-alarm probability of 0.001 or 0.0001" in page
    assert "false alarms a month; nothing is extrapolated" in page
    assert "third was trained without Blip, Koi_Fish." in page
    assert "have a softmax probability of exactly 1" in page or "has a softmax probability of exactly 1" in page
    assert page.count("<svg") >= 8
    assert page.count('src="data:image/png') >= 6
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    figures = sorted(path.name for path in (written / "figures").iterdir())
    assert "sensitivity-0.01.png" in figures
    assert "distance.png" in figures
    assert "roc-snr-8.png" in figures
    assert "sensitivity-0.001.png" not in figures


@needs_chromium
def test_the_first_table_needs_no_scrolling_and_a_phone_scrolls_tables_alone(written, tmp_path):
    with chromium(tmp_path / "profile") as browser:
        browser.open(written / "sensitivity.html", size=(1280, 900))
        browser.wait("document.querySelector('.glance')")
        box = "document.querySelector('.glance').parentElement"
        assert browser.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")
        browser.open(written / "sensitivity.html", size=(390, 844))
        browser.wait("document.querySelector('.glance')")
        assert browser.evaluate("document.documentElement.scrollWidth <= 390")


def test_a_scan_takes_the_background_of_an_evaluation(written, fresh, fresh_with_glitches, tmp_path):
    weights, others = (read_card(folder)[0]["weights_sha256"] for folder in (fresh, fresh_with_glitches))
    own = read_background(written / "background.csv", weights)
    assert read_background(written / "background.csv", others).statistic[0] != own.statistic[0]
    assert isinstance(own, Background)
    assert own.how == "time slides"
    rows = [
        row for row in table(written / "background.csv") if row["search"] == "fresh" and row["how"] == "time slides"
    ]
    assert own.statistic[0] == float(rows[0]["statistic"])
    assert own.livetime == float(rows[0]["livetime_s"]) > 300
    with pytest.raises(InputError, match=r"other weights \(fresh, third, matched filter\); evaluate this detector"):
        read_background(written / "background.csv", "0" * 64)
    odd = tmp_path / "odd.csv"
    odd.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"has columns a, b; give background\.csv"):
        read_background(odd, weights)


@pytest.mark.usefixtures("_quick")
def test_one_seed_gives_one_table(fresh, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(outputs_module, "loud_pictures", lambda *_, **__: pictures_module.LoudPictures([], []))
    few = ("--signals", 2, "--injections", 5, "--glitches", 0, "--livetime", 0.02, "--noise", 100, "--no-filter")
    for name in ("one", "two"):
        code, said, _ = run(capsys, "detector", "evaluate", fresh, *few, "--out", tmp_path / name)
        assert code == 0
    assert str(tmp_path / "two" / "sensitivity.html") in said
    for name in ("sensitivity.csv", "background.csv", "distance.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.usefixtures("_quick")
def test_one_detector_has_no_slides(tmp_path, capsys):
    alone = fresh_detector(tmp_path / "alone", SourceOptions(ifos=("L1",)))
    few = ("--signals", 2, "--injections", 5, "--glitches", 4, "--livetime", 0.02, "--noise", 200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detector, "logits", lambda _, some: np.stack([np.zeros(len(some)), np.abs(some[:, 0]).max(1)], 1))
        code, _, _ = run(capsys, "detector", "evaluate", alone, *few, "--out", tmp_path / "out")
    assert code == 0
    assert {row["how"] for row in table(tmp_path / "out" / "background.csv")} == {"noise alone"}
    assert table(tmp_path / "out" / "agreement.csv") == []
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["noise_segments"] == {"alone": 200, "matched filter": 200}
    assert "time slides against noise" not in (tmp_path / "out" / "sensitivity.html").read_text().lower()
    assert (
        read_background(tmp_path / "out" / "background.csv", read_card(alone)[0]["weights_sha256"]).how == "noise alone"
    )


def test_what_evaluate_refuses(fresh, tmp_path, capsys):
    assert "no detector in" in error_of(capsys, "detector", "evaluate", tmp_path)
    assert "give 100 or more" in error_of(capsys, "detector", "evaluate", fresh, "--noise", 99)
    assert "-1 hours of time slides" in error_of(capsys, "detector", "evaluate", fresh, "--livetime", -1)
    assert "a minimal match of 1.2" in error_of(capsys, "detector", "evaluate", fresh, "--minimal-match", 1.2)
    assert "two detectors are named 'fresh'" in error_of(capsys, "detector", "evaluate", fresh, "--against", fresh)
