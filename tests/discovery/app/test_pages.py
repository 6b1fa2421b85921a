"""The page in a browser: decisions by keyboard, naming, text that stays text, and no request to anybody else."""

import contextlib
import json
import re
import time

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from support.audited import read_csv
from support.browser import chromium, needs_chromium
from support.reviewing import HOSTILE, HOSTILE_ID, LISTED, serving

from embed import Study
from embed.csvfile import restored, write_csv
from embed.study.database import write_lock
from embed.study.records import MODEL, Label

pytestmark = needs_chromium

SIZES = ((390, 844), (1280, 800), (1920, 1080))
READY = {
    "review": "document.querySelectorAll('#case-views img').length && document.querySelectorAll('.side').length",
    "clusters": "document.querySelectorAll('#sheet img').length",
    "map": "document.querySelector('#map-page')?.contentDocument?.documentElement?.dataset.ready",
}
SAVED = "document.getElementById('saved').textContent === 'everything is saved'"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def address(browser, folder):
    with serving(folder) as found:
        yield found
        browser.send("Page.navigate", url="about:blank")  # before the server goes


def go(browser, address, tab, **options):
    browser.open(address, **options)
    browser.wait("document.querySelector('#top')")
    browser.evaluate(f"location.hash = '{tab}'")
    browser.wait(READY[tab])


def leave(browser):
    """Say yes to the page's question whether to leave it."""
    for _ in range(100):
        with contextlib.suppress(RuntimeError):  # the question is not there yet
            browser.send("Page.handleJavaScriptDialog", accept=True)
            return
        time.sleep(0.1)
    raise TimeoutError("the page does not ask before it loses what is not saved")


def decided(count):
    """So many answers stand on the review page, and all are saved; in JavaScript."""
    return SAVED + f" && document.querySelector('#progress b').textContent === '{count}'"


def labels(folder):
    with Study(folder) as study:
        return study.glitches()["label"].to_dict()


def events(folder):
    with Study(folder) as study:
        return set(study.connection.execute("SELECT event, glitch, label FROM labels"))


def named(folder, some):
    with Study(folder) as study:
        ids = study.ids()
    return {(ids[glitch], label) for _, glitch, label in some}


def decisions(folder):
    with Study(folder) as study:
        return study.connection.execute("SELECT glitch, outcome, label FROM decisions ORDER BY decision").fetchall()


def test_fifty_flags_by_keyboard(browser, address, folder):
    go(browser, address, "review")
    items = browser.evaluate("fetch('/api/review').then((answer) => answer.json())")["items"]
    expected = []
    for number, item in enumerate(items[:50]):
        key = "skwu"[number % 4]
        browser.key(key)
        outcome = {"s": "wrong", "k": "right", "w": "wrong", "u": "unsure"}[key]
        label = {"s": item["suggested"], "k": item["label"], "w": "", "u": ""}[key]
        expected.append((item["glitch"], outcome, label))
    browser.wait(SAVED)
    assert decisions(folder) == expected
    assert browser.evaluate("document.querySelector('#progress b').textContent") == "50"
    wrong = sum(outcome == "wrong" for _, outcome, _ in expected)
    assert f"{wrong} of 38" in browser.evaluate("document.getElementById('precision').textContent")
    assert browser.console == []


def test_undo_a_number_and_a_typed_class(browser, address, folder):
    go(browser, address, "review")
    before = labels(folder)
    browser.key("s")
    browser.wait(SAVED)
    browser.key("z")
    browser.wait(decided(0))
    assert labels(folder) == before
    first = browser.evaluate("document.querySelector('.class-keys button span').textContent")
    browser.key("1")  # the page is at the first glitch again
    browser.key("/")
    browser.type("koi fish")  # as a person writes Koi_Fish: no new class, and not asked for twice
    assert browser.evaluate("document.getElementById('typed-list').textContent").startswith("Koi_Fish")
    browser.key("Enter")
    browser.key("/")
    browser.type("Zig zag 7")
    browser.key("Enter")
    text = browser.evaluate("document.getElementById('typed-list').textContent")
    assert text == "a new class Zig zag 7? Press Enter again"
    browser.key("Enter")
    browser.wait(SAVED)
    assert [labels(folder)[glitch] for glitch in (1, 2, 3)] == [first, "Koi_Fish", "Zig zag 7"]
    assert browser.evaluate("document.querySelector('#rows button[aria-current=true] .rank').textContent") == "4"
    browser.key("ArrowLeft")
    assert "Decided: Zig zag 7" in browser.evaluate("document.getElementById('question').textContent")


