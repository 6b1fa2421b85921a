"""What the server answers: the queue, clusters, maps, glitches, jobs, and what becomes of a decision."""

import base64
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from support.audited import read_csv
from support.explorer import data_of
from support.reviewing import HOSTILE, HOSTILE_ID, LISTED, decision
from support.terminal import run

from discovery.app import maps
from discovery.app.choices import vector_options
from embed import Study
from embed.csvfile import write_csv
from embed.study.clusterings import latest_clustering, save_clusters
from embed.study.database import write_lock
from embed.study.records import MODEL, Label
from embed.vectors.store import stores


def post(page, address, body):
    answer = page.post(address, json=body)
    return answer.status_code, answer.json()


def labels(folder):
    with Study(folder) as study:
        return study.glitches()["label"].to_dict()


# --- the review --------------------------------------------------------------------------------------------------------
def test_the_queue_is_the_audits_list(page, folder):
    found = page.read("/api/review")
    assert [item["rank"] for item in found["items"]] == list(range(1, LISTED + 1))
    assert found["items"][0]["label"] == HOSTILE
    assert found["items"][0]["id"] == HOSTILE_ID
    with Study(folder) as study:
        sizes = study.counts_by_label()
    assert {one["name"]: one["size"] for one in found["classes"] if one["size"]} == sizes.to_dict()
    assert len(page.read("/api/review?beyond")["items"]) == 120


def test_a_study_without_an_audit_says_what_to_do(page, folder, monkeypatch):
    monkeypatch.setattr("discovery.app.queue.latest_audit", lambda _: None)
    found = page.read("/api/review")
    assert found["audit"] is None
    assert "run `discover audit`" in found["message"]


def test_a_decision_changes_label_and_precision(page, folder):
    found = page.read("/api/review")
    item = found["items"][20]
    status, done = post(page, "/api/review/decide", decision("audit-test", item, "suggested", "key-0001"))
    assert status == 200
    assert done["state"]["now"] == {"label": item["suggested"], "by": "person", "source": "discover explore"}
    assert done["state"]["decided"] == {"outcome": "wrong", "label": item["suggested"]}
    assert (done["precision"]["answered"], done["precision"]["wrong"]) == (1, 1)
    assert done["precision"]["expected"] == pytest.approx(item["p_wrong"])
    assert labels(folder)[item["glitch"]] == item["suggested"]
    again = page.read("/api/review")["items"][20]
    assert {name: again[name] for name in ("now", "decided", "seen")} == done["state"]


def test_the_command_line_undoes_what_the_page_decided(page, folder, capsys):
    item = page.read("/api/review")["items"][3]
    post(page, "/api/review/decide", decision("audit-test", item, "suggested", "key-0001"))
    code, out, _ = run(capsys, "audit", "undo", "--study", folder)
    assert code == 0
    assert "the import of discover explore" in out
    assert labels(folder)[item["glitch"]] == item["label"]
    status, undone = post(
        page, "/api/review/undo", {"audit": "audit-test", "glitch": item["glitch"], "key": "key-0001"}
    )
    assert (status, undone["undone"]) == (200, False)


def test_a_conflict_is_shown_and_nothing_is_overwritten(page, folder):
    item = page.read("/api/review")["items"][5]
    with Study(folder) as study, study.run("ingest"), study.transaction():
        study.add_label(item["glitch"], Label("Tomte", "person", "my.csv"))
    status, done = post(page, "/api/review/decide", decision("audit-test", item, "suggested", "key-0001"))
    assert status == 409
    assert "decided elsewhere in between: it is now 'Tomte'" in done["error"]
    assert labels(folder)[item["glitch"]] == "Tomte"
    state = page.post("/api/review/state", json={"audit": "audit-test", "glitches": [item["glitch"]]}).json()
    assert state["state"][str(item["glitch"])]["now"]["label"] == "Tomte"


