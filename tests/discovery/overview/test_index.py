"""`index.html` of a study: every report with its answer, newest first; hostile names stay text."""

import dataclasses
import json
import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from support.terminal import run

from discovery.overview.contents import read_contents
from discovery.overview.index import index_html, refresh_index
from embed import Study
from embed.study.database import write_lock
from embed.study.records import Label
from embed.study.reports import add_report, latest_reports

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def folder(tmp_path, embedded):
    return shutil.copytree(embedded, tmp_path / "study")


class Page(HTMLParser):
    """The tags and the links of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]


def report(study, path, answer, title="Clusters"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("page")
    with study.run("cluster") as number:
        add_report(study, number, path, title, answer)


def test_reports_come_newest_first_each_path_once_with_links_that_lead_there(folder, tmp_path):
    with Study(folder) as study:
        report(study, folder / "reports" / "a b" / "report.html", "the first answer")
        report(study, tmp_path / "else where" / "audit.html", "the second answer")
        report(study, folder / "reports" / "a b" / "report.html", "the third answer")
        report(study, folder / "reports" / "gone.html", "gone")
        (folder / "reports" / "gone.html").unlink()
        assert [own.answer for own in latest_reports(study)] == ["the third answer", "the second answer"]
        text = index_html(read_contents(study), study.folder)
    assert re.findall(r"the \w+ answer", text) == ["the third answer", "the second answer"]
    links = [unquote(link) for link in Page(text).links]
    assert links == ["./reports/a b/report.html", "../else where/audit.html"]
    assert all((folder / link).is_file() for link in links)


def test_hostile_labels_and_answers_stay_text(folder):
    with Study(folder) as study:
        with study.run("ingest"), study.transaction():
            study.add_label(1, Label(HOSTILE, by="person", source="test"))
        report(study, folder / "reports" / "x" / "report.html", HOSTILE, title=HOSTILE)
        text = index_html(read_contents(study), study.folder)
    assert text.count("&lt;img src=x onerror=") == 3
    assert not {"img", "script"} & set(Page(text).tags)


def test_commands_write_the_index_and_status_names_it(capsys, folder):
    code, out, _ = run(capsys, "status", "--study", folder, "--json")
    assert json.loads(out)["index"] is None
    assert json.loads(out)["next"] == "discover cluster None_of_the_Above"
    code, out, _ = run(capsys, "project", "--dims", 2, "--figures", "svg,png", "--study", folder, "--json")
    assert code == 0
    names = set(json.loads(out)["files"])
    assert {"figures/map-label.svg", "figures/map-label.png"} <= names
    code, out, _ = run(capsys, "cluster", "None_of_the_Above", "--figures", "pdf", "--study", folder)
    assert code == 0
    own = folder / "reports" / "cluster-None_of_the_Above-hdbscan" / "figures"
    assert {"map-cluster.pdf", "contact-sheet.pdf"} <= {path.name for path in own.iterdir()}
    page = (folder / "index.html").read_text()
    assert page.index("Clusters of None_of_the_Above") < page.index("Map of all glitches")
    code, out, _ = run(capsys, "status", "--study", folder, "--json")
    shown = json.loads(out)
    assert shown["index"] == str(folder / "index.html")
    assert [own["title"] for own in shown["reports"]] == ["Clusters of None_of_the_Above", "Map of all glitches"]
    assert (shown["clusterings"], shown["audits"], shown["models"]) == (1, 0, [])
    assert shown["next"] == "discover audit"


def test_the_index_waits_for_nobody(folder):
    """Another process that writes to the study writes the page itself, when it is done."""
    with write_lock(folder, "audit"):
        refresh_index(folder)
    assert not (folder / "index.html").exists()
    refresh_index(folder)
    assert (folder / "index.html").exists()
    refresh_index(folder.parent)
    assert not (folder.parent / "study.db").exists()


def test_a_refused_command_writes_the_index_that_a_killed_one_left_behind(folder, capsys):
    assert run(capsys, "onset", "--study", folder)[0] == 2
    assert not (folder / "index.html").exists()  # a mistake alone writes nothing
    refresh_index(folder)
    before = (folder / "index.html").read_bytes()
    with Study(folder) as study:
        report(study, folder / "reports" / "a" / "report.html", "of a command that was killed as it ended")
    assert run(capsys, "audit", "undo", "--study", folder)[0] == 2
    assert b"of a command that was killed as it ended" in (folder / "index.html").read_bytes()
    assert b"of a command that was killed" not in before


def test_after_clusters_and_an_audit_a_person_is_asked(folder):
    with Study(folder) as study:
        before = dataclasses.replace(read_contents(study), clusterings=1, audits=1)
        assert before.next_step()[0] == "discover explore"
        with study.run("ingest"), study.transaction():
            study.add_label(1, Label("Zigzag", "person", "a table's label is no judgement"))
        ingested = dataclasses.replace(read_contents(study), clusterings=1, audits=1)
        assert ingested.next_step()[0] == "discover explore"
        with study.run("name"), study.transaction():
            study.add_label(1, Label("Zigzag", "person", "a test"))
        after = dataclasses.replace(read_contents(study), clusterings=1, audits=1)
        assert after.next_step()[0] == "discover train"