def test_a_class_that_only_holds_the_text_is_asked_for_twice(browser, address, folder):
    go(browser, address, "review", size=SIZES[0])
    browser.key("/")
    browser.type("fish")
    browser.key("Enter")
    assert browser.evaluate("document.querySelector('#typed-list [aria-selected=true] span').textContent") == (
        "Koi_Fish? Press Enter again"
    )
    panel = "document.querySelector('.answer')"
    assert browser.evaluate(f"getComputedStyle({panel}).overflowY") == "visible"  # the list is not cut off
    browser.key("Enter")
    browser.wait(decided(1))
    browser.key("/")
    browser.type("istle")
    browser.key("ArrowDown")
    browser.key("ArrowUp")
    browser.key("Enter")
    browser.wait(decided(2))
    assert [labels(folder)[glitch] for glitch in (1, 2)] == ["Koi_Fish", "Whistle"]
    # a new class, then its very name again
    for count, keys in ((3, ("ArrowDown", "Enter", "Enter")), (4, ("Enter",))):
        browser.key("/")
        browser.type("Whis")
        for key in keys:
            browser.key(key)
        browser.wait(decided(count))
    assert [labels(folder)[glitch] for glitch in (3, 4)] == ["Whis", "Whis"]


def test_undo_by_the_mouse(browser, address, folder):
    go(browser, address, "review")
    before = labels(folder)
    browser.key("s")
    browser.wait(SAVED)
    browser.click_on("[...document.querySelectorAll('.hints button')].find((one) => /undo/.test(one.textContent))")
    browser.wait(decided(0))
    assert labels(folder) == before


@pytest.mark.parametrize("size", [(390, 844), (1280, 420)])
def test_the_next_glitch_is_in_sight_after_an_answer(browser, address, size):
    go(browser, address, "review", size=size)
    browser.wait("document.querySelector('#rows button[aria-current=true] .rank').textContent === '1'")
    assert browser.evaluate("scrollY") == 0
    browser.evaluate("scrollTo(0, 9999); document.querySelector('.case').scrollTop = 9999")
    assert browser.evaluate("scrollY + document.querySelector('.case').scrollTop") > 50
    browser.key("u")
    browser.wait("document.querySelector('#rows button[aria-current=true] .rank').textContent === '2'")
    top = browser.evaluate(
        "document.querySelector('#case-head').getBoundingClientRect().top - Math.max(0, document.querySelector('main').getBoundingClientRect().top)"
    )
    browser.wait(SAVED)  # the page would ask before it is left
    assert top >= 0


def test_a_conflict_is_shown(browser, address, folder):
    go(browser, address, "review")
    with Study(folder) as study, study.run("ingest"), study.transaction():
        study.add_label(1, Label("Tomte", "person", HOSTILE))
    browser.key("s")
    browser.wait("document.querySelector('#notices p')")
    text = browser.evaluate("document.getElementById('notices').textContent")
    assert f"Not written, {HOSTILE_ID}: this glitch was decided elsewhere in between: it is now 'Tomte'" in text
    assert labels(folder)[1] == "Tomte"
    browser.click_on("document.querySelector('#notices button')")
    browser.wait(
        "/Since the audit its label was changed to Tomte by person/.test(document.getElementById('question').textContent)"
    )


