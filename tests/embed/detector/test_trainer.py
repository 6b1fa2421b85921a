"""From options to a detector in its folder: the same bytes, resumed or not, and what is refused."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from embed.detector import DetectorOptions, Examples, SourceOptions, load_detector, loop, train_detector
from embed.detector.feed import least_snr
from embed.detector.model import log_odds
from embed.detector.networks import make_network
from embed.detector.precision import check_bfloat16
from embed.errors import InputError, StudyError, TrainingError

SOURCE = SourceOptions(waveform="bundled", masses=(30.0, 60.0))
OPTIONS = {"source": SOURCE, "examples": 96, "batch": 16, "device": "cpu", "workers": 0, "curriculum": 0.5}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A detector's folder; read only."""
    folder = tmp_path_factory.mktemp("detectors") / "tiny"
    train_detector(DetectorOptions(out=folder, **OPTIONS))
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_detector_is_a_folder_that_says_what_it_learned_from(trained):
    assert set(contents(trained)) == {"detector.json", "weights.safetensors", "history.csv"}
    assert not trained.with_name("tiny.training").exists()
    card = json.loads((trained / "detector.json").read_text())
    assert card["classes"] == ["noise", "signal"]
    assert card["waveform"] == "bundled"
    assert card["curves"] == {"H1": ["design"], "L1": ["design"]}
    assert card["shown"] == 96
    assert len((trained / "history.csv").read_text().splitlines()) == 7
    detector = load_detector(trained)
    assert detector.source == SOURCE


def test_a_training_that_is_stopped_anywhere_ends_in_the_same_bytes(trained, tmp_path):
    class StoppedError(Exception):
        pass

    for limit in (40, 70):  # between two checkpoints, then after a few more

        def stop(done, whole, limit=limit):
            if done >= limit:
                raise StoppedError

        with pytest.raises(StoppedError):
            train_detector(DetectorOptions(out=tmp_path / "tiny", **OPTIONS), progress=stop)
    with pytest.raises(TrainingError, match="the training that was stopped was another: batch 16 and now 8"):
        train_detector(DetectorOptions(out=tmp_path / "tiny", **OPTIONS | {"batch": 8}))
    other = OPTIONS | {"source": replace(SOURCE, snr=(6.0, 9.0))}
    with pytest.raises(TrainingError, match=r"was another: snr \[.*\] and now \[6.0, 9.0\]; ask for the same"):
        train_detector(DetectorOptions(out=tmp_path / "tiny", **other))
    seen = []
    options = DetectorOptions(
        out=tmp_path / "tiny", **OPTIONS | {"workers": 1}
    )  # another process makes the same examples
    train_detector(options, progress=lambda done, whole: seen.append((done, whole)))
    assert seen[0] == (80, 96)
    assert contents(tmp_path / "tiny") == contents(trained)


def test_the_same_command_again_changes_nothing_and_another_needs_to_replace(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "tiny")
    left = tmp_path / "tiny.training"  # by a kill while the checkpoints were removed
    left.mkdir()
    shutil.copyfile(trained / "history.csv", left / "history.csv")
    train_detector(DetectorOptions(out=folder, **OPTIONS))
    assert contents(folder) == contents(trained)
    assert not left.exists()
    other = DetectorOptions(out=folder, **OPTIONS | {"examples": 32})
    with pytest.raises(
        InputError, match="already, with other examples; give another --out, or --replace to replace it"
    ):
        train_detector(other)
    assert train_detector(replace(other, replace=True)).card["shown"] == 32
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="exists and is not an empty folder"):
        train_detector(DetectorOptions(out=tmp_path / "full", **OPTIONS))


def planned(monkeypatch, losses):
    """Let the checks of a training find these losses; returns the list to which it adds the weights at each check."""
    kept, plain = [], loop._row

    def row(training, *arguments):
        found = plain(training, *arguments) | {"validation_loss": losses[len(kept)]}
        kept.append(training.weights())
        return found

    monkeypatch.setattr(loop, "_row", row)
    return kept


