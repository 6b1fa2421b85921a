"""What people do on the map's page: filter, play, select, save, compare, search, and send the address to others."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from matplotlib.path import Path as Outline
from support.audited import make_study, run_audit
from support.browser import needs_chromium
from support.explorer import COUNT, IMAGE, coordinates, opened, painted, quiet, rich, thumbnails
from support.terminal import run

from discovery.candidates.maps import draw_map
from embed import Study
from embed.csvfile import restored
from embed.vectors.store import chosen_store
from embed.views.viridis import colours_of_levels

pytestmark = needs_chromium
PLOTTED = """document.querySelector('#plot').data.slice(0, %d).flatMap((trace) => Array.from(trace.x, (x, i) => [x, trace.y[i]]))"""
TEXT = "document.querySelector('%s').textContent"


def drawn(browser, rows, dims=3, traces=3):
    """Wait until exactly these rows are on the map."""
    browser.wait(
        f"(({{ drawn, dims }}) => drawn === '{len(rows)}' && dims === '{dims}')(document.querySelector('#plot').dataset)"
    )
    points = coordinates(COUNT, dims, seed=1 if dims == 3 else 2)
    seen = np.array(browser.evaluate(PLOTTED % traces), np.float32).reshape(-1, 2)
    places = {tuple(point): row for row, point in enumerate(points[:, :2])}
    assert sorted(places[tuple(point)] for point in seen) == sorted(rows)
    assert browser.evaluate(TEXT % "#shown-count") == f"{len(rows)} of {COUNT} shown"


def put(browser, selector, value, event="change"):
    browser.evaluate(
        f"(() => {{ const i = document.querySelector({selector!r}); i.value = {value!r}; i.dispatchEvent(new Event({event!r}, {{ bubbles: true }})); }})()"
    )


def panel(browser, column):
    selector = f'#filters details[data-column="{column}"]'
    browser.evaluate(f"document.querySelector({selector!r}).open = true")
    browser.wait(f"document.querySelector({selector!r}).childElementCount > 1")
    return selector


def downloaded(browser, folder, name, button):
    browser.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.evaluate(f"document.querySelector({button!r}).click()")
    for _ in range(200):
        if (folder / name).is_file():
            return pd.read_csv(folder / name, keep_default_na=False, dtype=str)
        browser.evaluate("new Promise((done) => setTimeout(done, 25))")
    raise AssertionError(f"{name} was not saved")


def test_filters_and_time_leave_exactly_the_right_points_and_the_address_brings_them_back(browser, path):
    opened(browser, path)
    table = rich(COUNT)
    keep = table["gps"].notna()
    drawn(browser, table.index[keep])
    snr = panel(browser, "snr")
    put(browser, f'{snr} input[aria-label="snr from"]', "10")
    put(browser, f'{snr} input[aria-label="snr to"]', "90.5")
    keep &= table["snr"].between(10, 90.5)
    drawn(browser, table.index[keep])
    ifo = panel(browser, "ifo")
    browser.evaluate(f"[...document.querySelectorAll('{ifo} label')].find((l) => l.textContent.includes('L1')).click()")
    keep &= table["ifo"] != "L1"
    drawn(browser, table.index[keep])
    put(browser, "#time-from", "250", "input")
    start, end = table["gps"].min(), table["gps"].max()
    keep &= table["gps"] >= start + (end - start) * 0.25
    drawn(browser, table.index[keep])
    assert 0 < keep.sum() < 30
    assert browser.evaluate(TEXT % "#time-text").endswith("2015-11-21")  # a date, no GPS seconds
    browser.evaluate("document.querySelector('#plot').focus()")
    browser.key("ArrowRight", shift=True)
    browser.evaluate("document.querySelector('#dims [data-dims=\"2\"]').click()")
    drawn(browser, table.index[keep], dims=2)
    put(browser, "#color", "snr")
    browser.wait("document.querySelector('#legend-title').textContent === 'snr, log scale'")
    browser.evaluate("document.querySelector('#plot').focus()")
    browser.key("ArrowRight")
    pinned = browser.evaluate(TEXT % "#pinned-id")
    assert pinned == table.loc[keep].sort_values("snr")["id"].iloc[0]  # stepping follows the colour
    browser.wait("location.hash.includes('camera=') && location.hash.includes('color=snr')")
    link = browser.evaluate("location.hash")
    camera = browser.evaluate("JSON.stringify(View.state.camera)")
    opened(browser, path, link)
    drawn(browser, table.index[keep], dims=2, traces=2)
    assert browser.evaluate(TEXT % "#pinned-id") == pinned
    browser.evaluate("document.querySelector('#dims [data-dims=\"3\"]').click()")
    browser.wait("document.querySelector('#plot').dataset.dims === '3'")
    eye = browser.evaluate("document.querySelector('#plot').layout.scene.camera.eye")
    assert eye == pytest.approx(json.loads(camera)["eye"], abs=1e-4)
    browser.evaluate("document.querySelector('#everything').click()")
    drawn(browser, table.index, traces=2)
    browser.wait("!location.hash.includes('range') && !location.hash.includes('time')")
    assert quiet(browser)[1:] == ([], 1)


TYPING = """
  const typing = setInterval(() => dispatchEvent(new Event("input")), 40);
  window.pausing = () => clearInterval(typing);
