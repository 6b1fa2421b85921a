"""A newcomer's path by mouse and keyboard: `discover explore`, a cluster, some members ticked and named, a batch, an export."""

from pathlib import Path

import pytest
from support.audited import read_csv
from support.browser import chromium, needs_chromium
from support.reviewing import start
from support.terminal import run

from embed import Study
from embed.study.clusterings import latest_clustering

pytestmark = [needs_chromium, pytest.mark.long]

NAME, CLUSTER, TICKED, COUNT = "Zig zag", 1, 3, 8
TEXT = "document.getElementById('%s')?.textContent"


def events(folder):
    with Study(folder) as study:
        return set(study.connection.execute("SELECT event, glitch, label FROM labels"))


def test_from_the_printed_address_to_an_exported_batch(folder, tmp_path, capsys):
    before = events(folder)
    with Study(folder) as study:
        table = latest_clustering(study).table
        ids, names = (study.glitches()[column] for column in ("id", "gravityspy_id"))
    members = table.index[table["cluster"] == CLUSTER]
    server = start(folder)
    try:
        with chromium(tmp_path / "profile") as browser:
            ticked, manifest = walk(browser, server.address)
    finally:
        server.kill()

    new = sorted((glitch, label) for _, glitch, label in events(folder) - before)
    assert new == sorted((glitch, NAME) for glitch in ticked)
    assert len(ticked) == TICKED
    assert set(ticked) <= set(members)

    rows = read_csv(manifest)
    inside = {row["subject_id"] for row in rows if row["#in_cluster"] == "1"}
    outside = {row["subject_id"] for row in rows} - inside
    assert (len(inside), len(outside)) == (COUNT // 2, COUNT // 2)
    assert inside <= set(names[members])
    assert not outside & set(names[members])
    pictures = {row[column] for row in rows for column in row if column.startswith("Filename")}
    assert {path.name for path in manifest.parent.glob("*.png")} == pictures
    assert len(pictures) == 4 * COUNT

    code, _, err = run(capsys, "export", "--to", "csv", "--out", tmp_path / "all.csv", "--study", folder)
    assert code == 0, err
    named = {row["id"] for row in read_csv(tmp_path / "all.csv") if row["label"] == NAME}
    assert named == set(ids[ticked])


def walk(browser, address):
    """Do what the tour says; returns the ticked glitches and the batch's manifest."""
    browser.open(address, size=(1280, 800))
    browser.wait("document.querySelectorAll('#case-views img').length")
    browser.click_on("document.getElementById('tab-clusters')")
    browser.wait("document.querySelectorAll('#sheet img').length")
    browser.click_on(f"document.querySelector('#cluster-list [data-cluster=\"{CLUSTER}\"]')")
    browser.wait(f"document.querySelector('#cluster-head h2').textContent === 'Cluster {CLUSTER}'")
    boxes = [f"document.querySelectorAll('#sheet input')[{number}]" for number in (0, 2, 3)]
    ticked = [int(browser.evaluate(f"{box}.dataset.glitch")) for box in boxes]
    for box in boxes:
        browser.click_on(box)
    assert browser.evaluate("document.querySelector('#naming label').textContent").startswith(
        f"Name the class of the {TICKED} ticked glitches"
    )
    browser.click_on("document.getElementById('name')")
    browser.type(NAME)
    browser.key("Enter")
    assert "Press Enter again" in browser.evaluate(TEXT % "name-list")
    browser.key("Enter")
    browser.wait(f"{TEXT % 'name-done'} === '{TICKED} glitches are now {NAME}'")
    browser.click_on("document.querySelector('#naming input[type=number]')")
    browser.evaluate("document.activeElement.select()")
    browser.type(str(COUNT))
    browser.click_on("document.querySelector('#naming button[type=submit]')")
    browser.wait("document.querySelector('#again .jobs .done')", timeout=120)
    manifest = browser.evaluate("document.querySelector('#again .jobs pre').textContent").splitlines()[-1]
    assert browser.evaluate(TEXT % "saved") == "everything is saved"
    assert browser.console == []
    return ticked, Path(manifest)