@pytest.mark.parametrize(
    ("patience", "losses", "checks", "best"),
    [
        (2, (0.9, 0.5, 0.7, 0.8, 0.8, 0.4), 5, 1),  # the third of the checks after the curriculum, none of two better
        (2, (0.9, 0.5, 0.7, 0.8, 0.6, 0.4), 6, 5),  # one of them was
        (2, (0.1, 0.9, 0.9, 0.8, 0.7, 0.6), 6, 0),  # what was found in the curriculum, on loud signals, stops nothing
        (3, (0.9, 0.5, 0.7, 0.8, 0.8, 0.8), 6, 1),
        (0, (0.1, 0.5, 0.6, 0.7, 0.8, 0.9), 6, 0),  # never
    ],
)
def test_a_training_ends_after_checks_without_improvement(tmp_path, monkeypatch, patience, losses, checks, best):
    kept = planned(monkeypatch, losses)
    options = DetectorOptions(out=tmp_path / "tiny", **OPTIONS | {"patience": patience})
    detector = train_detector(options)
    assert len(kept) == checks
    assert detector.card["shown"] == 16 * checks
    assert detector.card["best"]["examples"] == 16 * (best + 1)
    assert len((tmp_path / "tiny" / "history.csv").read_text().splitlines()) == 1 + checks
    found = detector.network.state_dict()
    assert all(torch.equal(found[name], value) for name, value in kept[best].items())
    assert not (tmp_path / "tiny.training").exists()


def test_a_training_that_was_killed_after_its_early_end_shows_nothing_more(tmp_path, monkeypatch):
    kept = planned(monkeypatch, (0.9, 0.5, 0.7, 0.8, 0.8, 0.4))
    options = DetectorOptions(out=tmp_path / "tiny", **OPTIONS | {"patience": 2})

    class KilledError(Exception):
        pass

    def kill(*_):
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("embed.detector.trainer.save_detector", kill)
        with pytest.raises(KilledError):
            train_detector(options)
    shown = []
    detector = train_detector(options, progress=lambda *done: shown.append(done))
    assert shown == []
    assert detector.card["shown"] == 80
    found = detector.network.state_dict()
    assert all(torch.equal(found[name], value) for name, value in kept[1].items())


def test_the_least_snr_falls_over_the_curriculum(tmp_path):
    options = DetectorOptions(out=tmp_path, **OPTIONS)
    assert [least_snr(options, step, 100) for step in (0, 25, 50, 99)] == [20.0, 12.5, 5.0, 5.0]
    assert least_snr(replace(options, curriculum=0.0), 0, 100) == 5.0


