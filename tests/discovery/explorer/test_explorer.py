"""The explorer page: what is written, and what a browser makes of it."""

import json
import re
from html import unescape
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from support.browser import needs_chromium
from support.explorer import (
    DURATIONS,
    EVIL,
    ON_SCREEN,
    READY,
    coordinates,
    data_of,
    page,
    painted,
    quiet,
    table,
    thumbnails,
)

from discovery.explorer.explorer import SCRIPTS, embedding_html
from discovery.pages.columns import classes, column_kind
from discovery.pages.gpstime import utc
from discovery.pages.page import content_policy, json_for_script, showable
from discovery.pages.palette import NOISE_LIGHT, NOISE_MARK
from discovery.pages.thumbnails import ABSENT, OMITTED, Thumbnails, pack, plan_pictures, shrink
from embed.errors import InputError
from embed.views.viridis import colours_of_levels

# --- what is written ---------------------------------------------------------------------------------------------------


def test_same_input_same_page():
    assert page() == page()


def test_no_text_of_the_data_becomes_markup():
    html = page()
    for script in re.findall(r"<script\b[^>]*>", html):
        assert script == "<script>" or 'type="application/json"' in script or 'type="text/plain"' in script
    assert html.count("<script>") == 1, "the page's own script, which starts plotly, and nothing else"
    assert html.count('id="plotly"') == 1
    assert "<img" not in html.replace(content_of(html, "behaviour"), "")
    assert "\u2028" not in html.split('<script type="application/json"')[1].split("</script>")[0]
    assert data_of(html)["title"] == f"Test {EVIL}"


def content_of(html, which):
    tag = '<script type="text/plain" id="plotly">' if which == "plotly" else "<script>"
    (script,) = re.findall(rf"{tag}(.*?)</script>", html, re.DOTALL)
    return script


def test_the_page_loads_nothing():
    html = page()
    own = html.replace(content_of(html, "plotly"), "")
    assert not re.search(r"\b(src|href)\s*=\s*[\"']?(https?:)?//", own)
    assert "default-src 'none'" in unescape(html)


def test_noise_is_a_class_of_its_own_and_grey():
    coded = classes("cluster", table()["cluster"])
    assert coded.names == ("cluster 0", "cluster 1", "cluster 2", "noise")
    assert [group.count for group in coded.groups] == [6, 6, 6, 6]
    assert coded.groups[-1].mark is NOISE_MARK
    assert NOISE_MARK.light == NOISE_LIGHT
    assert [coded.names[code] for code in coded.codes[:4]] == ["noise", "cluster 0", "cluster 1", "cluster 2"]
    assert "noise 6 (25\xa0%)" in page()


def test_minus_one_in_another_column_is_not_noise():
    assert classes("charge", pd.Series([-1, 1, -1])).names == ("-1", "1")


def test_missing_labels_are_counted():
    coded = classes("label", pd.Series(["b", None, "a", "b", np.nan]))
    assert [(group.name, group.count) for group in coded.groups] == [("b", 2), ("a", 1), ("missing", 2)]


def test_too_many_classes_share_a_mark_that_says_so():
    column = pd.Series([f"class {row % 100:03d}" for row in range(1000)] + ["class 000"] * 5)
    coded = classes("label", column)
    assert len(coded.names) == 100
    assert coded.groups[0].name == "class 000"
    assert coded.groups[-1].name == "other (29 classes)"
    assert sum(group.count for group in coded.groups) == len(column)
    for row in (0, 500, 999):
        assert coded.names[coded.codes[row]] == column[row]
    counted = np.bincount(coded.group_of[coded.codes])
    assert counted.tolist() == [group.count for group in coded.groups]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a"] * 5, "class"),
        ([True, False], "class"),
        ([1, 2, 3], "class"),
        (range(40), "number"),
        ([0.1, 0.2], "number"),
    ],
)
def test_kinds_of_columns(values, kind):
    assert column_kind("x", pd.Series(list(values))) == kind


