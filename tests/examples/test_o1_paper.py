"""The O1 paper's example on a tiny training set of the published layout, and its download from a server of our own."""

import hashlib
import http.server
import json
import runpy
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.gallery import draw_levels

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "o1_paper.py"


def write_training_set(path):
    """``/<label>/<sample_type>/<id>/<duration>.png``: luminance planes (1, 140, 170), 0 to 1."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for kind, label in enumerate(("Blip", "Power_Line", "Whistle")):
            for split, count in (("train", 8), ("validation", 3), ("test", 4)):
                for number in range(count):
                    levels = Image.fromarray(draw_levels(rng, kind)).resize((170, 140))
                    plane = (np.asarray(levels) / 255).astype(np.float32)[None]
                    for duration in ("0.5", "1.0", "2.0", "4.0"):
                        file[f"{label}/{split}/{label[:2]}{split[:2]}{number:06d}/{duration}.png"] = plane
    return path


def test_the_papers_tables_from_a_tiny_training_set(tmp_path, monkeypatch, capsys, tiny):
    data = write_training_set(tmp_path / "trainingset.h5")
    monkeypatch.setattr(
        sys,
        "argv",
        ["o1_paper.py", "--data", str(data), "--out", str(tmp_path / "out"), "--networks", tiny["backbone"],
         "--weights", tiny["weights"], "--epochs", "2", "--device", "cpu"],
    )  # fmt: skip
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    out = capsys.readouterr().out
    assert "Table I: accuracy on 12 test glitches" in out
    table = out.split("Table A1")[1]
    for label in ("Blip", "Power_Line", "Whistle"):
        (line,) = [line for line in table.splitlines() if line.startswith(label)]
        assert line.split()[1] == "4"
        assert len(line.split()) == 4  # class, glitches, the network, the baseline
    parts = pd.read_csv(tmp_path / "out" / "study" / "models" / "o1-timm-test_efficientnet" / "parts.csv")
    assert parts["part"].value_counts().to_dict() == {"train": 24, "test": 12, "validation": 9}
    assert (tmp_path / "out" / "results" / "evaluation.html").exists()
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    assert "o1-timm-test_efficientnet is trained already" in capsys.readouterr().out


class _Zenodo(http.server.BaseHTTPRequestHandler):
    """A record with one file, as Zenodo's API describes it; serves ranges."""

    content = bytes(range(256)) * 300
    checksum = hashlib.md5(content).hexdigest()
    asked: list = []  # noqa: RUF012 - one list for the test

    def do_GET(self):
        if self.path == "/record":
            host = f"http://127.0.0.1:{self.server.server_port}"
            item = {
                "key": "set.h5",
                "size": len(self.content),
                "checksum": f"md5:{self.checksum}",
                "links": {"self": f"{host}/content"},
            }
            self._send(200, json.dumps({"files": [item]}).encode())
            return
        given = self.headers.get("Range")
        self.asked.append(given)
        start = int(given.removeprefix("bytes=").rstrip("-")) if given else 0
        self._send(206 if given else 200, self.content[start:])

    def _send(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def zenodo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Zenodo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    _Zenodo.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}/record"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def download():
    return runpy.run_path(str(EXAMPLE))["download"]


def test_the_download_is_whole_and_goes_on_where_it_was(zenodo, download, tmp_path):
    path = download(tmp_path / "set.h5", zenodo)
    assert path.read_bytes() == _Zenodo.content
    assert _Zenodo.asked == [None]
    assert download(path, "http://127.0.0.1:1/nobody") == path  # what is there is not asked for again
    other = tmp_path / "again" / "set.h5"
    other.parent.mkdir()
    other.with_name("set.h5.part").write_bytes(_Zenodo.content[:1000])
    assert download(other, zenodo).read_bytes() == _Zenodo.content
    assert _Zenodo.asked == [None, "bytes=1000-"]


def test_a_damaged_download_is_refused_and_thrown_away(zenodo, download, tmp_path):
    part = tmp_path / "set.h5.part"
    part.write_bytes(b"?" * 1000)
    with pytest.raises(SystemExit, match="is damaged"):
        download(tmp_path / "set.h5", zenodo)
    assert not part.exists()
    assert not (tmp_path / "set.h5").exists()


def test_a_file_that_the_record_lacks(zenodo, download, tmp_path):
    with pytest.raises(SystemExit, match=r"has no other.h5, only set.h5; give --data"):
        download(tmp_path / "other.h5", zenodo)