def test_a_locked_study_asks_to_try_again(page, folder, monkeypatch):
    monkeypatch.setattr("audit.answers.decisions.SHORT_WAIT_S", 0.05)
    item = page.read("/api/review")["items"][0]
    with write_lock(folder, "train"):
        status, done = post(page, "/api/review/decide", decision("audit-test", item, "keep", "key-0001"))
    assert status == 503
    assert "(discover train)" in done["error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audit": "audit-other"}, "the study has no audit 'audit-other'"),
        ({"glitch": "1"}, "the request's 'glitch' is '1', no int"),
        ({"glitch": True}, "the request's 'glitch' is 'True', no int"),
        ({"key": "short"}, "'short' is no key of a decision"),
        ({"answer": None}, "the request's 'answer' is 'None', no str"),
        ({"seen": {"event": 1}}, "the request's 'run' is 'None', no int"),
        ({"answer": "Blop"}, "'Blop' is no answer: did you mean 'Blip'?"),
    ],
)
def test_a_request_that_is_none_is_refused(page, change, message):
    item = page.read("/api/review")["items"][0]
    status, done = post(page, "/api/review/decide", decision("audit-test", item, "keep", "key-0001") | change)
    assert status == 422
    assert message in done["error"]


def test_comparisons_are_the_nearest_of_both_classes(page, folder):
    item = page.read("/api/review")["items"][15]
    found = page.read(f"/api/review/audit-test/{item['glitch']}/neighbours")
    store = stores(folder)[0]
    unit = store.vectors / np.linalg.norm(store.vectors, axis=1, keepdims=True)
    similar = unit @ unit[item["glitch"] - 1]
    given = labels(folder)
    for side, label in (("agreeing", item["label"]), ("opposing", item["suggested"])):
        others = [glitch for glitch, name in given.items() if name == label and glitch != item["glitch"]]
        assert [one["glitch"] for one in found[side]] == sorted(others, key=lambda g: -similar[g - 1])[:3]


# --- one glitch --------------------------------------------------------------------------------------------------------
def test_a_glitch_has_its_labels_with_sources_and_its_neighbours(page, folder):
    found = page.read("/api/glitches/2")
    assert [(one["label"], one["by"], one["source"]) for one in found["labels"]] == [
        (HOSTILE, "folder", HOSTILE),
        (found["labels"][1]["label"], "folder", "ingest"),
    ]
    assert [view["duration"] for view in found["views"]] == [0.5, 1.0, 2.0, 4.0]
    store = stores(folder)[0]
    assert [one["glitch"] for one in found["neighbours"]] == store.glitches[store.graph.neighbours[1][:12]].tolist()
    graph = store.folder / "graph.npz"  # kept in memory, until the vectors are written anew
    graph.rename(graph.with_suffix(".away"))
    assert len(page.read("/api/glitches/3")["neighbours"]) == 12
    os.utime(store.folder / "passport.json", (1, 1))
    with pytest.raises(AssertionError, match=r"graph\.npz"):
        page.read("/api/glitches/3")
    assert page.get("/api/glitches/999").json()["error"] == "the study has no glitch 999; load the page again"


# --- clusters ----------------------------------------------------------------------------------------------------------
def first_run(page):
    return page.read("/api/study")["clusterings"][0]["run"]


def test_the_clusters_of_a_run(page, folder):
    found = page.read(f"/api/clusterings/{first_run(page)}")
    with Study(folder) as study:
        table = latest_clustering(study).table
    assert {one["cluster"]: one["size"] for one in found["clusters"]} == table["cluster"].value_counts().to_dict()
    assert all(one["certificate"] is None for one in found["clusters"])
    members = page.read(f"/api/clusterings/{first_run(page)}/1")["members"]
    assert sorted(one["glitch"] for one in members) == table.index[table["cluster"] == 1].tolist()
    assert members[0]["snr"] == pytest.approx(5 + members[0]["glitch"] / 10)
    assert {one["glitch"] for one in page.read(f"/api/clusterings/{first_run(page)}/-1")["members"]} == set(
        table.index[table["cluster"] == -1]
    )
    assert "has no cluster 9" in page.get(f"/api/clusterings/{first_run(page)}/9").json()["error"]
    assert "no clustering of run 99" in page.get("/api/clusterings/99").json()["error"]


def naming(page, glitches=(), **change):
    found = page.read(f"/api/clusterings/{first_run(page)}/0")
    body = {"run": first_run(page), "cluster": 0, "name": "Zigzag", "glitches": list(glitches), "seen": found["event"]}
    return found["members"], body | change


def test_naming_labels_all_members_or_the_ticked_ones(page, folder):
    members, body = naming(page)
    ticked = [one["glitch"] for one in members[:3]]
    status, done = post(page, "/api/clusters/name", body | {"glitches": ticked})
    assert (status, done["added"]) == (200, 3)
    given = labels(folder)
    assert {glitch for glitch, label in given.items() if label == "Zigzag"} == set(ticked)
    status, done = post(page, "/api/clusters/name", body | {"seen": done["event"]})
    assert (done["glitches"], done["added"]) == (len(members), len(members) - 3)
    assert post(page, "/api/clusters/name", body)[1]["added"] == 0  # a retry: the same name is no conflict