def test_not_saved_is_said_until_it_is(browser, address, folder, monkeypatch):
    monkeypatch.setattr("audit.answers.decisions.SHORT_WAIT_S", 0.05)
    go(browser, address, "review")
    with write_lock(folder, "train"):
        for _ in range(3):
            browser.key("s")
        browser.wait(
            "/^3 not saved: study .* is locked by process .*discover train/.test(document.getElementById('saved').textContent)"
        )
        browser.send("Page.reload")
        leave(browser)  # what is not saved survives
        time.sleep(0.5)
        browser.wait("/^3 not saved/.test(document.getElementById('saved')?.textContent)")
        assert decisions(folder) == []
    browser.wait(SAVED)
    assert len(decisions(folder)) == 3


def test_a_name_becomes_label_events(browser, address, folder):
    go(browser, address, "clusters")
    browser.evaluate("[...document.querySelectorAll('#sheet input')].slice(0, 2).forEach((box) => box.click())")
    browser.key("n")
    browser.type("Zigzag")
    browser.key("Enter")
    browser.key("Enter")  # it is a new class
    browser.wait("/^2 glitches are now Zigzag/.test(document.getElementById('name-done')?.textContent)")
    assert sum(label == "Zigzag" for label in labels(folder).values()) == 2
    browser.key("n")
    browser.type("Zigz")
    browser.key("Enter")  # the class is known now
    browser.wait("/^40 glitches are now Zigzag/.test(document.getElementById('name-done')?.textContent)")
    assert sum(label == "Zigzag" for label in labels(folder).values()) == 40
    browser.wait("/Zigzag 40/.test(document.getElementById('cluster-list').textContent)")


def test_a_certificate_says_its_reasons_as_text(browser, address, folder):
    report = folder / "reports" / "cluster-Blip-hdbscan"
    known = {
        "verdict": "new class",
        "density": "562.04",
        "persistence": "10.861",
        "reasons": f"It is {HOSTILE}. | More than 97 % of it.",
    }
    rows = [(number, 40, *known.values()) for number in (0, 1)]
    write_csv(report / "certificates.csv", ("cluster", "size", *known), rows)
    go(browser, address, "clusters")
    terms = browser.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#cluster-facts dt')].map((one) => [one.textContent, one.nextSibling.textContent]))"
    )
    assert terms["density"] == "562 times that between it and the next cluster"
    assert terms["persistence"] == "10.86 nats"
    reasons = browser.evaluate("[...document.querySelectorAll('#cluster-facts li')].map((one) => one.textContent)")
    assert reasons == [f"It is {HOSTILE}.", "More than 97\u00a0% of it."]


def test_a_job_of_the_form_has_a_bar_and_can_be_stopped(browser, address, folder):
    with Study(folder) as study, study.run("predict"), study.transaction():
        study.add_label(1, Label("Blip", MODEL, "m"))
        study.connection.execute("UPDATE runs SET finished = started + 3599 WHERE command = 'cluster'")
    go(browser, address, "clusters")
    browser.evaluate("document.querySelector('#again summary').click()")
    browser.evaluate("document.querySelector('#again select').value = 'Blip'")
    browser.evaluate("document.querySelector('#again input[type=checkbox]').click()")
    browser.evaluate("document.querySelector('#again form').requestSubmit()")
    browser.wait("document.querySelector('#again .jobs progress')")
    assert (
        browser.evaluate("document.querySelector('#again .jobs code').textContent")
        == "discover cluster --method hdbscan --predicted -- Blip"
    )
    said = browser.evaluate("document.querySelector('#again .bar').textContent")
    assert re.search(r"about 59 min \d+ s left, as the last one took 59 min 59 s$", said)
    assert 0 <= browser.evaluate("document.querySelector('#again progress').position") < 0.1
    browser.evaluate("document.querySelector('#again .jobs button').click()")
    browser.wait("document.querySelector('#again .jobs .stopped')")
    assert not browser.evaluate("document.querySelector('#again .jobs progress')")
    browser.evaluate("location.hash = 'review'")
    browser.wait(READY["review"])
    assert browser.evaluate("document.querySelector('#review .answer form button').textContent") == "Find wrong labels"