"""


def test_search_and_filters_work_before_the_map_is_drawn(browser, path):
    """Plotly starts when nobody is typing: without a graphics card it keeps the page for seconds."""
    script = browser.send("Page.addScriptToEvaluateOnNewDocument", source=TYPING)["identifier"]
    try:
        browser.open(path)
        browser.wait("document.querySelector('#groups button')")
        browser.click_on("document.querySelector('#find')")
        browser.type("H1_000")
        browser.wait("document.querySelectorAll('#found [role=option]').length > 5")
        browser.key("Escape")
        put(browser, "#time-from", "250", "input")
        table = rich(COUNT)
        start, end = table["gps"].min(), table["gps"].max()
        keep = table["gps"] >= start + (end - start) * 0.25
        assert browser.evaluate(TEXT % "#shown-count") == f"{keep.sum()} of {COUNT} shown"
        assert browser.evaluate(TEXT % "#plot").startswith("The map is being drawn.")
        time.sleep(1)
        assert browser.evaluate("typeof Plotly") == "undefined"
        browser.evaluate("pausing()")
        drawn(browser, table.index[keep])
        assert "being drawn" not in browser.evaluate(TEXT % "#plot")
        assert quiet(browser)[1:] == ([], 1)
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


@pytest.mark.long
def test_colours_of_numbers_that_spread_over_decades_are_logarithms_between_quantiles(browser, path):
    opened(browser, path, "#color=snr")
    known = np.sort(rich(COUNT)["snr"].dropna().to_numpy())
    low, high = (known[round(q * (len(known) - 1))] for q in (0.02, 0.98))
    assert high / low > 20
    marker = browser.evaluate(
        "(({ cmin, cmax, color }) => [cmin, cmax, Array.from(color)])(View && document.querySelector('#plot').data[0].marker)"
    )
    assert marker[:2] == pytest.approx(np.log([low, high]).tolist())
    np.testing.assert_allclose(np.sort(marker[2]), np.log(known))
    assert "missing 1 (2\xa0%)" in browser.evaluate(TEXT % "#scale")
    opened(browser, path, "#color=p_wrong")
    assert browser.evaluate("document.querySelector('#plot').data[0].marker.cmax") <= 1
    opened(browser, path, "#color=gps")
    assert "1126" not in browser.evaluate(TEXT % "#scale")
    assert "2015-09-1" in browser.evaluate(TEXT % "#scale")


def test_a_lasso_selects_and_saves_exactly_what_is_inside(browser, path, tmp_path):
    opened(browser, path, "#dims=2")
    browser.click_on("document.querySelector('#drag [data-drag=lasso]')")
    box = browser.evaluate("document.querySelector('#plot').getBoundingClientRect().toJSON()")
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    turns = np.linspace(0, 2 * np.pi, 24)
    corners = middle + np.column_stack([np.cos(turns) * 170, np.sin(turns) * (110 + 30 * np.cos(3 * turns))])
    browser.mouse(*corners[0])
    browser.mouse(*corners[0], "mousePressed")
    for x, y in corners[1:]:
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
    browser.mouse(*corners[-1], "mouseReleased")
    browser.wait("document.querySelector('#selected-count').textContent.endsWith('selected')")
    on_screen = browser.evaluate(
        f"""(() => {{ const p = document.querySelector('#plot'), box = p.getBoundingClientRect(), l = p._fullLayout;
        return {json.dumps(coordinates(COUNT, 2, seed=2).tolist())}.map(([x, y]) => [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)]); }})()"""
    )
    inside = np.flatnonzero(Outline(corners).contains_points(on_screen))
    assert 5 < len(inside) < COUNT - 5
    assert browser.evaluate("Array.from(View.state.selected)") == inside.tolist()
    saved = downloaded(browser, tmp_path, "glitches.csv", "#save")
    table = rich(COUNT).iloc[inside]
    assert [restored(text) for text in saved["id"]] == table["id"].tolist()
    assert [restored(text) for text in saved["label"]] == table["label"].tolist()
    assert saved["cluster"].tolist() == table["cluster"].astype(str).tolist()
    assert pd.to_numeric(saved["snr"]).tolist() == pytest.approx(table["snr"].tolist(), nan_ok=True)
    browser.evaluate("document.querySelector('#look').click()")
    shown = "[...document.querySelectorAll('#sheet-body .thumb')].map((t) => Number(t.dataset.row))"
    assert browser.evaluate(shown) == inside.tolist()
    put(browser, "#new-label", "Reverse_Chirp")
    named = downloaded(browser, tmp_path, "labels.csv", "#labels")
    assert named["label"].unique().tolist() == ["Reverse_Chirp"]
    answers = downloaded(browser, tmp_path, "answers.csv", "#answers")
    assert answers.columns.tolist() == ["id", "label", "passport", "decision"]
    assert answers["passport"].unique().tolist() == ["audit-123456789abc"]
    assert [restored(text) for text in answers["id"]] == table["id"].tolist()
    frame = "document.querySelectorAll('#plot .selectionlayer path').length"
    assert browser.evaluate(frame) > 0
    browser.evaluate("document.querySelector('#sheet-close').click()")
    browser.click_on("document.querySelector('#unselect')")
    browser.wait(f"{frame} === 0")  # it goes with its selection
    pressed = "document.querySelectorAll('#drag [aria-pressed=true]').length"
    browser.evaluate("document.querySelector('#plot .modebar-btn[data-val=zoom]').click()")
    browser.wait(f"{pressed} === 0")
    browser.click_on("document.querySelector('#drag [data-drag=lasso]')")
    browser.wait(f"{pressed} === 1 && document.querySelector('#plot').layout.dragmode === 'lasso'")


@pytest.mark.long
def test_two_glitches_side_by_side_and_the_neighbours_of_the_first(browser, path):
    opened(browser, path, "#id=H1_0012&with=H1_0033")
    for view, place in enumerate(("0.5", "1", "2", "4")):
        script = f"""[...document.querySelectorAll('#pinned canvas[data-duration="{place}"]')]"""
        browser.wait(f"{script}.every((c) => c.dataset.painted)")
        for canvas, row in enumerate((12, 33)):
            pixels = browser.evaluate(
                f"Array.from({script}[{canvas}].getContext('2d').getImageData(0, 0, 32, 24).data)"
            )
            seen = np.array(pixels, np.uint8).reshape(24, 32, 4)[..., :3]
            np.testing.assert_array_equal(seen, colours_of_levels(thumbnails(COUNT).levels[row, view]))
    rows = browser.evaluate(
        "[...document.querySelectorAll('.facts tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    table = rich(COUNT)
    assert ["peak_frequency", *(f"{table['peak_frequency'][row]:.4g}" for row in (12, 33))] in rows
    points = coordinates(COUNT).astype(float)
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    nearest = np.argsort(-(unit @ unit[12]))[1:7].tolist()
    flags = "document.querySelector('#plot').layout.scene.annotations.map((a) => [a.text, a.x])"
    found = dict(browser.evaluate(flags))
    assert set(found) == {*"123456", "pinned", "compared"}
    assert [found[str(i + 1)] for i in range(6)] == pytest.approx(points[nearest, 0].tolist(), abs=1e-6)
    put(browser, "#near-count", "4")
    browser.evaluate("document.querySelector('#near-select').click()")
    assert browser.evaluate("Array.from(View.state.selected)") == sorted([12, *nearest[:4]])
    put(browser, "#near-count", "20")
    browser.evaluate("document.querySelector('#near-select').click()")
    by_map = np.argsort(((points - points[12]) ** 2).sum(axis=1), kind="stable")[:21]
    assert browser.evaluate("Array.from(View.state.selected)") == sorted(by_map.tolist())
    assert "too few neighbours" in browser.evaluate(TEXT % "#near-how")
    browser.evaluate("Cards.pin(5); Cards.pin(6, true)")
    assert browser.evaluate("location.hash") == "#id=H1_0005&with=H1_0006"


def test_a_class_is_found_by_its_name_and_a_hostile_one_stays_text(browser, path):
    opened(browser, path)
    browser.key("/")
    browser.type("koi")
    browser.wait("document.querySelector('#found [role=option]')")
    assert browser.evaluate(TEXT % "#found [role=option]").startswith("Koi_Fishlabel: show only these ")
    browser.key("Enter")
    table = rich(COUNT)
    drawn(browser, table.index[table["label"] == "Koi_Fish"])
    browser.evaluate("document.querySelector('#everything').click()")
    put(browser, "#find", "<img", "input")
    found = browser.evaluate("[...document.querySelectorAll('#found [role=option]')].map((o) => o.firstChild.data)")
    assert found == [IMAGE, IMAGE]  # the class, then the id
    browser.evaluate("Cards.pin(7)")
    assert browser.evaluate(TEXT % "#pinned-id") == IMAGE
    panel(browser, "label")
    browser.evaluate("document.querySelector('#look').click(); document.querySelector('#tab-table').click()")
    cells = browser.evaluate(
        "[...document.querySelectorAll('.rows tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert len(cells) == COUNT
    assert (cells[7][0], cells[0][1]) == (IMAGE, IMAGE)
    header = "[...document.querySelectorAll('.rows th button')].find((b) => b.textContent.startsWith('snr')).click()"
    browser.evaluate(f"{header}; {header}")
    ordered = browser.evaluate("[...document.querySelectorAll('.rows tbody tr')].map((r) => Number(r.dataset.row))")
    assert ordered == [*table["snr"].dropna().sort_values(ascending=False, kind="stable").index, 3]
    assert browser.evaluate("document.querySelectorAll('img, svg image').length") == 0
    assert browser.evaluate("window.pwned === undefined")
    assert quiet(browser)[1:] == ([], 1)


@pytest.mark.long
def test_time_plays_from_its_beginning_to_its_end(browser, path):
    opened(browser, path)
    browser.evaluate("document.querySelector('#time-play').click()")
    browser.wait("document.querySelector('#time-play').textContent.includes('stop')")
    first = browser.evaluate("View.state.time")
    gps = rich(COUNT)["gps"]
    assert first[1] - first[0] == pytest.approx(0.05 * (gps.max() - gps.min()))
    browser.wait(f"View.state.time[0] > {first[0]}")
    later = browser.evaluate("(() => { Timeline.stop(); return View.state.time; })()")
    assert later[1] - later[0] == pytest.approx(first[1] - first[0])
    drawn(browser, gps.index[gps.between(*later)])


@pytest.mark.long
def test_without_webgl_the_map_is_flat_and_says_why(browser, path):
    script = """HTMLCanvasElement.prototype.getContext = ((own) => function (kind, ...rest) {
        return /webgl/.test(kind) ? null : own.call(this, kind, ...rest); })(HTMLCanvasElement.prototype.getContext)"""
    added = browser.send("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
    try:
        opened(browser, path)
        assert browser.evaluate(TEXT % "#fallback").startswith(
            "This browser gives no WebGL, so the map is flat and does not turn."
        )
        assert browser.evaluate("document.querySelector('#plot').data[0].type") == "scatter"
        drawn(browser, range(COUNT), dims=2)
        assert browser.evaluate("document.querySelectorAll('#plot .scatterlayer .point').length") == COUNT
        browser.wait(
            "document.querySelector('#plot').clientHeight === document.querySelector('#plot .main-svg').clientHeight"
        )
        x, y = browser.evaluate(
            "(() => { const b = [...document.querySelectorAll('#plot .point')].at(-1).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        browser.mouse(x - 20, y)
        browser.mouse(x, y)
        browser.wait("View.state.pointed >= 0")
        name, _ = painted(browser, "pointed", "4")
        assert name in set(rich(COUNT)["id"])
    finally:
        browser.send("Page.removeScriptToEvaluateOnNewDocument", identifier=added)


@pytest.mark.long
def test_the_saved_files_are_read_by_the_commands(browser, tmp_path, capsys):
    folder, _ = make_study(tmp_path / "made", 24, 2)
    run_audit(folder)
    capsys.readouterr()
    with Study(folder) as study:
        drawn_map = draw_map(study, chosen_store(study.folder, None))
        ids = drawn_map.table["id"].tolist()
    opened(browser, drawn_map.files["embedding.html"])
    browser.evaluate("View.set({ selected: Int32Array.from([2, 5, 7]) })")
    put(browser, "#new-label", "Whistle")
    downloaded(browser, tmp_path, "answers.csv", "#answers")
    code, out, err = run(capsys, "audit", "import", tmp_path / "answers.csv", "--study", folder)
    assert (code, err) == (0, "")
    assert "3 decisions" in out or "3 answers" in out
    put(browser, "#new-label", "Reverse_Chirp")
    downloaded(browser, tmp_path, "labels.csv", "#labels")
    assert run(capsys, "ingest", "--labels", tmp_path / "labels.csv", "--study", folder)[0] == 0
    with Study(folder) as study:
        table = study.glitches()
    assert sorted(table.loc[table["label"] == "Reverse_Chirp", "id"]) == sorted(ids[row] for row in (2, 5, 7))
