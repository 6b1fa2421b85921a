import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from support.gallery import make_gallery
from torch.nn.functional import log_softmax

import audit.heldout.refit
from audit.heldout.refit import refit_network, split_parts, unseen_start
from audit.heldout.refitting import Refitting
from audit.heldout.splits import plan_splits
from discovery.cli import main
from embed import EmbeddingOptions, Study, embed, ingest_folder
from embed.dataset.splits import TEST, TRAIN, VALIDATION
from embed.errors import InputError
from embed.study.records import Label
from embed.training.options import TrainingOptions
from embed.training.trainer import train

COUNTS = {"Blip": 12, "Koi_Fish": 12, "Power_Line": 12}
CLASSES = tuple(sorted(COUNTS))


@pytest.fixture(scope="module")
def mislabelled(tmp_path_factory):
    """36 glitches of three labels, three of them wrong: ids of those."""
    folder = tmp_path_factory.mktemp("mislabelled")
    make_gallery(folder / "data", COUNTS)
    with Study(folder / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, folder / "data")
        table = study.glitches()
        wrong = {}
        with study.run("label"), study.transaction():
            for name, other in zip(CLASSES, CLASSES[1:] + CLASSES[:1], strict=True):
                glitch = int(table.index[table["label"] == name][4])
                wrong[table.loc[glitch, "id"]] = name
                study.add_label(glitch, Label(other, "person", "test"))
    return folder / "study", wrong


@pytest.fixture
def folder(tmp_path, mislabelled):
    shutil.copytree(mislabelled[0], tmp_path / "study")
    return tmp_path / "study"


@pytest.fixture(scope="module")
def refitted(tmp_path_factory, mislabelled, tiny):
    """The splits, what a refit says that nothing stopped, and what came out of every split's network."""
    folder = tmp_path_factory.mktemp("refitted") / "study"
    shutil.copytree(mislabelled[0], folder)
    seen = []
    original = torch.log_softmax
    with Study(folder) as study, pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "log_softmax", lambda *a, **k: seen.append(a[0].clone()) or original(*a, **k))
        given = prepared(study, tiny)
        held_out = refit_network(**given)
    assert not list((folder / "refit").glob("*"))
    return given["plan"], held_out, seen


def prepared(study, tiny, **options):
    """What `refit_network` takes."""
    table = study.glitches()
    codes = np.searchsorted(CLASSES, table["label"])
    return {
        "study": study,
        "glitches": table.index.to_numpy(np.int64),
        "codes": codes,
        "classes": CLASSES,
        "plan": plan_splits(codes, 5, seed=0),
        "refitting": Refitting(tiny["backbone"], tiny["weights"], "4.0", epochs=1, **options),
    }


def test_every_row_is_asked_of_a_network_that_did_not_see_it():
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(4), (20, 9, 2, 1))
    plan = plan_splits(codes, 10, groups=rng.integers(0, 25, len(codes)), seed=3)
    for split in range(len(plan)):
        part = split_parts(plan, split, codes, seed=0)
        train = (part == TRAIN) | (part == VALIDATION)
        assert not (train & plan.test(split)).any()
        np.testing.assert_array_equal(train, plan.train(split))
        tested = part == TEST
        assert (plan.test(split)[tested]).all()
        assert np.isin(codes[tested], codes[part == TRAIN]).all()  # a class that it was not shown proves nothing
        assert np.isin(codes[part == VALIDATION], codes[part == TRAIN]).all()


def test_a_fold_that_holds_nearly_all_leaves_too_little():
    codes = np.repeat(np.arange(3), 6)
    groups = np.where(np.arange(18) % 6 == 0, np.arange(18), 99)
    plan = plan_splits(codes, 5, groups=groups, seed=0)
    split = next(split for split in range(5) if plan.test(split).sum() > 9)
    with pytest.raises(InputError, match=r"split \d leaves 3 glitches to train on, no two of one class; label more"):
        split_parts(plan, split, codes, seed=0)


def test_the_predictions_are_those_of_each_splits_network(refitted):
    plan, held_out, seen = refitted
    assert (held_out.tested == 1).all()
    for split, logits in enumerate(seen):
        rows = np.flatnonzero(plan.test(split))
        np.testing.assert_allclose(held_out.probabilities[0, rows], log_softmax(logits, dim=1).exp().numpy(), rtol=1e-6)


def test_same_seed_same_bytes_stopped_or_not_and_in_several_processes(folder, refitted, tiny, monkeypatch):
    with Study(folder) as study:
        given = prepared(study, tiny)
        steps = []

        def stop(text):
            steps.append(text)
            if len(steps) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            refit_network(**given, step=stop)
        assert len(list((folder / "refit").glob("*/split-*.npy"))) == 3
        trained = []
        original = audit.heldout.refit.fit
        monkeypatch.setattr(audit.heldout.refit, "fit", lambda *a, **k: trained.append(a) or original(*a, **k))
        again = refit_network(**given)
    np.testing.assert_array_equal(refitted[1].probabilities, again.probabilities)
    assert len(trained) == 2


