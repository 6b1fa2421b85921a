"""``discover watch``: what is new is taken in once, what is half written is left, and the page says what changed."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from support.gallery import make_gallery, view_name
from support.models import make_model
from support.terminal import error_of, run

import discovery.watching.arrivals
import discovery.watching.watch
from discovery.watching.page import Changes, watch_html
from discovery.watching.watch import Watched
from embed import Study
from embed.errors import StorageError
from embed.study.clusterings import latest_clusters, save_clusters
from embed.training.abstention import Abstention
from embed.training.hiddenclasses import HiddenClass, HiddenClasses
from embed.vectors.store import stores

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def kept(tmp_path_factory, tiny):
    """A study that watched a folder once: 20 glitches of two labels, a model, and a clustering."""
    folder = tmp_path_factory.mktemp("watched")
    make_gallery(folder / "in", {"Blip": 12, "Koi_Fish": 12})
    options = ("--backbone", tiny["backbone"], "--weights", tiny["weights"], "--runtime", "torch")
    from discovery.cli import main

    assert main(["watch", str(folder / "in"), "--study", str(folder / "study"), *options]) == 0
    with Study(folder / "study") as study:
        members = study.members("Koi_Fish")
        (store,) = stores(study.folder)
        with study.run("cluster", {"label": "Koi_Fish", "store": store.name, "predicted": False}) as number:
            save_clusters(study, number, members, np.zeros(len(members), np.int64), np.ones(len(members)))
        parts = {name: ("train", "validation", "test")[place % 3] for place, name in enumerate(study.glitches()["id"])}
        make_model(study, tiny, "mine", parts=parts, classes=("Blip", "Koi_Fish"))
    return folder


@pytest.fixture
def study(tmp_path, kept, monkeypatch):
    """The same study at a place of its own; its pictures stay where they are, and new ones come to ``in``."""
    monkeypatch.setattr(discovery.watching.arrivals, "SETTLED_S", 0.0)
    shutil.copytree(kept / "study", tmp_path / "study")
    (tmp_path / "in").mkdir()
    return tmp_path / "study"


def watch(study, capsys, *arguments):
    code, out, err = run(capsys, "watch", study.parent / "in", *arguments, "--study", study, "--json")
    assert code == 0, err
    return json.loads(out)


def test_new_glitches_are_taken_in_once(study, capsys):
    make_gallery(study.parent / "in", {"Blip": 2, "Koi_Fish": 3}, prefix="new", seed=5)
    make_gallery(study.parent / "in", {"": 2}, prefix="free", seed=6)
    done = watch(study, capsys, "--model", "mine")
    assert (done["glitches"], done["views"], done["labels"], done["predicted"]) == (7, 7, 5, 2)
    assert [(own["label"], own["glitches"]) for own in done["updates"]] == [("Koi_Fish", 3)]
    assert done["left"] == []
    assert (done["none_of_these"], done["hidden_classes"]) == (0, None)  # too few held-out glitches
    page = (study / "reports" / "watch" / "watch.html").read_text()
    assert "<b>7</b> new glitches since the last run, of 31 in the study" in page
    assert 'href="../update-Koi_Fish/update.html"' in page
    assert (study / "reports" / "update-Koi_Fish" / "update.html").is_file()
    with Study(study) as opened:
        before = list(opened.connection.iterdump())
        assert len(latest_clusters(opened)) == 15
    assert watch(study, capsys, "--model", "mine") == {"new": False, "left": []}
    with Study(study) as opened:
        assert list(opened.connection.iterdump()) == before


def test_the_page_says_what_abstaining_is_worth(study):
    hidden = HiddenClasses(
        tuple(HiddenClass(name, 20, far, learnt=False) for name, far in [("a", 2), ("b", 15), ("c", 20)])
    )
    done = Watched(far=3, abstention=Abstention(np.ones(3, bool), np.zeros(3), 200, 0.01, hidden))
    with Study(study) as opened:
        page, _ = watch_html(opened, Changes(0, 0, 0, (), (), done.far, done.finds, ""), command="discover watch")
    text = page.replace("&nbsp;", " ").replace("\xa0", " ")
    assert (
        "3 glitches are none of the model&#39;s classes" in text or "3 glitches are none of the model's classes" in text
    )
    assert "How sure that is: it finds 62 % (" in text
    assert Watched().finds == ""


def test_nothing_new_costs_no_engine(study, capsys):
    watch(study, capsys)
    script = "import sys; from discovery.cli import main; code = main(sys.argv[1:]); print(code, [name for name in ('torch', 'hdbscan', 'sklearn') if name in sys.modules])"
    command = [sys.executable, "-c", script, "watch", str(study.parent / "in"), "--study", str(study)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.splitlines() == ["nothing new", "0 []"]


def test_a_half_written_picture_is_left_until_it_is_whole(study, capsys):
    make_gallery(study.parent / "in", {"Blip": 2}, prefix="new", seed=5)
    path = study.parent / "in" / "Blip" / view_name("newa000000001", 4.0)
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    (study.parent / "in" / "notes.txt").write_text("no picture")
    done = watch(study, capsys)
    assert done["views"] == 1
    assert [own["reason"] for own in done["left"]] == ["truncated PNG (ends at byte 3000, before its end mark)"]
    assert "truncated PNG" in (study / "reports" / "watch" / "watch.html").read_text()
    assert watch(study, capsys)["new"] is False
    path.write_bytes(whole)
    done = watch(study, capsys)
    assert (done["glitches"], done["views"], done["left"]) == (1, 1, [])


def test_a_folder_that_is_not_read_is_said_every_time(study, capsys):
    make_gallery(study.parent / "in", {"Blip": 2}, prefix="new", seed=5)
    (study.parent / "in" / "Blip" / "again").symlink_to(study.parent / "in")
    for new in (True, False):
        done = watch(study, capsys)
        assert done["new"] is new
        ((path, reason),) = [(own["path"], own["reason"]) for own in done["left"]]
        assert path.endswith("in/Blip/again")
        assert "it links to" in reason
    assert "remove the link" in (study / "reports" / "watch" / "watch.html").read_text()


def test_a_table_that_is_being_written_is_left(study, capsys):
    table = study.parent / "in.csv"
    table.write_text("gravityspy_id,ifo,label\nnewone,H1,Whistle\nnewtw")
    done = watch(study, capsys, table)
    assert [(own["path"], own["reason"]) for own in done["left"]] == [
        (str(table), "it is being written at this moment")
    ]
    table.write_text(f'gravityspy_id,ifo,label\nnewone,H1,Whistle\nnewtwo,H1,"{HOSTILE}"\n')
    done = watch(study, capsys, table)
    assert (done["glitches"], done["labels"]) == (2, 2)
    page = (study / "reports" / "watch" / "watch.html").read_text()
    assert "<img src=x" not in page
    assert watch(study, capsys, table)["new"] is False


def test_a_run_that_broke_off_is_finished_by_the_next(study, capsys, monkeypatch):
    make_gallery(study.parent / "in", {"Koi_Fish": 3}, prefix="new", seed=5)

    def full(*_, **__):
        raise StorageError("cannot write: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(discovery.watching.watch, "update_clusters", full)
        code, _, err = run(capsys, "watch", study.parent / "in", "--study", study)
        assert (code, err.splitlines()[-1]) == (2, "discover watch: error: cannot write: the disk is full")
    done = watch(study, capsys)
    assert (done["glitches"], [own["glitches"] for own in done["updates"]]) == (0, [3])
    assert "<b>3</b> new glitches since the last run" in (study / "reports" / "watch" / "watch.html").read_text()


def test_what_a_run_did_before_it_broke_off_is_on_the_page_of_the_next(study, capsys, monkeypatch):
    make_gallery(study.parent / "in", {"Koi_Fish": 3}, prefix="new", seed=5)
    whole = shutil.copytree(study, study.parent / "whole")
    assert len(watch(whole, capsys)["updates"]) == 1

    def full(*_, **__):
        raise StorageError("cannot write: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(discovery.watching.watch, "watch_html", full)
        code, _, err = run(capsys, "watch", study.parent / "in", "--study", study)
        assert (code, err.splitlines()[-1]) == (2, "discover watch: error: cannot write: the disk is full")
    assert watch(study, capsys)["updates"] == []
    page, other = ((own / "reports" / "watch" / "watch.html").read_text() for own in (study, whole))
    assert 'href="../update-Koi_Fish/update.html"' in page
    assert "3 new glitches; 0 new clusters, 0 proposals" in page
    assert page.replace(str(study), str(whole)) == other


def test_an_empty_folder_and_mistakes(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    done = watch(tmp_path / "study", capsys)
    assert "No glitch has a picture yet" in done["notes"][0]
    for arguments, message in (
        (("nowhere",), "nowhere does not exist; give a folder of images, or a CSV"),
        ((tmp_path / "study" / "study.db",), "is neither a folder nor a table (.csv, .parquet); give one of these"),
        ((tmp_path / "in", "--model", "mine"), "no model 'mine'"),
        (
            (tmp_path / "in", "--label", "Blip"),
            "the study has no clustering of 'Blip'; run `discover cluster Blip` first",
        ),
    ):
        assert message in error_of(capsys, "watch", *arguments, "--study", tmp_path / "study")