def test_text_naming_rows_is_not_for_colouring():
    column = pd.Series([f"/images/{row}.png" for row in range(200)])
    assert column_kind("path", column) == "text"
    assert column_kind("cluster", pd.Series(range(200))) == "class"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": table().drop(columns="id")}, "no column 'id'"),
        ({"table": table().assign(id="same")}, "id 'H1_same' is in more than one row"),
        ({"table": table().iloc[:0], "coordinates": coordinates(0), "thumbnails": None}, "0 glitches"),
        ({"coordinates": coordinates(23)}, r"shape \(23, 3\)"),
        ({"coordinates": np.full((24, 3), np.nan)}, "row 0 are not finite"),
        ({"color": "colour"}, "cannot colour by 'colour': choose one of label, ifo"),
        ({"dims": 4}, "dims is 4"),
        ({"thumbnails": thumbnails(23)}, "23 glitches have pictures but the table has 24 rows"),
        ({"max_pictures": -1}, "max_pictures is -1"),
    ],
)
def test_bad_input_is_refused(change, message):
    given = {"table": table(), "coordinates": coordinates(), "thumbnails": thumbnails(), "color": "label", "dims": 3}
    given |= change
    with pytest.raises(InputError, match=message):
        embedding_html(
            given["table"],
            given["coordinates"],
            given["thumbnails"],
            color=given["color"],
            title="",
            dims=given["dims"],
            max_pictures=given.get("max_pictures", 10),
        )


def test_repeated_ids_are_told_apart_by_their_detector():
    same = table(2).assign(id="1126259462")
    html = embedding_html(same, coordinates(2), None, color="ifo", title="t")
    assert data_of(html)["ids"] == ["H1_1126259462", "L1_1126259462"]


def test_thumbnails_check_their_shapes():
    levels, present = np.zeros((2, 1, 8, 8), np.uint8), np.ones((2, 1), bool)
    with pytest.raises(InputError, match=r"thumbnails are float64"):
        Thumbnails(levels.astype(float), (4.0,), present)
    with pytest.raises(InputError, match=r"durations \(4.0, 1.0\) do not name 1 views"):
        Thumbnails(levels, (4.0, 1.0), present)
    with pytest.raises(InputError, match=r"mask of views is bool of shape \(1, 2\)"):
        Thumbnails(levels, (4.0,), present.T)


# --- pictures ----------------------------------------------------------------------------------------------------------


def test_shrinking_averages_areas():
    levels = np.arange(16, dtype=np.uint8).reshape(4, 4) * 10
    expected = levels.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    assert np.abs(shrink(levels, 2, 2) - expected).max() <= 0.5
    assert shrink(levels, 8, 8) is levels


def test_few_pictures_are_all_kept_and_exact():
    present = np.ones((500, 4), bool)
    plan = plan_pictures(present, np.zeros(500, np.int64))
    assert plan.keep.all()
    assert plan.quality is None


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_asks_plotly_for_public_names_only(name):
    script = (resources.files("discovery") / "explorer" / f"{name}.js").read_text("utf-8")
    assert re.findall(r"\._[a-z]\w*", script) == []
    assert re.findall(r"\bvar\b|[^=!]==[^=]|!=[^=]", script) == []


def test_over_the_limit_one_duration_stays_then_an_even_sample_of_each_class():
    present = np.zeros((100, 2), bool)
    present[:, 1] = present[:40, 0] = True
    groups = np.repeat([0, 1], [80, 20])
    one_duration = plan_pictures(present, groups, limit=100)
    assert one_duration.keep.tolist() == np.column_stack([np.zeros(100, bool), np.ones(100, bool)]).tolist()
    sampled = plan_pictures(present, groups, limit=50)
    assert [int(sampled.keep[groups == group].sum()) for group in (0, 1)] == [40, 10]


def test_omitted_and_absent_pictures_are_told_apart():
    pictures = thumbnails(24)
    plan = plan_pictures(pictures.present, np.zeros(24, np.int64), limit=24)
    atlases = pack(pictures, plan)
    assert atlases.slots[0].tolist() == [OMITTED, OMITTED, OMITTED, 0]
    assert atlases.slots[5].tolist() == [ABSENT, ABSENT, ABSENT, 5]


def test_the_page_says_what_was_left_out():
    assert "93 spectrograms of 32 by 24 pixels, exact." in page()
    html = page(max_pictures=10)
    assert "83 of 93 were left out to keep this page small: 10 of 24 glitches have a picture here" in html
    assert "This page holds no pictures." in embedding_html(table(), coordinates(), None, color="ifo", title="t")


# --- the page's parts --------------------------------------------------------------------------------------------------


def test_what_no_file_can_hold_is_shown_escaped():
    assert showable("a\x00b\ud800c\u202e") == r"a\x00b\ud800c\u202e"


def test_json_in_a_script_stays_there_and_reads_back():
    text = json_for_script({"label": EVIL})
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text) == {"label": EVIL}