def test_naming_does_not_override_what_was_labelled_since(page, folder):
    members, body = naming(page)
    with Study(folder) as study, study.run("ingest"), study.transaction():
        study.add_label(members[1]["glitch"], Label("Tomte", "person", "my.csv"))
    status, done = post(page, "/api/clusters/name", body)
    assert status == 409
    assert re.search(
        r"1 of these glitches got another label since you looked, the first .* 'Tomte' by person", done["error"]
    )
    assert "Zigzag" not in labels(folder).values()


def test_a_name_goes_to_the_clustering_that_was_seen(page, folder):
    """Clustered again elsewhere: number 0 means other glitches there."""
    members, body = naming(page)
    with Study(folder) as study, study.run("cluster", {"label": "Blip", "method": "hdbscan"}) as number:
        others = np.array([one["glitch"] for one in members[:2]])
        save_clusters(study, number, others, np.zeros(2, np.int64), np.ones(2))
    assert post(page, "/api/clusters/name", body)[1]["glitches"] == len(members)
    assert first_run(page) == number
    status, done = post(page, "/api/jobs/batch", {"run": body["run"], "cluster": 0, "count": 4})
    assert status == 409
    assert "'Blip' was clustered again since" in done["error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "cannot be the name of a class"),
        ({"cluster": 7}, "has no cluster 7"),
        ({"glitches": [9999]}, "glitch 9999 is no member of cluster 0"),
        ({"glitches": ["1"]}, "are not all whole numbers"),
        ({"run": 99}, "no clustering of run 99"),
    ],
)
def test_a_name_that_cannot_be_given(page, change, message):
    _, body = naming(page, **change)
    status, done = post(page, "/api/clusters/name", body)
    assert status == 422
    assert message in done["error"]


# --- maps --------------------------------------------------------------------------------------------------------------
def test_a_map_is_the_coordinates_file_with_the_studys_columns(page, folder):
    name = page.read("/api/study")["maps"][0]["name"]
    answer = page.get(f"/maps/{name}")
    data = data_of(answer.text)
    got = np.frombuffer(base64.b64decode(data["coordinates"]), "<f4").reshape(3, data["n"])
    table = pd.read_csv(folder / "reports" / name / "coordinates.csv").set_index("id")
    with Study(folder) as study:
        glitches = study.glitches()
    np.testing.assert_array_equal(got.T, table.loc[glitches["id"], ["x", "y", "z"]].to_numpy(np.float32))
    assert data["ids"] == glitches["id"].tolist()
    numbers = np.frombuffer(base64.b64decode(data["served"]["glitches"]), "<i4")
    assert numbers.tolist() == glitches.index.tolist()
    assert not np.frombuffer(base64.b64decode(data["pictures"]["slots"]), "<i4").any()  # 0: there is a picture
    kinds = {column["name"]: column["kind"] for column in data["columns"]}
    assert kinds == {"label": "class", "ifo": "class", "gps": "number", "run": "class", "cluster": "class", "p_wrong": "number", "snr": "number", "note": "class"}  # fmt: skip
    graph = stores(folder)[0].graph
    near = np.frombuffer(base64.b64decode(data["neighbours"]["rows"]), "<i4").reshape(data["n"], -1)
    np.testing.assert_array_equal(near, graph.neighbours[:, : near.shape[1]])
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "the study has no map 'map-none'" in page.get("/maps/map-none").json()["error"]


def test_a_map_asked_for_twice_at_once_is_made_once(folder, monkeypatch):
    made = []

    def slowly(*_, **__):
        made.append("page")
        time.sleep(0.3)
        return "page"

    monkeypatch.setattr(maps, "embedding_html", slowly)
    asked = maps.Maps(folder)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(asked.page, ["map-tsne-3d"] * 2)) == ["page", "page"]
    assert made == ["page"]


def test_a_map_shows_the_labels_of_now(page, folder):
    def of_labels():
        columns = data_of(page.get("/maps/map-tsne-3d").text)["columns"]
        return {group["name"]: group["count"] for group in columns[0]["groups"]}

    before = of_labels()
    post(page, "/api/clusters/name", naming(page)[1])
    assert of_labels()["Zigzag"] == 40
    assert "Zigzag" not in before


