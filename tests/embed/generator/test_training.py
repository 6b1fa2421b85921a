"""A training is the same bytes again, resumed or not; it learns; what goes wrong is said."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support.generators import make_pictures, make_training

from embed.errors import StorageError, TrainingError
from embed.generator.growth import Growth
from embed.generator.history import COLUMNS, History
from embed.generator.loop import Plan, fit
from embed.generator.options import CRITICS, OWN
from embed.generator.pictures import Pictures, levels_of
from embed.tensorfile import read_tensors


def contents(folder):
    """Bytes of the samples and the history, tensors and facts of the checkpoints, whose header is in no order."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    plain = {path.name: path.read_bytes() for path in files if path.suffix != ".safetensors"}
    return plain, {path.name: read_tensors(path, "") for path in files if path.suffix == ".safetensors"}


def assert_same(one, other):
    (plain, kept), (plain_again, kept_again) = contents(one), contents(other)
    assert plain == plain_again
    assert kept.keys() == kept_again.keys()
    for name, (tensors, facts) in kept.items():
        again, facts_again = kept_again[name]
        assert facts == facts_again
        assert tensors.keys() == again.keys()
        assert all(torch.equal(tensors[key], again[key]) for key in tensors)


def test_each_resolution_is_shown_twice_the_one_before():
    growth = Growth((4, 8, 16))
    sides = [growth.at(share)[0] for share in np.linspace(0, 1, 7001)]
    assert [sides.count(side) for side in (4, 8, 16)] == pytest.approx([1000, 2000, 4000], abs=2)
    assert growth.at(0.0) == (4, 1.0)
    assert growth.at(1 / 7) == (8, pytest.approx(0.0))
    assert growth.at(1 / 7 + 0.15 * 2 / 7) == (8, pytest.approx(0.5))
    assert growth.at(0.9) == growth.at(1.0) == (16, 1.0)
    assert Growth((4,)).at(0.3) == (4, 1.0)


@pytest.mark.parametrize("critic", CRITICS)
def test_a_stopped_training_ends_with_the_bytes_of_one_that_was_not(tmp_path, critic):
    pictures, plan = make_pictures(), Plan(20, {"seed": 1})
    fit(make_training(pictures, critic=critic), pictures, plan, tmp_path / "whole")

    def stop(done, _):
        if done == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(make_training(pictures, critic=critic), pictures, plan, tmp_path / "again", progress=stop)
    rows = fit(make_training(pictures, seed=1, critic=critic), pictures, plan, tmp_path / "again")
    assert_same(tmp_path / "again", tmp_path / "whole")
    assert [row["step"] for row in rows] == list(range(1, 21))
    other = fit(make_training(pictures, seed=2, critic=critic), pictures, plan, tmp_path / "other")
    assert other[-1]["critic"] != rows[-1]["critic"]


def test_killed_at_any_step_it_ends_with_the_same_bytes(tmp_path):
    pictures, plan = make_pictures(), Plan(16, {"seed": 1})
    fit(make_training(pictures), pictures, plan, tmp_path / "whole")
    script = (
        f"import os, signal, sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r}); import torch; torch.set_num_threads({torch.get_num_threads()})\n"
        "from pathlib import Path; from support.generators import make_pictures, make_training; from embed.generator.loop import Plan, fit\n"
        "def kill(done, whole):\n    if done == int(sys.argv[2]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "p = make_pictures(); fit(make_training(p), p, Plan(16, {'seed': 1}), Path(sys.argv[1]), progress=kill)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "killed"), "9"]
    done = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == -signal.SIGKILL
    fit(make_training(pictures), pictures, plan, tmp_path / "killed")
    assert_same(tmp_path / "killed", tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "killed").glob("*.safetensors")) == [
        "step-00000015.safetensors",
        "step-00000016.safetensors",
    ]


