import json

import numpy as np
import pytest
from support.gallery import draw_levels, png, published
from support.server import serving
from support.terminal import run

from embed import Study


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as answers:
        yield answers


def table(path, url, count):
    lines = ["gravityspy_id,ifo,label,ml_label,ml_confidence,url4"]
    lines += [f"g{n},H1,,{'Blip' if n % 2 else 'Tomte'},0.9,{url}/{n}.png" for n in range(count)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_from_a_table_to_pictures(capsys, server, tmp_path):
    """Two of five pictures are gone: the others are in the study, and the exit code says so."""
    folder, out = tmp_path / "study", tmp_path / "out"
    assert run(capsys, "ingest", table(tmp_path / "t.csv", server.url, 5), "--study", folder)[0] == 0
    for number in (0, 2, 3):
        server.paths[f"/{number}.png"] = [png(published(draw_levels(np.random.default_rng(number))))]
    command = ("fetch", "--all", "--out", out, "--study", folder, "--rate", "500")
    code, text, _ = run(capsys, *command)
    assert code == 1
    assert "Skipped 2" in text
    assert "H1_g1, 4 s" in text
    assert "404 Not Found" in text
    assert "2 pictures could not be fetched; run again to ask for these only" in text
    assert len((folder / "reports" / "fetch-skipped.csv").read_text().splitlines()) == 3
    server.paths["/1.png"] = server.paths["/4.png"] = server.paths["/0.png"]
    code, text, _ = run(capsys, *command, "--json")
    assert code == 0
    result = json.loads(text)
    assert (result["asked"], result["downloaded"], result["refused"]) == (2, 2, 0)
    with Study(folder) as study:
        assert study.durations() == {4.0: 5}
        assert study.runs()["command"].tolist() == ["ingest", "fetch", "fetch"]


def test_which_glitches(capsys, server, tmp_path):
    folder = tmp_path / "study"
    run(capsys, "ingest", table(tmp_path / "t.csv", server.url, 40), "--study", folder)
    common = ("--study", folder, "--rate", "900", "--json")
    code, text, _ = run(capsys, "fetch", "g7", "H1_g3", "--out", tmp_path / "a", *common)
    assert (code, json.loads(text)["asked"]) == (1, 2)
    assert set(server.asked) == {"/3.png", "/7.png"}
    chosen = ("--label", "Blip", "--predicted", "-n", 5, "--durations", "4.0")
    drawn = []
    for seed in (1, 1, 2):
        server.asked.clear()
        run(capsys, "fetch", *chosen, "--seed", seed, "--out", tmp_path / "a", *common)
        drawn.append(set(server.asked))
    assert all(len(names) == 5 and all(int(name[1:-4]) % 2 for name in names) for names in drawn)
    assert drawn[0] == drawn[1] != drawn[2]
