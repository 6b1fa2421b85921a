"""Standard outputs that cannot take what is printed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.gallery import make_gallery

from discovery.commands.console import Terminal
from embed import Study, ingest_folder
from embed.errors import InputError

LABEL = "Gl\N{LATIN SMALL LETTER U WITH DIAERESIS}he"
FULL = Path("/dev/full")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("console")
    make_gallery(folder / "data", {LABEL: 2})
    with Study(folder / "study", create=True) as study, study.run("ingest"):
        ingest_folder(study, folder / "data")
    return folder / "study"


def status(study, *arguments, **options):
    script = "import sys; from discovery.cli import main; raise SystemExit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONIOENCODING": "ascii"}
    return subprocess.run(
        [sys.executable, "-c", script, "status", "--study", study, *arguments],
        check=False,
        env=environment,
        stderr=subprocess.PIPE,
        **options,
    )


def test_a_label_that_ascii_lacks_is_escaped(study):
    done = status(study, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Gl\\xfche" in done.stdout


def test_json_stays_json_in_ascii(study):
    done = status(study, "--json", stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.decode("ascii"))["given"] == {LABEL: 2}


def test_what_is_not_known_is_null(capsys):
    unknown = float("nan")
    Terminal(as_json=True).result({"a": unknown, "rows": [{"b": unknown, "c": 1.5}], "ends": (1, np.float64(unknown))})
    text = capsys.readouterr().out
    assert "NaN" not in text  # which is not JSON
    assert json.loads(text) == {"a": None, "rows": [{"b": None, "c": 1.5}], "ends": [1, None]}


def test_csv_that_ascii_lacks_is_refused(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    with pytest.raises(
        InputError, match=r"encoding ascii, which lacks '\xfc'; set the environment variable PYTHONIOENC"
    ):
        Terminal(as_json=False).csv(f"id,label\na,{LABEL}\n")
    sys.stdout.flush()
    assert written.getvalue() == b""


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_full_device_is_one_clear_line(study, arguments):
    with FULL.open("wb") as full:
        done = status(study, *arguments, stdout=full)
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"discover status: error: cannot write standard output: No space left on device" in done.stderr


def test_a_closed_standard_output_is_quiet(study):
    done = status(study, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_left_is_quiet(study):
    reading, writing = os.pipe()
    os.close(reading)
    done = status(study, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