def test_the_policy_names_scripts_by_their_hash():
    # echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in content_policy(["alert(1)"])
    assert "script-src 'none'" in content_policy([])


# --- in a browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for dims in (2, 3):
        (folder / f"{dims}.html").write_text(page(dims=dims), encoding="utf-8")
    return folder


@needs_chromium
@pytest.mark.parametrize("dims", [2, 3])
def test_pinning_shows_the_right_pixels_and_nothing_is_asked_of_the_network(browser, pages, dims):
    browser.open(pages / f"{dims}.html", fragment="#id=H1_0006")
    browser.wait(READY)
    for view, duration in enumerate(DURATIONS):
        name, pixels = painted(browser, "pinned", f"{duration:g}")
        assert name == "H1_0006"
        np.testing.assert_array_equal(pixels, colours_of_levels(thumbnails().levels[6, view]))
    assert browser.evaluate("document.querySelector('#pinned-id').textContent") == "H1_0006"
    assert utc(1126259462 + 6e6) in browser.evaluate("document.querySelector('#pinned').textContent")
    assert browser.evaluate("window.pwned === undefined")
    assert EVIL in browser.evaluate("document.querySelector('#pinned').textContent")
    assert quiet(browser) == ([], [], 1)


@needs_chromium
def test_the_policy_stops_scripts_even_if_one_got_in(browser, pages, tmp_path):
    broken = (pages / "3.html").read_text(encoding="utf-8").replace("<main>", "<script>window.pwned = 1</script><main>")
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    browser.open(tmp_path / "broken.html")
    browser.wait(READY)
    assert browser.evaluate("window.pwned === undefined")
    assert any("Content Security Policy" in line for line in browser.console)
    with pytest.raises(RuntimeError, match="Failed to fetch"):
        browser.evaluate("fetch('https://example.org/')")


@needs_chromium
def test_a_glitch_without_a_view_says_so(browser, pages):
    browser.open(pages / "3.html", fragment="#id=H1_0005")
    browser.wait(READY)
    assert browser.evaluate("document.querySelectorAll('#pinned canvas').length") == 1
    assert "no view of0.5 s, 1 s, 2 s" in browser.evaluate("document.querySelector('#pinned').textContent")


@needs_chromium
def test_pointing_and_clicking_with_a_real_mouse(browser, pages):
    """In the flat map the place of a point on screen is known exactly."""
    browser.open(pages / "2.html")
    browser.wait(READY)
    row = int(np.argmax(coordinates(dims=2)[:, 0]))  # the rightmost point is not covered by others
    x, y = (float(value) for value in coordinates(dims=2)[row])
    where = browser.evaluate(
        f"""(() => {{ const p = document.querySelector("#plot"), box = p.getBoundingClientRect(), l = p._fullLayout;
        return [box.x + l.xaxis._offset + l.xaxis.l2p({x}), box.y + l.yaxis._offset + l.yaxis.l2p({y})]; }})()"""
    )
    browser.mouse(where[0] - 30, where[1] + 2)
    browser.mouse(*where)
    browser.wait("document.querySelector('#pointed canvas')")
    name, pixels = painted(browser, "pointed", "4")
    assert name == f"H1_{row:04d}"
    np.testing.assert_array_equal(pixels, colours_of_levels(thumbnails().levels[row, 3]))
    assert browser.evaluate("document.querySelectorAll('.hoverlayer *').length") == 0, "no box over the map"
    browser.click(*where)
    browser.wait("!document.querySelector('#pinned').hidden")
    assert browser.evaluate("document.querySelector('#pinned-id').textContent") == f"H1_{row:04d}"
    assert browser.evaluate("location.hash") == f"#id=H1_{row:04d}"