def framed(browser, script):
    """Run JavaScript in the map's frame."""
    return browser.evaluate(f"document.querySelector('#map-page').contentWindow.eval({json.dumps(script)})")


def test_the_map_shows_what_was_decided(browser, address):
    go(browser, address, "map")
    browser.evaluate("location.hash = 'review'")
    browser.wait(READY["review"])
    browser.key("/")
    browser.type("tomte")
    browser.key("Enter")
    browser.wait(SAVED)
    browser.evaluate("location.hash = 'map'")
    browser.wait(
        "[...document.querySelector('#map-page').contentDocument?.querySelectorAll('#groups li') ?? []].some((one) => /^Tomte 1 /.test(one.textContent))"
    )


def test_the_map_finds_and_shows_a_glitch(browser, address):
    go(browser, address, "map")
    browser.key("/")
    browser.type("alert(2)")
    browser.key("Enter")
    browser.wait("location.hash === '#map/1'")
    assert framed(browser, "document.querySelector('#pinned-id').textContent") == HOSTILE_ID
    browser.wait(
        "[...document.querySelector('#map-page').contentDocument.querySelectorAll('#pinned .views img')].filter((one) => one.naturalWidth).length === 4"
    )
    browser.click_on("document.querySelector('#map-pinned button')")
    browser.wait("document.querySelector('dialog[open] h2')")
    assert browser.evaluate("document.querySelector('dialog[open] h2').textContent") == HOSTILE_ID
    browser.evaluate("document.querySelector('#glitch').close()")
    framed(browser, "document.querySelector('#pinned .near button').click()")
    browser.wait("location.hash.startsWith('#map/') && location.hash !== '#map/1'")


def inside(browser, corners):
    """Draw a lasso on the flat map; returns the glitches inside, by matplotlib and by where plotly drew the points."""
    frame = browser.evaluate("document.querySelector('#map-page').getBoundingClientRect().toJSON()")
    places = framed(
        browser,
        """(() => {
          const plot = document.querySelector("#plot"), box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout, [x, y] = MapData.points[2];
          return { ids: MapData.ids, at: Array.from(x, (value, row) => [box.x + xaxis._offset + xaxis.l2p(value), box.y + yaxis._offset + yaxis.l2p(y[row])]) };
        })()""",
    )
    at = np.array(places["at"]) + np.array([frame["x"], frame["y"]])
    corners = at.mean(axis=0) + corners
    browser.mouse(*corners[0], "mouseMoved", "mousePressed")
    for x, y in [*corners[1:], corners[0]]:
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
    browser.mouse(*corners[0], "mouseReleased")
    return {one for one, within in zip(places["ids"], Outline(corners).contains_points(at), strict=True) if within}


def test_what_a_lasso_holds_gets_a_name_and_a_batch(browser, address, folder):
    before = events(folder)
    go(browser, address, "map", size=(1280, 800))
    framed(browser, "document.querySelector('#dims [data-dims=\"2\"]').click()")
    framed(browser, "document.querySelector('#drag [data-drag=lasso]').click()")
    framed(browser, "new Promise((done) => { const wait = () => (document.querySelector('#plot').dataset.dims === '2' && document.querySelector('#plot')._fullLayout.dragmode === 'lasso' ? done() : setTimeout(wait, 50)); wait(); })")  # fmt: skip
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    expected = inside(browser, np.column_stack([np.cos(turns) * 70, np.sin(turns) * (50 + 20 * np.cos(3 * turns))]))
    assert 3 <= len(expected) <= 60
    browser.wait("document.querySelector('#map-name')")
    label = browser.evaluate("document.querySelector('#map-selection label').textContent")
    assert label == f"Name the class of the {len(expected)} selected glitches"
    browser.click_on("document.querySelector('#map-batch')")
    browser.click_on("document.querySelector('#map-name')")
    browser.type("Zigzag")
    browser.key("Enter")
    browser.key("Enter")
    browser.wait(f"document.querySelector('#map-done').textContent === '{len(expected)} glitches are now Zigzag'")
    assert named(folder, events(folder) - before) == {(one, "Zigzag") for one in expected}
    browser.wait(f"/Zigzag {len(expected)} /.test(document.querySelector('#map-page').contentDocument?.querySelector('#groups')?.textContent)")  # fmt: skip
    (listed,) = (folder / "reports").glob("batch-selection-*/ids.csv")
    assert {restored(row["id"]) for row in read_csv(listed)} == expected
    assert [line for line in browser.console if "willReadFrequently" not in line and "GPU stall" not in line] == []


