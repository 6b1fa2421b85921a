"""Pictures over HTTP, from a server on this machine that is slow, busy, wrong or gone."""

import csv
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from email.utils import formatdate

import numpy as np
import pytest
from PIL import Image
from support.gallery import draw_levels, png, published
from support.server import serving, status

from embed import Study, ingest_folder, ingest_table
from embed.errors import InputError
from embed.ingest.download import Downloader, Politeness, Refusal
from embed.ingest.fetch import MANIFEST, fetch
from embed.study.addresses import check_addresses

QUICK = Politeness(rate=500, timeout=0.4, tries=3, first_wait=0.01)
PICTURE = png(published(draw_levels(np.random.default_rng(0))))


@pytest.fixture
def server():
    with serving() as answers:
        yield answers


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def metadata(path, url, count=3, label="Blip"):
    """A table as Gravity Spy's: an empty address and a question mark are no addresses."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["gravityspy_id", "ifo", "event_time", "label", "ml_label", "url1", "url2", "url3", "url4"])
        for number in range(count):
            urls = [f"{url}/{number}-{column}.png" for column in range(2)]
            row = [f"glitch{number:04d}", "H1", 1126400000 + number, label, "Tomte", *urls, "", "?"]
            writer.writerow(row)
    return path


@pytest.fixture
def study(tmp_path, server):
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_table(study, metadata(tmp_path / "m.csv", server.url))
        yield study


def rows(study):
    return study.glitches().index.to_numpy()


def serve_all(server, count=3):
    rng = np.random.default_rng(3)
    for number in range(count):
        for column in range(2):
            server.paths[f"/{number}-{column}.png"] = [png(published(draw_levels(rng, column)))]


def test_pictures_become_views_of_their_glitches(study, server, tmp_path):
    serve_all(server)
    report = fetch(study, rows(study), tmp_path / "out", politeness=QUICK)
    assert (report.asked, report.downloaded, report.found, report.refused, report.views) == (6, 6, 0, 0, 6)
    assert (report.glitches, report.labels) == (0, 0)
    assert {view.duration for view in study.views()} == {0.5, 1.0}
    path = tmp_path / "out" / "Blip" / "H1_glitch0002_spectrogram_1.0.png"
    assert path.read_bytes() == server.paths["/2-1.png"][0]
    manifest = list(csv.DictReader((tmp_path / "out" / MANIFEST).read_text().splitlines()))
    assert len(manifest) == 6
    assert manifest[-1] == {
        "id": "H1_glitch0002",
        "duration": "1.0",
        "file": "Blip/H1_glitch0002_spectrogram_1.0.png",
        "url": f"{server.url}/2-1.png",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (agent,) = server.agents
    assert agent.startswith("glitch-discovery/0.")


def test_the_folder_is_one_that_ingest_reads(study, server, tmp_path):
    serve_all(server)
    fetch(study, rows(study), tmp_path / "out", politeness=QUICK)
    with Study(tmp_path / "other", create=True) as other, other.run("ingest"):
        report = ingest_folder(other, tmp_path / "out")
        assert (report.glitches, report.views, report.labels) == (3, 6, 3)
        assert list(other.glitches()["label"]) == ["Blip"] * 3


def test_a_glitch_without_a_given_label_lies_in_no_folder_of_a_label(tmp_path, server):
    serve_all(server)
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_table(study, metadata(tmp_path / "m.csv", server.url, label=""))
        fetch(study, rows(study)[:1], tmp_path / "out", durations=(1.0,), politeness=QUICK)
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["H1_glitch0000_spectrogram_1.0.png"]
    assert (tmp_path / "out" / "H1_glitch0000_spectrogram_1.0.png").exists()


def test_what_is_there_is_not_asked_for_again(study, server, tmp_path):
    serve_all(server)
    fetch(study, rows(study)[:2], tmp_path / "out", politeness=QUICK)
    before = server.asked.copy()
    report = fetch(study, rows(study), tmp_path / "out", politeness=QUICK)
    assert (report.asked, report.downloaded) == (2, 2)
    assert server.asked - before == {"/2-0.png": 1, "/2-1.png": 1}
    assert len((tmp_path / "out" / MANIFEST).read_text().splitlines()) == 7


def test_files_that_the_study_does_not_know_are_taken_or_downloaded_again(study, server, tmp_path):
    """As after a kill between a download and the transaction; a file that another program cut off is replaced."""
    serve_all(server)
    folder = tmp_path / "out" / "Blip"
    folder.mkdir(parents=True)
    whole, cut = (folder / f"H1_glitch0000_spectrogram_{duration}.png" for duration in (0.5, 1.0))
    whole.write_bytes(PICTURE)
    cut.write_bytes(PICTURE[:5000])
    rest = folder / ".H1_glitch0001_spectrogram_0.5.png.17.tmp"
    rest.write_bytes(b"half")
    report = fetch(study, rows(study)[:1], tmp_path / "out", politeness=QUICK)
    assert (report.found, report.downloaded, report.views) == (1, 1, 2)
    assert server.asked == {"/0-1.png": 1}
    assert cut.read_bytes() == server.paths["/0-1.png"][0]
    assert not rest.exists()


def slow(handler):
    time.sleep(0.7)


def drop(handler):
    handler.connection.close()


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        (status(503), 2),
        (status(429, headers={"Retry-After": "0"}), 2),
        (slow, 2),
        (status(200, body=PICTURE[:4000], length=len(PICTURE)), 2),
        (status(200, body=PICTURE[:4000]), 2),
    ],
    ids=["503", "429", "slow", "cut off", "cut off and says so"],
)
def test_what_passes_is_tried_again(server, first, tries):
    server.paths["/a.png"] = [first, PICTURE]
    with Downloader(QUICK) as downloader:
        assert downloader.get(f"{server.url}/a.png") == PICTURE
    assert server.asked["/a.png"] == tries


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (status(404), "the server answered 404 Not Found", 1),
        (status(403), "the server answered 403 Forbidden", 1),
        (status(503), "the server answered 503", 3),
        (
            status(200, body=b"<html>Sorry", headers={"Content-Type": "text/html"}),
            "not a PNG or JPEG image (begins with b'<html>So'); the server calls it 'text/html'",
            1,
        ),
        (status(200), "empty file; the server calls it 'no type'", 1),
        (status(429, headers={"Retry-After": "99999"}), "it asks to wait 99999 s", 1),
        (slow, "no answer within 0.4 s", 3),
        (drop, "no connection", 3),
        (status(302, headers={"Location": "file:///etc/hostname"}), "neither http nor https", 1),
        (status(302, headers={"Location": "/a.png"}), "more than 5 redirections", 1),
    ],
)
def test_what_does_not_pass_is_refused_with_the_reason(server, answer, reason, tries):
    server.paths["/a.png"] = [answer]
    with Downloader(QUICK) as downloader:
        refusal = downloader.get(f"{server.url}/a.png")
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason
    if "redirection" not in reason:
        assert server.asked["/a.png"] == tries


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://a/b.png", "b.png", ""])
def test_only_the_web(url):
    with Downloader(QUICK) as downloader:
        assert "is neither http nor https" in downloader.get(url).reason


def test_a_redirection_is_followed(server):
    server.paths["/old.png"] = [status(301, headers={"Location": "/new.png"})]
    server.paths["/new.png"] = [PICTURE]
    with Downloader(QUICK) as downloader:
        assert downloader.get(f"{server.url}/old.png") == PICTURE


def test_the_server_says_how_long_to_wait(server):
    """All connections wait, also those for other pictures; a date is understood as a number of seconds is."""
    server.paths["/a.png"] = [status(503, headers={"Retry-After": "1"}), PICTURE]
    server.paths["/b.png"] = [status(503, headers={"Retry-After": formatdate(time.time() + 3, usegmt=True)}), PICTURE]
    for name in "ab":
        with Downloader(QUICK) as downloader:
            began = time.monotonic()
            assert downloader.get(f"{server.url}/{name}.png") == PICTURE
            assert time.monotonic() - began >= 0.95


def test_the_rate_is_kept(server):
    server.paths["/a.png"] = [PICTURE]
    with Downloader(Politeness(rate=20)) as downloader:
        began = time.monotonic()
        for _ in range(9):
            downloader.get(f"{server.url}/a.png")
        assert time.monotonic() - began >= 8 / 20


def test_a_jpeg_keeps_its_kind(study, server, tmp_path):
    out = io.BytesIO()
    Image.open(io.BytesIO(PICTURE)).convert("RGB").save(out, "JPEG")
    server.paths["/0-0.png"] = [out.getvalue()]
    fetch(study, rows(study)[:1], tmp_path / "out", durations=(0.5,), politeness=QUICK)
    assert (tmp_path / "out" / "Blip" / "H1_glitch0000_spectrogram_0.5.jpg").read_bytes() == out.getvalue()


def test_missing_pictures_are_listed(study, server, tmp_path):
    serve_all(server, 2)
    report = fetch(study, rows(study), tmp_path / "out", politeness=QUICK)
    assert (report.downloaded, report.refused) == (4, 2)
    assert report.skipped[0].path == f"H1_glitch0002, 0.5 s, {server.url}/2-0.png"
    assert report.skipped[0].reason == "the server answered 404 Not Found"


def test_a_dead_network_ends_the_fetch(tmp_path):
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_table(study, metadata(tmp_path / "m.csv", "http://127.0.0.1:9", count=30))
        with pytest.raises(InputError, match="20 pictures in a row could not be fetched, the last: no connection"):
            fetch(study, rows(study), tmp_path / "out", politeness=Politeness(rate=1e4, tries=1, connections=2))


def test_glitches_without_addresses(tmp_path):
    (tmp_path / "m.csv").write_text("gravityspy_id,ifo,url1\nabc,H1,?\n")
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_table(study, tmp_path / "m.csv")
        with pytest.raises(
            InputError, match=r"none of the 1 chosen glitches has a stored address of its 0\.5, 1, 2, 4"
        ):
            check_addresses(study, rows(study))


def test_a_killed_fetch_goes_on(tmp_path, server):
    """Killed without warning in the middle: no file is cut off, and none that is whole is asked for twice."""
    serve_all(server, 12)
    with Study(tmp_path / "study", create=True) as study, study.run("ingest"):
        ingest_table(study, metadata(tmp_path / "m.csv", server.url, count=12))
    command = [sys.executable, "-m", "discovery.cli", "fetch", "--all", "--study", tmp_path / "study"]
    command += ["--out", tmp_path / "out", "--rate"]
    running = subprocess.Popen([*command, "8"], stdout=subprocess.DEVNULL, env=os.environ)
    while sum(server.asked.values()) < 8:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {path.name for path in (tmp_path / "out").rglob("H1_*.png")}
    assert 3 <= len(kept) < 24
    subprocess.run([*command, "500"], check=True, stdout=subprocess.DEVNULL)
    assert max(server.asked.values()) <= 2
    assert sum(server.asked.values()) <= 24 + 5  # those in flight, and one being written
    with Study(tmp_path / "study") as study:
        assert study.count("views") == 24
    assert not list((tmp_path / "out").rglob("*.tmp"))
