import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from support.audited import store_vectors
from support.gallery import make_gallery
from support.terminal import run

from discovery.commands import installation
from discovery.commands.installation import find_disk, find_machine, find_packages
from embed import Study, ingest_folder


def states(found):
    return {item.what: (item.state, item.found, item.remedy) for item in found}


@pytest.fixture
def folder(tmp_path):
    """A study of two glitches with a picture, one without, and vectors."""
    make_gallery(tmp_path / "data", {"Blip": 2})
    with Study(tmp_path / "study", create=True) as study:
        with study.run("ingest"):
            ingest_folder(study, tmp_path / "data")
            with study.transaction():
                study.add_glitch("bare", "H1", None)
        store_vectors(study, np.array([1, 2]), np.eye(2, 5, dtype=np.float32))
    return tmp_path / "study"


def test_a_study_and_an_installation_that_are_well(capsys, folder):
    code, out, _ = run(capsys, "doctor", "--study", folder)
    assert code == 0
    assert "ok        study 3 glitches, 2 views, 2 labels, 1 run in" in out
    assert "ok        pictures 1 glitch has none: `discover fetch` may download them" in out
    assert ": 2 x 5" in out
    assert out.endswith("all is well\n")


def test_json_names_what_is_wrong(capsys, tmp_path):
    (tmp_path / "study.db").write_text("no database, but long enough to be looked at as one" * 9)
    code, out, _ = run(capsys, "doctor", "--json", "--study", tmp_path)
    assert code == 0
    result = json.loads(out)
    assert result["problems"] == 1
    (item,) = [item for item in result["findings"] if item["state"] == "problem"]
    assert item["what"] == "study"
    assert "is not a study database" in item["remedy"]


def test_damaged_vectors(capsys, folder):
    next(folder.glob("vectors/*/passport.json")).write_text("{")
    out = run(capsys, "doctor", "--study", folder)[1]
    assert "problem   vectors" in out
    assert "1 to mend: the lines that begin with 'problem' say how" in out


def test_no_study_yet(capsys, tmp_path):
    code, out, _ = run(capsys, "doctor", "--study", tmp_path / "new")
    assert code == 0
    assert f"ok        study none in {tmp_path / 'new'} yet: make one with `discover ingest PATH`" in out
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["numpy>=1"], {"numpy": "ok"}),
        (["numpy>=99"], {"numpy": "problem"}),
        (["no-such-thing>=1"], {"no-such-thing": "problem"}),
        (['no-such-thing>=1; extra == "strain"'], {"no-such-thing": "optional"}),
        (['no-such-thing>=1; extra == "test"'], {}),
    ],
)
def test_versions_are_compared(monkeypatch, lines, expected):
    monkeypatch.setattr(installation, "requires", lambda _: lines)
    found = {name: state for name, (state, *_) in states(find_packages()).items()}
    assert found == {"python": "ok", "glitch-discovery": "ok", **expected}


def test_remedies(monkeypatch):
    monkeypatch.setattr(installation, "requires", lambda _: ["numpy>=99", 'lost>=1; extra == "runtime"'])
    found = states(find_packages())
    assert found["numpy"][1:] == (f"{np.__version__}, but >=99 is needed", "pip install 'numpy>=99'")
    assert found["lost"][2] == "pip install 'glitch-discovery[runtime]'"


@pytest.mark.parametrize(
    ("cuda", "state", "words"),
    [("13.0", "ok", "torch is built for CUDA 13.0"), (None, "problem", "built without CUDA")],
)
def test_a_graphics_card(monkeypatch, tmp_path, cuda, state, words):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB, 80000 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(installation, "_torch_cuda", lambda: cuda)
    found = states(find_machine())["graphics card"]
    assert found[0] == state
    assert "NVIDIA H100, 81559 MiB, 80000 MiB free" in found[1]
    assert words in found[1]


def test_the_cuda_of_torch_is_read_from_its_file():
    torch = pytest.importorskip("torch")
    assert installation._torch_cuda() == torch.version.cuda


def test_a_full_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    found = find_disk(tmp_path / "not" / "yet")
    assert (found.state, found.found) == ("problem", f"0.0 GiB free at {tmp_path}")


def test_it_imports_no_engine(tmp_path):
    script = (
        f"import sys; from discovery.cli import main; main(['doctor', '--study', {str(tmp_path)!r}]);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'faiss', 'pandas', 'sklearn', 'timm', 'umap')))"
    )
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    assert time.monotonic() - began < 60