@pytest.mark.parametrize("network", ["gabbard", "tworow", "resnet"])
def test_each_network_learns_loud_signals(network):
    examples = Examples(SOURCE, 1)
    batch = examples.batch(range(16), snr=(30.0, 30.0))
    strain, labels = torch.from_numpy(batch.strain), torch.from_numpy(batch.labels)
    net = make_network(network, 2, 2048, classes=2, seed=1)
    assert net.features(strain[:2]).shape == (2, 64)
    again = make_network(network, 2, 2048, classes=2, seed=1)
    assert all(torch.equal(one, other) for one, other in zip(net.parameters(), again.parameters(), strict=True))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(net(strain), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(("samples", "detectors"), [(4096, 1), (16384, 2)])
@pytest.mark.parametrize("network", ["gabbard", "tworow", "resnet"])
def test_networks_fit_every_segment(network, samples, detectors):
    net = make_network(network, detectors, samples, classes=3).eval()
    with torch.no_grad():
        assert net(torch.zeros(1, detectors, samples)).shape == (1, 3)


def test_the_statistic_does_not_saturate():
    logits = np.array([[0.0, 40.0, 1.0], [0.0, 80.0, 1.0]])
    expected = logits[:, 1] - logsumexp(logits[:, [0, 2]], axis=1)
    assert log_odds(logits, ("noise", "signal", "glitch")) == pytest.approx(expected)
    assert np.diff(expected) == pytest.approx(40.0)  # where both probabilities round to 1


def test_statistic_and_features_of_segments(trained):
    detector = load_detector(trained)
    batch = Examples(SOURCE, 9).batch(range(4))
    statistic = detector.statistic(batch.strain)
    assert statistic.dtype == np.float64
    assert statistic.shape == (4,)
    features = detector.features(batch.strain)
    assert features.dtype == np.float32
    assert features.shape == (4, 64)
    head = detector.network.head
    logits = features @ head.weight.numpy().T + head.bias.numpy()
    assert statistic == pytest.approx(logits[:, 1] - logits[:, 0], abs=1e-4)
    assert detector.statistic(batch.strain[:0]).shape == (0,)


def test_segments_that_it_cannot_read_are_refused(trained):
    detector = load_detector(trained)
    with pytest.raises(
        InputError,
        match=r"reads 1 s of H1 and L1 at 2048 Hz, segments of shape \(n, 2, 2048\); these have shape \(3, 1, 2048\)",
    ):
        detector.statistic(np.zeros((3, 1, 2048)))
    with pytest.raises(InputError, match=r"these have shape \(3, 2, 4096\)"):
        detector.statistic(np.zeros((3, 2, 4096)))
    gap = np.zeros((3, 2, 2048))
    gap[1, 0, 5] = np.nan
    with pytest.raises(InputError, match=r"segment 1 holds NaN or infinite samples \(a gap\?\)"):
        detector.statistic(gap)


def test_a_damaged_detector_is_refused_in_one_line(trained, tmp_path):
    with pytest.raises(InputError, match=r"no detector in .*nothing: it has no detector.json; train one with"):
        load_detector(tmp_path / "nothing")
    folder = shutil.copytree(trained, tmp_path / "tiny")
    weights = (folder / "weights.safetensors").read_bytes()
    (folder / "weights.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(
        StudyError, match=r"weights of the detector .* are damaged \(their checksum is not the card's\)"
    ):
        load_detector(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(StudyError, match="are damaged"):
        load_detector(folder)
    card = json.loads((folder / "detector.json").read_text())
    for change, message in (
        ({"network": "vgg"}, "network 'vgg' with classes"),
        ({"source": {"ifos": ["V1"]}}, "its source is none"),
        ({"source": 3}, "its source is none"),
    ):
        (folder / "detector.json").write_text(json.dumps(card | change))
        with pytest.raises(StudyError, match=message):
            load_detector(folder)
    del card["source"]
    (folder / "detector.json").write_text(json.dumps(card))
    with pytest.raises(StudyError, match="it lacks source; train the detector again with --replace"):
        load_detector(folder)
    (folder / "detector.json").write_text("{")
    with pytest.raises(StudyError, match="cannot be read"):
        load_detector(folder)


@pytest.mark.long
def test_two_processes_train_the_same_detector_but_for_rounding(trained, tmp_path):
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "discovery.cli"),
        *("detector", "train", "--out", str(tmp_path / "two"), "--examples", "96", "--batch", "16"),
        *("--masses", "30", "60", "--waveform", "bundled", "--curriculum", "0.5", "--device", "cpu", "--workers", "0"),
    ]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True)
    batch = Examples(SOURCE, 9).batch(range(8))
    one, two = load_detector(trained), load_detector(tmp_path / "two")
    assert two.card["processes"] == 2
    assert two.statistic(batch.strain) == pytest.approx(one.statistic(batch.strain), abs=1e-2)


def test_bfloat16_that_is_computed_wrongly_is_refused(monkeypatch):
    net = make_network("tworow", 2, 2048, classes=2).train()
    monkeypatch.setattr("torch.autocast", lambda *_, **__: contextlib.nullcontext())
    check_bfloat16(net, 2, 2048)
    assert net.training
    plain = type(net).features
    wrong = iter((1.0, 1.5))  # as float32, then as bfloat16
    monkeypatch.setattr(type(net), "features", lambda self, strain: next(wrong) * plain(self, strain))
    with pytest.raises(TrainingError, match=r"differ from float32's by 50% and 125%; use --precision float32, or"):
        check_bfloat16(net, 2, 2048)