def test_a_map_that_was_looked_at_during_a_clustering_has_its_clusters_afterwards(page, folder):
    def of_clusters():
        columns = data_of(page.get("/maps/map-tsne-3d").text)["columns"]
        (groups,) = [column["groups"] for column in columns if column["name"] == "cluster"]
        return {group["name"]: group["count"] for group in groups}

    with Study(folder) as study:
        stored = latest_clustering(study)
        glitches = stored.table.index.to_numpy()
        with study.run("cluster", stored.arguments) as number:
            save_clusters(study, number, glitches, np.full(len(glitches), 77), np.ones(len(glitches)))
            assert "cluster 77" not in of_clusters()
    assert of_clusters() == {"cluster 77": len(glitches)}


def selecting(page, glitches, **change):
    seen = data_of(page.get("/maps/map-tsne-3d").text)["served"]["event"]
    return {"glitches": glitches, "name": "Zigzag", "seen": seen} | change


def test_a_selection_gets_a_name_once(page, folder):
    body = selecting(page, [7, 3, 3, 50])
    assert post(page, "/api/selection/name", body) == (
        200,
        {"glitches": 3, "added": 3, "warning": "", "name": "Zigzag"},
    )
    assert {glitch for glitch, label in labels(folder).items() if label == "Zigzag"} == {3, 7, 50}
    assert post(page, "/api/selection/name", body)[1]["added"] == 0  # a retry: the same name is no conflict
    with Study(folder) as study, study.run("ingest"), study.transaction():
        study.add_label(4, Label("Tomte", "person", "my.csv"))
    status, done = post(page, "/api/selection/name", body | {"glitches": [4, 5]})
    assert status == 409
    assert "1 of these glitches got another label since you looked, the first" in done["error"]
    assert labels(folder)[4] == "Tomte"
    assert labels(folder)[5] != "Zigzag"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "cannot be the name of a class"),
        ({"glitches": []}, "no glitch is selected"),
        ({"glitches": [3, 9999]}, "the study has no glitch 9999"),
        ({"seen": None}, "the request's 'seen' is 'None', no int"),
    ],
)
def test_a_selection_that_cannot_be_named(page, folder, change, message):
    before = labels(folder)
    status, done = post(page, "/api/selection/name", selecting(page, [3]) | change)
    assert status == 422
    assert message in done["error"]
    assert labels(folder) == before


# --- jobs --------------------------------------------------------------------------------------------------------------
def wait(page, seconds=120):
    for _ in range(10 * seconds):
        job = page.read("/api/jobs")["jobs"][-1]
        if job["state"] != "running":
            return job
        time.sleep(0.1)
    raise TimeoutError(job)


@pytest.mark.long
def test_a_batch_is_a_job(page, folder):
    status, job = post(page, "/api/jobs/batch", {"run": first_run(page), "cluster": 0, "count": 4})
    assert (status, job["state"]) == (200, "running")
    assert wait(page)["state"] == "done", job["lines"]
    assert len(read_csv(folder / "reports" / f"batch-{first_run(page)}-0" / "manifest.csv")) == 4


@pytest.mark.long
def test_a_batch_of_a_selection_holds_exactly_its_glitches(page, folder):
    status, job = post(page, "/api/jobs/selection", {"glitches": [1, 9, 40]})
    assert (status, job["state"]) == (200, "running")
    assert wait(page)["state"] == "done", job["lines"]
    (manifest,) = (folder / "reports").glob("batch-selection-*/manifest.csv")
    with Study(folder) as study:
        names = study.glitches()["gravityspy_id"]
    assert {row["subject_id"] for row in read_csv(manifest)} == set(names[[1, 9, 40]])
    assert len(list(manifest.parent.glob("*.png"))) == 12


def test_a_batch_of_too_many_is_refused(page, monkeypatch):
    monkeypatch.setattr("discovery.app.selection.MOST", 2)
    status, done = post(page, "/api/jobs/selection", {"glitches": [1, 9, 40]})
    assert (status, done["error"]) == (422, "3 glitches are selected, and a batch holds 2 at most; select fewer")