@needs_chromium
def test_pointing_works_in_the_turning_map(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    on_screen = np.array(browser.evaluate(ON_SCREEN % json.dumps(coordinates().tolist())))
    distances = np.linalg.norm(on_screen[:, None] - on_screen[None], axis=-1) + 1e9 * np.eye(len(on_screen))
    row = int(distances.min(axis=1).argmax())  # the one farthest from all others on the screen
    x, y = on_screen[row].tolist()
    browser.mouse(x - 30, y)
    browser.mouse(x, y)
    name, pixels = painted(browser, "pointed", "4")
    assert name == f"H1_{row:04d}"
    np.testing.assert_array_equal(pixels, colours_of_levels(thumbnails().levels[row, 3]))
    browser.click(x, y)
    browser.wait(f"document.querySelector('#pinned-id')?.textContent === 'H1_{row:04d}'")


@needs_chromium
def test_legend_toggles_and_a_double_click_isolates(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    button = "document.querySelectorAll('#groups button')[{}]"

    def drawn(*expected):
        """Points of each class; a picture is drawn a moment after a click."""
        browser.wait(
            f"'{expected}' === '(' + document.querySelector('#plot').data.map((t) => t.x.length).join(', ') + ')'"
        )

    drawn(8, 8, 8)
    assert "8 (33\xa0%)" in browser.evaluate(button.format(1) + ".textContent")
    browser.click_on(button.format(1))
    drawn(8, 0, 8)
    assert browser.evaluate("document.querySelector('#shown-count').textContent") == "16 of 24 shown"
    browser.click_on(button.format(1))
    drawn(8, 8, 8)
    browser.click_on(button.format(2), times=2)
    drawn(0, 0, 8)
    browser.evaluate(button.format(0) + ".focus()")
    browser.key("Enter")
    drawn(8, 0, 8)


@needs_chromium
def test_colouring_by_cluster_names_the_noise_and_a_number_gets_a_scale(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    choose = "(() => { const s = document.querySelector('#color'); s.value = '%s'; s.dispatchEvent(new Event('change')); })()"
    browser.evaluate(choose % "cluster")
    assert browser.evaluate("document.querySelector('#groups li:last-child').textContent") == "noise 6 (25\xa0%)"
    browser.wait("document.querySelector('#plot').data.length === 4 && !document.querySelector('#groups').hidden")
    last = browser.evaluate("document.querySelector('#plot').data[3].marker")
    assert (last["color"], last["symbol"]) == (NOISE_LIGHT, "circle-open")
    browser.evaluate(choose % "gps")
    assert browser.evaluate("document.querySelector('#groups').hidden")
    assert "2015-09-14" in browser.evaluate("document.querySelector('#scale').textContent")


@needs_chromium
def test_finding_an_id_with_the_keyboard_alone(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    browser.key("/")
    browser.type("0017")
    browser.wait("document.querySelectorAll('#found [role=option]').length === 1")
    browser.key("Enter")
    browser.wait("document.querySelector('#pinned-id')?.textContent === 'H1_0017'")
    assert browser.evaluate("document.querySelector('#plot').layout.scene.annotations.length") == 1
    browser.evaluate("document.querySelector('#plot').focus()")
    browser.key("ArrowRight")  # the next in time of its class
    assert browser.evaluate("document.querySelector('#pinned-id').textContent") == "H1_0020"
    eye = "document.querySelector('#plot').layout.scene.camera.eye.x"
    before = browser.evaluate(eye)
    browser.key("ArrowRight", shift=True)
    turned = browser.evaluate(eye)
    assert turned != before
    browser.key("ArrowRight", shift=True)  # from where the last step ended, not from the start
    assert browser.evaluate(eye) not in {before, turned}
    browser.key("Escape")
    assert browser.evaluate("document.querySelector('#pinned').hidden")


@needs_chromium
def test_the_keyboard_turns_from_where_the_mouse_left_the_map(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    eye = "Object.values(document.querySelector('#plot').layout.scene.camera.eye)"
    start = np.array(browser.evaluate(eye))
    x, y = browser.evaluate(
        "(() => { const b = document.querySelector('#plot').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    )
    browser.mouse(x, y)
    browser.mouse(x, y, "mousePressed")
    for moved in (20, 60, 100):
        browser.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + moved, y=y, button="left", buttons=1)
        browser.evaluate("new Promise(requestAnimationFrame)")
    browser.mouse(x + 100, y, "mouseReleased")
    browser.wait(f"Math.abs({eye}[0] - {start[0]}) > 0.05")
    dragged = np.array(browser.evaluate(eye))
    browser.evaluate("document.querySelector('#plot').focus()")
    browser.key("ArrowRight", shift=True)
    turned = np.array(browser.evaluate(eye))
    cosine = dragged[:2] @ turned[:2] / np.linalg.norm(dragged[:2]) / np.linalg.norm(turned[:2])
    assert np.arccos(cosine) == pytest.approx(0.12, abs=1e-3)  # one step of the keyboard from there


@needs_chromium
def test_a_pinned_glitch_that_the_filters_leave_out_has_its_flag(browser, pages):
    browser.open(pages / "3.html", fragment="#id=H1_0001")
    browser.wait(READY)
    browser.evaluate("document.querySelector('#none').click()")
    browser.wait("document.querySelector('#plot').dataset.drawn === '0'")
    assert "The filters leave this glitch out" in browser.evaluate("document.querySelector('#pinned').textContent")
    assert browser.evaluate("document.querySelector('#plot').layout.scene.annotations.map((a) => a.text)") == ["pinned"]


@needs_chromium
def test_the_map_makes_room_for_the_caption(browser, pages):
    browser.open(pages / "2.html")
    browser.wait(READY)
    room = "document.querySelector('#plot').clientHeight - document.querySelector('#plot .main-svg').clientHeight"
    before = browser.evaluate("document.querySelector('#plot').clientHeight")
    browser.evaluate("document.querySelector('footer details').open = true")
    browser.wait(f"document.querySelector('#plot').clientHeight < {before} && {room} === 0")
    assert browser.evaluate("document.querySelector('footer dd').textContent") == EVIL


@needs_chromium
def test_no_button_of_the_map_sends_it_away(browser, pages):
    browser.open(pages / "3.html")
    browser.wait(READY)
    titles = browser.evaluate("[...document.querySelectorAll('.modebar-btn')].map((b) => b.dataset.title)")
    assert len(titles) == 5
    assert not [title for title in titles if re.search(r"share|cloud|link|edit|produced", title, re.IGNORECASE)]


@needs_chromium
def test_the_browser_writes_dates_as_we_do(browser, pages):
    """Every row's UTC, which the page computes from its own table of leap seconds."""
    browser.open(pages / "2.html")
    browser.wait(READY)
    for row in (0, 12, 23):
        browser.evaluate(f"location.hash = '#id=H1_{row:04d}'")
        browser.wait(f"document.querySelector('#pinned-id')?.textContent === 'H1_{row:04d}'")
        assert utc(1126259462 + row * 1e6) in browser.evaluate("document.querySelector('#pinned').textContent")


@needs_chromium
def test_plain_pictures_keep_their_own_colours(browser, tmp_path):
    colours = np.random.default_rng(3).integers(0, 256, (6, 1, 9, 12, 3), dtype=np.uint8)
    pictures = Thumbnails(colours, (0.0,), np.ones((6, 1), bool))
    html = embedding_html(table(6), coordinates(6), pictures, color="label", title="galaxies")
    (tmp_path / "plain.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "plain.html", fragment="#id=H1_0004")
    browser.wait(READY)
    _, pixels = painted(browser, "pinned", "0")
    np.testing.assert_array_equal(pixels, colours[4, 0])
    assert browser.evaluate("document.querySelector('#energy').hidden")
    browser.evaluate("document.querySelector('#look').click()")
    labels = "[...document.querySelectorAll('[aria-label], [title]')].map((one) => `${one.ariaLabel} ${one.title}`).join(' ')"
    said = browser.evaluate(f"document.body.innerText + {labels}")
    assert "6 pictures ·" in said
    assert browser.evaluate("document.querySelector('#sheet-title').textContent") == "6 shown pictures"
    assert "Point at another picture to compare" in said
    assert "previous picture" in said
    assert "Map of the pictures. Arrow keys step from picture to picture." in said
    assert "glitch" not in said.lower().replace("glitches.csv", "")


@needs_chromium
def test_compressed_pictures_are_close_to_the_levels(browser, tmp_path):
    """Past 2,000 pictures the atlas is JPEG: the page's colours must be those of levels within its error."""
    count = 2100
    yy, xx = np.mgrid[0:48, 0:56]
    blob = 220 * np.exp(-((xx - 28) ** 2 / 60 + (yy - 24) ** 2 / 200))
    levels = np.broadcast_to(blob.astype(np.uint8), (count, 1, 48, 56))
    pictures = Thumbnails(levels, (4.0,), np.ones((count, 1), bool))
    html = embedding_html(table(count), coordinates(count), pictures, color="ifo", title="many")
    assert "shrunk and compressed (JPEG), not exact" in html
    (tmp_path / "many.html").write_text(html, encoding="utf-8")
    browser.open(tmp_path / "many.html", fragment="#id=H1_2099")
    browser.wait(READY)
    _, pixels = painted(browser, "pinned", "4")
    colours = colours_of_levels(np.arange(256, dtype=np.uint8)).astype(int)
    seen = np.abs(colours[None, None] - pixels[:, :, None].astype(int)).sum(axis=-1).argmin(axis=-1)
    assert np.abs(seen - levels[0, 0]).max() <= 8
