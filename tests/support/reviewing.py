"""A study to review, and servers of the review app: in this process, or in one that can be killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import uvicorn
from starlette.testclient import TestClient

from audit.review.ledger import Verdict, remember
from discovery.app.security import TOKEN_HEADER, new_token
from discovery.app.server import create_app, listen
from embed import Study
from embed.csvfile import write_csv
from embed.study.clusterings import save_clusters
from embed.study.records import Label
from support.audited import make_study

HOSTILE = "<img src=x onerror=alert(1)>"
HOSTILE_ID = "<img src=x onerror=alert(2)>"
PORT = 8765
LISTED = 60


def make_reviewable(folder: Path) -> Path:
    """120 glitches with vectors, made-up verdicts of an audit, clusters and a map; 12 have a hostile label, one a hostile id."""
    study, _ = make_study(folder)
    with Study(study) as opened:
        with opened.run("ingest"), opened.transaction():
            for glitch in range(1, 13):
                opened.add_label(glitch, Label(HOSTILE, "folder", HOSTILE))
            opened.connection.execute("UPDATE glitches SET id = ? WHERE glitch = 1", (HOSTILE_ID,))
            opened.connection.execute(
                "UPDATE glitches SET metadata = json_object('snr', 5.0 + glitch / 10.0, 'note', ?)", (HOSTILE,)
            )
        glitches = opened.glitches().index.to_numpy(np.int64)
        ids = opened.glitches()["id"].tolist()
        numbers = np.where(np.arange(len(glitches)) % 3 == 2, -1, np.arange(len(glitches)) % 3)
        arguments = {"label": "Blip", "method": "hdbscan", "predicted": False, "k": None, "store": ""}
        with opened.run("audit") as run:
            remember(
                opened, run, "audit-test", {"listed": LISTED, "glitches": 120}, verdicts=_verdicts(opened), subjects=[]
            )
        with opened.run("cluster", arguments) as run:
            save_clusters(opened, run, glitches, numbers, np.ones(len(glitches)))
    points = np.random.default_rng(3).normal(size=(len(ids), 3)).astype(np.float32)
    rows = [(identifier, *map(float, point)) for identifier, point in zip(ids, points, strict=True)]
    write_csv(study / "reports" / "map-tsne-3d" / "coordinates.csv", ("id", "x", "y", "z"), rows)
    return study


def _verdicts(study: Study) -> list[Verdict]:
    """Every label is doubted, the first most; Whistle is suggested, and the hostile label for Whistle."""
    labels = study.glitches()["label"]
    return [
        Verdict(int(glitch), rank, label, HOSTILE if label == "Whistle" else "Whistle", 1 - rank / 200)
        for rank, (glitch, label) in enumerate(labels.items(), 1)
    ]


class Page(TestClient):
    """The app as its own page talks to it: with cookie, token and origin."""

    def __init__(self, folder: Path, port: int = PORT) -> None:
        token, host = new_token(), f"http://127.0.0.1:{port}"
        super().__init__(create_app(folder, token=token, port=port), base_url=host)
        assert self.get(f"/?token={token}").status_code == 200
        self.headers.update({TOKEN_HEADER: token, "origin": host})

    def read(self, address: str) -> dict:
        answer = self.get(address)
        assert answer.status_code == 200, answer.text
        return answer.json()


def decision(audit: str, item: dict, answer: str, key: str, **other) -> dict:
    """What the page sends for one decision."""
    return {"audit": audit, "glitch": item["glitch"], "answer": answer, "key": key, "seen": item["seen"], **other}


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve from a thread of this process; yields the address with its token."""
    listening, token = listen(0), new_token()
    port = listening.getsockname()[1]
    app = create_app(folder, token=token, port=port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/?token={token}"
    finally:
        server.should_exit = True
        thread.join(10)
        app.state.close()
        listening.close()


@dataclass
class Process:
    """A server that `discover explore` started, and a client that has its cookie and token."""

    process: subprocess.Popen
    address: str
    client: httpx2.Client

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.client.close()


def start(folder: Path, port: int = 0) -> Process:
    """Start `discover explore`, and wait until it answers."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "discovery.cli",
            "explore",
            "--study",
            folder,
            "--port",
            str(port),
            "--no-browser",
            "--json",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    text = ""
    while not text.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, "the server ended"
        text += line
    address = json.loads(text)["address"]
    host, _, token = address.partition("/?token=")
    client = httpx2.Client(
        base_url=host, headers={TOKEN_HEADER: token, "origin": host}, timeout=30, follow_redirects=True
    )
    for _ in range(100):
        with contextlib.suppress(httpx2.TransportError):
            assert client.get(f"/?token={token}").status_code == 200
            break
        time.sleep(0.1)
    return Process(process, address, client)