def test_one_job_runs_and_can_be_stopped(page):
    _, job = post(page, "/api/jobs/cluster", {"label": "Blip", "method": "spectral", "k": 2})
    assert re.fullmatch(r"discover cluster --study=\S+ --method spectral --k 2 -- Blip", job["command"])
    status, refused = post(page, "/api/jobs/project", {"method": "umap", "dims": 2})
    assert status == 409
    assert "is still running; wait for it, or stop it" in refused["error"]
    status, stopped = post(page, "/api/jobs/stop", {"number": job["number"]})
    assert (status, stopped["state"]) == (200, "stopped")
    assert "there is no job 77" in post(page, "/api/jobs/stop", {"number": 77})[1]["error"]


def test_a_job_says_how_long_the_last_one_like_it_took(page, folder):
    with Study(folder) as study:
        study.connection.execute("UPDATE runs SET finished = started + 77 WHERE command = 'cluster'")
        study.connection.commit()
    for kind, body, before in (
        ("cluster", {"label": "Blip", "method": "hdbscan"}, 77),
        ("cluster", {"label": HOSTILE, "method": "hdbscan"}, None),
    ):
        _, job = post(page, f"/api/jobs/{kind}", body)
        assert (job["before"], job["seconds"] < 60) == (before, True)
        post(page, "/api/jobs/stop", {"number": job["number"]})


def test_a_job_takes_predicted_labels_and_the_vectors_that_were_chosen(page, folder, tmp_path, capsys):
    (network,) = stores(folder)
    assert [one["name"] for one in page.read("/api/study")["vectors"]] == [network.name]
    with Study(folder) as study:
        ids = study.glitches()["id"].tolist()[1:]  # the first is hostile
        with study.run("predict"), study.transaction():
            study.add_label(1, Label("Blip", MODEL, "m"))
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).normal(size=(len(ids), 4)).astype(np.float32))
    write_csv(tmp_path / "ids.csv", ("id",), [(name,) for name in ids])
    code, *_ = run(capsys, "ingest", tmp_path / "mine.npy", "--ids", tmp_path / "ids.csv", "--study", folder)
    assert code == 0
    vectors = page.read("/api/study")["vectors"]
    assert [one["name"] for one in vectors] == ["given-mine", network.name]  # made last, and so taken by itself
    assert vectors[0]["about"] == "vectors of mine.npy (vectors:mine), made elsewhere"
    passport = network.passport
    chosen = "".join(f" --{name}={re.escape(passport[name])}" for name in ("backbone", "weights", "views"))
    for kind, body, options in (
        (
            "cluster",
            {"label": "Blip", "method": "hdbscan", "vectors": "given-mine", "predicted": True},
            " --method hdbscan --predicted -- Blip",
        ),
        ("project", {"method": "umap", "dims": 2, "vectors": network.name}, f" --method umap --dims 2{chosen}"),
        ("audit", {"vectors": network.name}, chosen),
        ("audit", {}, ""),
    ):
        _, job = post(page, f"/api/jobs/{kind}", body)
        assert re.fullmatch(rf"discover {kind} --study=\S+{options}", job["command"]), job["command"]
        post(page, "/api/jobs/stop", {"number": job["number"]})
    with Study(folder) as study:
        with study.run("embed", {"store": network.name}):
            pass
        assert vector_options(study, "given-mine") == ["--weights=vectors:mine"]
        assert vector_options(study, network.name) == []


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("audit", {"vectors": "--out=/tmp"}, "no vectors '--out=/tmp' in the study; there are: "),
        ("cluster", {"label": "Blip", "method": "hdbscan", "vectors": ["x"]}, "no vectors"),
        ("cluster", {"label": "Blap", "method": "hdbscan"}, "no glitch is labelled 'Blap'; did you mean 'Blip'?"),
        ("cluster", {"label": "Blip", "method": "--out=/tmp"}, "'--out=/tmp'; give one of hdbscan, spectral"),
        ("cluster", {"label": "Blip", "method": "spectral", "k": "2; rm"}, "the request's 'k' is '2; rm', no int"),
        ("project", {"method": "umap", "dims": 4}, "the request's 'dims' is '4'; give one of 2, 3"),
        ("batch", {"run": 99, "cluster": 0, "count": 4}, "no clustering of run 99"),
    ],
)
def test_a_job_takes_nothing_but_its_choices(page, kind, body, message):
    status, done = post(page, f"/api/jobs/{kind}", body)
    assert status == 422
    assert message in done["error"]
    assert page.read("/api/jobs")["jobs"] == []
