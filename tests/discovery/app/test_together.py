"""Several pages and the command line on one study at once, and a server that is killed: no decision is lost or doubled."""

import json
import random
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import httpx2
import pytest
from support.audited import write_csv
from support.reviewing import Page, decision, start

from audit.answers.decisions import SOURCE
from audit.answers.importing import import_answers, read_answers
from discovery.candidates.naming import Chosen, name_cluster
from embed import Study

ANSWERS = ("suggested", "keep", "wrong", "unsure", "Blip", "Koi_Fish", "Tomte")
BUSY = {503, 507}


def review(client, confirmed, count, seed):
    """Decide at random as a page does: what it sees may be stale; a busy study is asked again, and some decisions are sent twice."""
    chance = random.Random(seed)
    items = client.get("/api/review?beyond").json()["items"]
    while len(confirmed) < count:
        item = chance.choice(items)
        body = decision("audit-test", item, chance.choice(ANSWERS), str(uuid.UUID(int=chance.getrandbits(128))))
        for _ in range(chance.choice((1, 1, 2))):
            answer = client.post("/api/review/decide", json=body)
            while answer.status_code in BUSY:
                answer = client.post("/api/review/decide", json=body)
            assert answer.status_code in {200, 409}, answer.text
            if answer.status_code == 409:
                break
            confirmed[body["key"]] = body
        state = client.post("/api/review/state", json={"audit": "audit-test", "glitches": [item["glitch"]]}).json()
        item.update(state["state"][str(item["glitch"])])


def answers_file(folder, path, first):
    """The audit's table with an answer to ten glitches that no page gives."""
    with Study(folder) as study:
        rows = study.connection.execute(
            "SELECT g.id, v.label FROM verdicts v JOIN glitches g USING (glitch) ORDER BY rank"
        )
        rows = rows.fetchall()[first : first + 10]
    return write_csv(
        path, [{"id": name, "label": label, "passport": "audit-test", "decision": "Scratchy"} for name, label in rows]
    )


def check(folder, confirmed, imported):
    """Every confirmed decision is there once, with its event, and overrode nothing that its person had not seen."""
    with Study(folder) as study:
        execute = study.connection.execute
        rows = execute(
            "SELECT json_extract(r.arguments, '$.key'), d.glitch, d.outcome, d.label, d.event, d.run FROM decisions d JOIN runs r USING (run)"
            " WHERE json_extract(r.arguments, '$.file') = ? ORDER BY decision",
            (SOURCE,),
        ).fetchall()
        assert sorted(row[0] for row in rows) == sorted(confirmed)
        for key, glitch, outcome, label, event, _ in rows:
            body = confirmed[key]
            assert glitch == body["glitch"]
            assert (event is None) == (outcome == "unsure" or label == "")
            if event is not None:
                before = "SELECT max(event) FROM labels WHERE glitch = ? AND event < ?"
                assert execute(before, (glitch, event)).fetchone() == (body["seen"]["event"],)
                assert execute("SELECT label, source FROM labels WHERE event = ?", (event,)).fetchone() == (
                    label,
                    SOURCE,
                )
        events = execute("SELECT count(*) FROM labels WHERE source = ?", (SOURCE,)).fetchone()[0]
        assert events == sum(row[4] is not None for row in rows)
        others = execute("SELECT count(*) FROM decisions d JOIN runs r USING (run) WHERE json_extract(r.arguments, '$.file') != ?", (SOURCE,))  # fmt: skip
        assert others.fetchone()[0] == imported
        assert execute("PRAGMA integrity_check").fetchone() == ("ok",)


def together(*calls):
    """Run all at once; an error in one is an error of the test."""
    errors = []

    def run(call):
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_two_pages_an_import_and_a_naming_at_once(folder, tmp_path):
    files = [answers_file(folder, tmp_path / f"{first}.csv", first) for first in (0, 40)]
    confirmed, new = ({}, {}), []

    def imports():
        for file in files:
            with Study(folder) as study:
                new.append(import_answers(study, file, read_answers(study, file)).new)

    def names():
        with Study(folder) as study:
            run = (
                study.latest_arguments("cluster")
                and study.connection.execute("SELECT max(run) FROM clusters").fetchone()[0]
            )
            for name in ("Zig", "Zag"):
                name_cluster(study, 0, name, chosen=Chosen(run=run))

    with Page(folder, 8001) as one, Page(folder, 8002) as other:
        together(lambda: review(one, confirmed[0], 30, 1), lambda: review(other, confirmed[1], 30, 2), imports, names)
    assert new == [10, 10]
    check(folder, confirmed[0] | confirmed[1], 20)


def command(*arguments):
    """One command, asked again while the study is locked; returns its JSON."""
    while True:
        done = subprocess.run(
            [sys.executable, "-m", "discovery.cli", *map(str, arguments), "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return json.loads(done.stdout)
        assert "is locked by process" in done.stderr


@pytest.mark.long
def test_a_thousand_decisions_of_two_servers_beside_the_command_line(folder, tmp_path):
    files = [answers_file(folder, tmp_path / f"{first}.csv", first) for first in (0, 30, 60)]
    confirmed, new = ({}, {}), []
    servers = [start(folder), start(folder)]

    def commands():
        for number, file in enumerate(files):
            new.append(command("audit", "import", file, "--study", folder)["new"])
            command("name", 0, f"Name_{number}", "--study", folder)

    try:
        together(
            lambda: review(servers[0].client, confirmed[0], 500, 1),
            lambda: review(servers[1].client, confirmed[1], 500, 2),
            commands,
        )
    finally:
        for server in servers:
            server.kill()
    assert new == [10, 10, 10]
    assert len(confirmed[0] | confirmed[1]) == 1000
    check(folder, confirmed[0] | confirmed[1], 30)


def test_a_killed_server_loses_no_confirmed_decision(folder):
    """SIGKILL in mid-review; what was not confirmed is sent again to the next server, as the page does."""
    server = start(folder)
    port = int(server.address.partition("/?")[0].rpartition(":")[2])
    items = server.client.get("/api/review").json()["items"]
    bodies = [decision("audit-test", item, "suggested", f"decision-{item['glitch']}") for item in items]
    confirmed = {}

    def decide_all(client):
        for body in bodies:
            if body["key"] in confirmed:
                continue
            answer = client.post("/api/review/decide", json=body)
            assert answer.status_code == 200, answer.text
            confirmed[body["key"]] = body

    def kill():
        while len(confirmed) < 10:
            time.sleep(0.001)
        server.process.kill()

    with pytest.raises(httpx2.TransportError):
        together(lambda: decide_all(server.client), kill)
    server.kill()
    before = dict(confirmed)
    assert 10 <= len(before) < len(bodies)
    with Study(folder) as study:
        kept = study.connection.execute("SELECT json_extract(arguments, '$.key') FROM runs JOIN decisions USING (run)")
        assert set(before) <= {key for (key,) in kept}
    server = start(folder, port)
    try:
        decide_all(server.client)
        assert all(server.client.post("/api/review/decide", json=body).json()["repeated"] for body in before.values())
    finally:
        server.kill()
    check(folder, confirmed, 0)
    assert Path(folder / ".lock").exists()