def test_another_training_or_a_damaged_checkpoint_is_not_resumed(tmp_path):
    pictures = make_pictures()
    fit(make_training(pictures), pictures, Plan(2, {"batch": 8}), tmp_path)
    with pytest.raises(TrainingError, match="was another: batch 8 and now 16; ask for the same, or train again"):
        fit(make_training(pictures), pictures, Plan(4, {"batch": 16}), tmp_path)
    path = tmp_path / "step-00000002.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(
        TrainingError,
        match=r"step-00000002.*damaged.*delete it and run the command again to continue from step-00000001",
    ):
        fit(make_training(pictures), pictures, Plan(4, {"batch": 8}), tmp_path)


def test_a_loss_that_is_no_number_stops_with_the_last_good_checkpoint_kept(tmp_path):
    pictures = make_pictures()
    training = make_training(pictures)
    step = training.step

    def spoiled(number, share):
        if number == 3:
            with torch.no_grad():
                training.critic.score.bias.fill_(float("nan"))
        return step(number, share)

    training.step = spoiled
    with pytest.raises(
        TrainingError, match=r"a loss is no number any more near step 4 \(critic nan.*give a lower --lr"
    ):
        fit(training, pictures, Plan(6, {}), tmp_path)
    assert_finite(tmp_path, "step-00000003.safetensors")


def assert_finite(folder, name):
    """The last checkpoint has this name, and is worth going on with."""
    assert max(path.name for path in folder.glob("*.safetensors")) == name
    tensors, _ = read_tensors(folder / name, "")
    assert all(value.isfinite().all() for value in tensors.values())


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    pictures = make_pictures()
    with pytest.raises(StorageError, match=r"cannot write .*: the disk is full"):
        fit(make_training(pictures), pictures, Plan(2, {}), tmp_path)