@pytest.mark.long
def test_several_processes_say_the_same(folder, tiny):
    with Study(folder) as study:
        one = refit_network(**prepared(study, tiny))
        two = refit_network(**prepared(study, tiny, processes=2))
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=2e-3)  # other threads, other rounding


class Copied:
    """A cluster of this process: every part is computed by a copy of the work, as another process has it."""

    def __init__(self, address, *, joined):
        joined(f"joined {address}")

    def __call__(self, work, parts, *, needs):
        assert [path.parent.name for path in needs] == ["cache"]  # which the driver filled
        yield from enumerate(map(pickle.loads(pickle.dumps(work)), parts))


def test_a_copy_of_the_work_says_the_same(folder, refitted, tiny):
    steps = []
    with Study(folder) as study:
        copied = Copied("local:3", joined=steps.append)
        copy = refit_network(**prepared(study, tiny), step=steps.append, spread=copied)
        with pytest.raises(
            InputError, match="Ray's workers train on a processor core each, not on cuda; give --device"
        ):
            refit_network(**prepared(study, tiny, device="cuda"), spread=copied)
    np.testing.assert_array_equal(refitted[1].probabilities, copy.probabilities)
    assert steps[0] == "joined local:3"
    assert steps[-1] == "network refitted for 5 of 5 splits"
    assert not list((folder / "refit").glob("*"))


@pytest.mark.long
def test_a_cluster_says_the_same_as_one_thread(folder, tiny):
    pytest.importorskip("ray")
    from embed.fleet.cluster import Fleet

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with Study(folder) as study:
            one = refit_network(**prepared(study, tiny))
            with Fleet("local:2") as fleet:
                two = refit_network(**prepared(study, tiny), spread=fleet)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(one.probabilities, two.probabilities)


def test_the_command_refits_for_each_split_and_says_so(folder, mislabelled, tiny, capsys):
    arguments = [
        "audit",
        "--refit",
        "backbone",
        "--epochs",
        "4",
        "--trust-vectors",
        "--split",
        "random",
        "--study",
        str(folder),
    ]
    arguments += ["--backbone", tiny["backbone"], "--weights", tiny["weights"], "--views", "4.0"]
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["splits"] == 5
    ranking = (folder / "reports" / "audit" / "ranking.csv").read_text().splitlines()
    first = {line.split(",")[1] for line in ranking[1:4]}
    assert len(first & set(mislabelled[1])) >= 2
    assert any("not trained again on the planted errors" in note for note in printed["notes"])
    assert (
        "fine-tuned for each split"
        in json.loads((folder / "reports" / "audit" / "passport.json").read_text())["origin"]
    )


def test_vectors_that_have_learnt_the_labels_are_cross_fitted(folder, tiny, monkeypatch):
    """A model of the study starts from what it was fine-tuned from; its own vectors stay refused."""
    with Study(folder) as study:
        train(
            study, TrainingOptions("first", tiny["backbone"], tiny["weights"], "4.0"), changes={"epochs": 1, "batch": 8}
        )
        embed(study, EmbeddingOptions(weights="model:first"))
    with pytest.raises(InputError, match=r"'first' was fine-tuned from 'tiny\.safetensors', which may have seen"):
        unseen_start(folder, "model:first")
    monkeypatch.setattr("audit.heldout.refit.WEIGHT_SOURCES", ("tiny.safetensors",))
    assert unseen_start(folder, "model:first") == ("tiny.safetensors", tiny["backbone"], "4.0")


def test_weights_of_unknown_past_and_contradictions_are_refused(folder, tiny, capsys, tmp_path):
    assert unseen_start(folder, "bundled") == ("bundled", None, None)
    assert unseen_start(folder, tiny["weights"], trust=True)[0] == tiny["weights"]
    with pytest.raises(InputError, match=r"--refit needs a start that saw none of these labels.*tiny\.safetensors"):
        unseen_start(folder, tiny["weights"])
    for more, message in (
        (("--probabilities", str(tmp_path / "p.csv")), "--refit trains on images, --probabilities needs none"),
        (("--weights", "model:none"), "no model"),
        (("--splits", "3", "--weights", "bundled"), "3 splits"),
    ):
        assert main(["audit", "--refit", "backbone", "--study", str(folder), *more]) == 2
        assert message in capsys.readouterr().err


def test_pictures_that_are_gone_are_named(folder, tiny):
    with Study(folder) as study:
        given = prepared(study, tiny)
        view = next(iter(study.views()))
        path = view.source
        with open(path, "rb") as file:  # noqa: PTH123
            kept = file.read()
        try:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(b"no picture")
            with pytest.raises(InputError, match="1 glitch cannot be read any more, the first: H1_"):
                refit_network(**given)
        finally:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(kept)