def test_what_a_batch_says_is_seen_where_it_was_asked_for_alone(browser, address):
    go(browser, address, "clusters", size=(1280, 500))
    browser.evaluate("document.querySelector('#naming form').requestSubmit()")
    browser.wait("document.querySelector('#again .jobs .done')", timeout=120)
    seen = "(({ top, bottom }) => top >= 0 && bottom <= innerHeight)(document.querySelector('#again .jobs pre').getBoundingClientRect())"
    browser.wait(seen)  # nobody has to scroll to it
    browser.evaluate("location.hash = 'map'")
    browser.wait(READY["map"])
    assert (
        browser.evaluate("document.querySelector('.map-bar .jobs').textContent") == ""
    )  # it is no batch of a selection


def test_time_leaves_the_glitches_of_a_window(browser, address):
    go(browser, address, "map")
    for window in ("window", "document.querySelector('#map-page').contentWindow"):
        browser.evaluate(f"{window}.postMessage('of another script', location.origin)")  # is left alone
        browser.evaluate(f"{window}.postMessage({{ absent: 5 }}, location.origin)")
    framed(browser, "const from = document.querySelector('#time-from'); from.value = 500; from.dispatchEvent(new Event('input'))")  # fmt: skip
    assert framed(browser, "document.querySelector('#shown-count').textContent") == "60 of 120 shown"
    assert not browser.evaluate("document.querySelector('#glitch').open")


@pytest.mark.parametrize("tab", READY)
def test_hostile_text_stays_text_and_no_request_leaves(browser, address, tab):
    go(browser, address, tab)
    if tab != "map":
        browser.evaluate("document.querySelector('.case button.link, #sheet figure > button').click()")
        browser.wait("document.querySelector('dialog[open] table')")
    shown = "document.body" if tab != "map" else "document.querySelector('#map-page').contentDocument.body"
    assert HOSTILE in browser.evaluate(f"{shown}.textContent")
    assert browser.evaluate(f"{shown}.querySelectorAll('[onerror], img[src=x]').length") == 0
    assert browser.evaluate("document.querySelectorAll('[onerror], img[src=x]').length") == 0
    assert [line for line in browser.console if "willReadFrequently" not in line] == []
    foreign = [url for url in browser.requests if not re.match(r"http://127\.0\.0\.1:\d+/|data:|about:blank", url)]
    assert foreign == []


WIDER = """[...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(one).visibility !== 'hidden'
  && !one.closest('#plot') && one.offsetParent).map((one) => one.tagName + '#' + one.id + '.' + one.className).slice(0, 5)"""


@pytest.mark.long
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", READY)
def test_nothing_is_wider_than_the_window(browser, address, tab, size):
    go(browser, address, tab, size=size)
    assert browser.evaluate(WIDER) == []
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.long
def test_the_end_of_the_list(browser, address, folder):
    go(browser, address, "review")
    for _ in range(LISTED):
        browser.key("u")
    browser.wait(SAVED)
    assert len(decisions(folder)) == LISTED
    assert "Everything on this list is decided." in browser.evaluate("document.getElementById('precision').textContent")
    browser.evaluate("document.querySelector('#precision button').click()")
    browser.wait("document.querySelector('#progress').textContent.includes('of 120 decided')")