def test_collapse_is_told_by_class():
    pictures = make_pictures((8, 8))
    training = make_training(pictures)
    history = History(training, pictures)
    history.add(torch.zeros(4))
    assert history.row(1, 1.0)["diversity"] > 0
    with torch.no_grad():  # every picture is the same one
        for layer in training.mean.to_views:
            layer.weight.zero_()
    history.add(torch.zeros(4))
    row = history.row(2, 1.0)
    assert tuple(row) == COLUMNS
    assert row["collapsed"] == "a b"
    assert row["diversity"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("critic", CRITICS)
def test_shared_batches_sum_to_the_same_step(critic):
    """Two processes' shares by hand: gradients of the shares sum to the whole batch's."""
    pictures = make_pictures()
    whole = make_training(pictures, batch=16, critic=critic)
    real, classes, latents, places = whole._batch(5)
    grads = []
    for rows in (slice(0, 16), slice(0, 8), slice(8, 16)):
        training = make_training(pictures, batch=16, critic=critic)
        for optimizer in training.optimizers:
            optimizer.step = lambda: None
        training._critic_step(real[rows], classes[rows], latents[0, rows], places[rows], 1.0)
        training._generator_step(classes[rows], latents[1, rows], 8, 1.0)
        own = [*training.critic.named_parameters("critic"), *training.generator.named_parameters("generator")]
        grads.append({name: weight.grad.clone() for name, weight in own if weight.grad is not None})
    assert len(grads[0]) > 15
    for name, whole_gradient in grads[0].items():
        # in double precision they agree to 15 digits; in single rounding flips the frozen network's clipped activations
        atol = (1e-3 if critic == OWN else 0.05) * float(whole_gradient.abs().max())
        assert torch.allclose(whole_gradient, grads[1][name] + grads[2][name], rtol=0.0, atol=atol), name


def test_it_learns_two_classes_that_differ():
    rng = np.random.default_rng(2)
    levels = rng.integers(20, 60, (200, 3, 8, 8), dtype=np.uint8)
    levels[:100, :, :4] += 150
    levels[100:, :, 4:] += 150
    pictures = Pictures(levels, np.repeat([0, 1], 100), ("top", "bottom"))
    training = make_training(pictures, batch=16, learning_rate=0.003)
    for step in range(150):
        training.step(step, step / 150)
    made = levels_of(training.sample(torch.tensor([0] * 8 + [1] * 8), 7, 8, 1.0)).astype(float)
    contrast = made[:, :, :4].mean(axis=(1, 2, 3)) - made[:, :, 4:].mean(axis=(1, 2, 3))
    assert contrast[:8].mean() > 15
    assert contrast[8:].mean() < -15
    assert ((contrast > 0) == (np.arange(16) < 8)).all()


@pytest.mark.parametrize("last", [False, True])
def test_weights_that_are_no_numbers_are_never_kept(tmp_path, last):
    """A step's losses are those before it: a step that spoils the weights has finite ones."""
    pictures = make_pictures()
    training = make_training(pictures)
    step = training.step

    def spoiled(number, share):
        losses = step(number, share)
        if number == (5 if last else 3):
            with torch.no_grad():
                training.mean.to_views[0].bias.fill_(float("inf"))
        return losses

    training.step = spoiled
    with pytest.raises(
        TrainingError, match=r"a weight is no number any more after step (4|6) \(mean/.*; the last checkpoint is kept"
    ):
        fit(training, pictures, Plan(6, {}), tmp_path)
    assert_finite(tmp_path, f"step-0000000{5 if last else 3}.safetensors")
    fit(make_training(pictures), pictures, Plan(6, {}), tmp_path)
    fit(make_training(pictures), pictures, Plan(6, {}), tmp_path.with_name("whole"))
    assert_same(tmp_path, tmp_path.with_name("whole"))


def test_a_full_disk_keeps_the_last_checkpoint_and_the_same_command_goes_on(tmp_path):
    """The system refuses what grows past a limit, as a full disk does, amid a checkpoint."""
    pictures, plan = make_pictures(), Plan(12, {"seed": 1})
    fit(make_training(pictures), pictures, plan, tmp_path / "whole")
    size = (tmp_path / "whole" / "step-00000012.safetensors").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(done, _):
        if done == 7:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))

    try:
        with pytest.raises(
            StorageError, match=r"cannot write .*step-00000007.*limit is reached.*finished work is kept"
        ):
            fit(make_training(pictures), pictures, plan, tmp_path / "full", progress=fill)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert max(path.name for path in (tmp_path / "full").glob("step-*")) == "step-00000006.safetensors"
    assert not list((tmp_path / "full").rglob("*.tmp"))
    fit(make_training(pictures), pictures, plan, tmp_path / "full")
    assert_same(tmp_path / "full", tmp_path / "whole")


def test_a_really_full_disk(tmp_path):
    """A small file system, filled to the brim, where the tests may mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    pictures, plan = make_pictures(), Plan(6, {"seed": 1})
    try:

        def fill(done, _):
            if done == 4:
                with pytest.raises(OSError, match="No space left"):
                    (small / "filler").write_bytes(bytes(3_000_000))

        with pytest.raises(StorageError, match=r"cannot write .*: the disk is full .*finished work is kept"):
            fit(make_training(pictures), pictures, plan, small / "g", progress=fill)
        (small / "filler").unlink()
        assert max(path.name for path in (small / "g").glob("step-*")) == "step-00000003.safetensors"
        fit(make_training(pictures), pictures, plan, small / "g")
        fit(make_training(pictures), pictures, plan, tmp_path / "whole")
        assert_same(small / "g", tmp_path / "whole")
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def test_a_class_collapses_in_the_midst_of_a_training_and_is_named(tmp_path):
    pictures = make_pictures((8, 8))
    training = make_training(pictures)
    said = []

    def spoil(done, _):
        if done == 3:
            with torch.no_grad():  # every generated glitch becomes the same one
                for module in (training.mean, training.generator):
                    for layer in module.to_views:
                        layer.weight.zero_()

    fit(training, pictures, Plan(4, {}), tmp_path, progress=spoil, report=lambda row: said.append(row["collapsed"]))
    assert said[:2] == ["", ""]
    assert said[2] == "a b"
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines[3].endswith(",a b")
