"""The audit's page: every figure in it by hand, nothing of the data as markup, whole and silent in a browser."""

import html
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.browser import chromium, needs_chromium

from audit import AuditOptions, audit
from audit.review.comparisons import find_class_neighbours
from discovery.labelaudit.charts import calibration_svg, convergence_svg, evidence_svg
from discovery.labelaudit.facts import cautions
from discovery.labelaudit.gallery import Exhibits
from discovery.labelaudit.page import LEAST_DOUBT, MAX_CASES, MIN_CASES, audit_html, headline, shown_rows
from discovery.pages.thumbnails import Thumbnails
from embed.csvfile import restored
from embed.errors import InputError

EVIL = "</td><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u2028\"&'"


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 60)
    vectors = np.eye(2, 12)[truth] + 0.25 * rng.normal(size=(120, 12))
    labels = np.array(["Blip", EVIL])[truth]
    labels[:5], labels[60:63] = EVIL, "Blip"
    return audit(vectors, labels, options=AuditOptions(splits=20)), vectors


def glitches():
    gps = np.where(np.arange(120) == 3, np.nan, 1187008882.43)
    return pd.DataFrame({"id": [f"{EVIL if n == 3 else 'H1'}_{n}" for n in range(120)], "ifo": "H1", "gps": gps})


def exhibits(found, pictures=True):
    result, vectors = found
    rows = shown_rows(result)
    neighbours = find_class_neighbours(vectors, result.labels, rows, result.suggested[rows])
    levels = np.broadcast_to(np.arange(120, dtype=np.uint8)[:, None, None, None], (120, 4, 6, 8)).copy()
    present = np.ones((120, 4), bool)
    present[int(rows[0]), 3] = False
    thumbnails = Thumbnails(levels, (0.5, 1.0, 2.0, 4.0), present) if pictures else None
    return Exhibits(rows, neighbours, thumbnails, {row: row for row in range(120)})


def page(found, **options):
    given = {
        "title": f"Audit {EVIL}",
        "asked": {"seed": EVIL},
        "command": f"discover audit --out '{EVIL}'",
        "passport": {"audit": "audit-1"},
        "cautions": [EVIL],
        "beside": ["audit.csv"],
        **options,
    }
    return audit_html(found[0], glitches(), given.pop("exhibits", exhibits(found)), **given)


def text_of(markup):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def test_the_headline_says_how_many(found):
    result, _ = found
    said = headline(result)
    assert said.startswith(
        f"Of the {result.listed} listed labels about {result.in_list.expected:,.0f} ({result.in_list.low:.0f} to {result.in_list.high:.0f}) are probably wrong, "
    )
    assert (
        f" of all 120 labels about {result.total.expected:,.0f} ({result.total.low:.0f} to {result.total.high:.0f}), "
        in said
    )
    assert f"Of <b>the {result.listed} listed labels</b> about <b>" in page(found)


def test_few_planted_errors_are_cautioned_of(found):
    result, _ = found
    rough = replace(result, reliability=np.array([[0.1, 0.05, 200.0], [0.9, 1.0, 12.0]]))
    assert rough.planted_errors == 22
    assert "they rest on 22 planted errors" in " ".join(cautions(rough, {}, None))
    enough = replace(result, reliability=np.array([[0.1, 0.05, 200.0], [0.9, 1.0, 40.0]]))
    assert "planted errors" not in " ".join(cautions(enough, {}, None))


def test_an_empty_list_is_said_to_be_empty():
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], 60)
    result = audit(
        np.eye(2, 12)[kind] + 0.02 * rng.normal(size=(120, 12)),
        np.array(["a", "b"])[kind],
        options=AuditOptions(splits=10),
    )
    assert result.listed == 0
    said = headline(result)
    assert said.startswith(
        "No label is doubtful enough to be listed: at most 10 % of a list may be right labels. Of all 120 "
    )
    assert f" about {result.total.expected:.0f} (" in said
    assert " are probably wrong, " in said
    shown = shown_rows(result)
    assert len(shown) < MIN_CASES
    assert (result.p_wrong[shown] >= LEAST_DOUBT).all()


def test_class_pairs_are_sums_of_p_wrong(found):
    result, _ = found
    body = page(found).split("What is labelled as what")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1], re.DOTALL)
    by_hand = {}
    for row in range(120):
        pair = (result.classes[result.labels[row]], result.classes[result.suggested[row]])
        by_hand[pair] = by_hand.get(pair, 0) + result.p_wrong[row]
    assert len(rows) == len(by_hand) == 2
    expected = sorted(by_hand.values(), reverse=True)
    shown = [float(re.findall(r'<td class="number">([0-9.]+)</td>', row)[0]) for row in rows]
    assert shown == pytest.approx(expected, abs=0.051)
    listed = [int(re.findall(r'<td class="number">([0-9,]+)</td>', row)[-1]) for row in rows]
    assert sum(listed) == result.listed


def test_cases_come_worst_first_with_views_and_similar_glitches(found):
    result, _ = found
    cases = re.findall(r"<article.*?</article>", page(found), re.DOTALL)
    assert MIN_CASES >= len(cases) == len(shown_rows(result)) > result.listed
    names = glitches()["id"]
    for place, case in enumerate(cases):
        row = result.order[place]
        words = text_of(case)
        assert words.startswith(f"{place + 1} ")
        assert names[row] in words or row == 3
        assert f"{result.p_wrong[row]:.3f}" in words
        assert case.count("<img") == 4 + 6 - (place == 0)
        assert words.count("most like it, labelled") == 2
    assert "no picture" not in cases[0]  # the view that is missing is left out
    ended = page(found).index("The list ends here")
    assert page(found)[:ended].count("<article") == result.listed


def test_only_views_that_there_are_and_like_beside_like(found):
    shown = exhibits(found)
    present = np.zeros((120, 4), bool)
    present[:, 3] = True  # 4 s is all that most have
    present[int(shown.rows[1])] = True
    levels = shown.thumbnails.levels
    only = Exhibits(shown.rows, shown.class_neighbours, Thumbnails(levels, (0.5, 1.0, 2.0, 4.0), present), shown.place)
    text = page(found, exhibits=only)
    first, second = text.split("<article")[1:3]
    assert "no picture" not in text
    assert [first.count(f"<b>{d} s<") for d in ("0.5", "1", "2", "4")] == [0, 0, 0, 1]
    assert [second.count(f"<b>{d} s<") for d in ("0.5", "1", "2", "4")] == [1, 1, 1, 1]
    assert "</b>, 4 s</h4>" in first
    assert "</b>, 1 s</h4>" not in second


def test_a_case_says_what_was_measured_as_far_as_it_is_known(found):
    worst, second = found[0].order[:2]
    table = glitches()
    table.loc[[worst, second], ["snr", "peak_frequency", "duration"]] = [[1312.7, 201.68, 0.4], [8.25, np.nan, np.nan]]
    cases = audit_html(found[0], table, exhibits(found), title="Audit", asked={}, passport={"audit": "a"}).split(
        "<article"
    )
    assert " · SNR 1,310 · peak 202 Hz · 0.4 s long" in text_of(cases[1])
    assert " · SNR 8.25 " in text_of(cases[2])
    assert "peak" not in text_of(cases[2]).split("In all")[0]
    assert "SNR" not in text_of(cases[3])


def test_what_is_capped_is_said(found, monkeypatch):
    monkeypatch.setattr("discovery.labelaudit.page.MAX_CASES", 5)
    shown = page(found, exhibits=exhibits(found))
    assert shown.count("<article") == 5
    assert f"The first 5 of the list's {found[0].listed} rows; all are in audit.csv" in html.unescape(shown)
    assert MAX_CASES == 100


def test_without_pictures_and_similar_glitches(found):
    bare = Exhibits(shown_rows(found[0]), None, None, {})
    shown = page(found, exhibits=bare)
    assert "<img" not in shown
    assert "most like it, labelled" not in shown
    named = page(found, exhibits=exhibits(found, pictures=False))
    assert "<img" not in named
    assert named.count("most like it, labelled") == 2 * len(shown_rows(found[0]))


def test_the_calibration_plot_draws_every_bin():
    drawn = calibration_svg(np.array([[0.05, 0.0, 100], [0.5, 0.25, 8]]))
    dots = [
        tuple(map(float, found)) for found in re.findall(r'<circle class="dot" cx="([0-9.]+)" cy="([0-9.]+)"', drawn)
    ]
    assert len(dots) == 2
    left, right = 48, 360 - 12
    bottom, top = 290 - 42, 10
    assert dots[1] == pytest.approx((left + 0.5 * (right - left), bottom - 0.25 * (bottom - top)), abs=0.06)
    assert "8 rows of planted labellings, stated 0.500, wrong 25.0 %" in drawn
    assert drawn.count('class="whisker"') == 2


def test_the_convergence_curve_and_the_evidence(found):
    result, _ = found
    drawn = convergence_svg(result.curve, (0.99, 0.9))
    assert drawn.count('class="dot"') == drawn.count('class="square"') == len(result.curve)
    assert f"after {result.curve[-1].splits} splits, rank correlation {result.curve[-1].correlation:.3f}" in drawn
    bars = evidence_svg({"one": 0.25, "combined": 0.75})
    assert [float(width) for width in re.findall(r'width="([0-9.]+)" height="13"', bars)] == pytest.approx(
        [0.75 * (360 - 168 - 48), 0.25 * (360 - 168 - 48)], abs=0.06
    )
    assert bars.index("combined") < bars.index("one")


def test_nothing_of_the_data_becomes_markup_and_nothing_is_loaded(found):
    shown = page(found)
    assert shown.count("<script") == 1  # the page's own, which its policy names
    assert "onerror='" not in shown
    assert re.findall(r"<img[^>]*src=\"(?!data:image/png;base64,)", shown) == []
    assert set(re.findall(r'href="([^"#]*)', shown)) == {"./audit.csv", ""}
    assert "default-src 'none'" in html.unescape(shown)
    assert shown == page(found)


def test_a_link_out_of_the_folder_is_refused(found):
    with pytest.raises(InputError, match=r"'../x' is not the name of a file"):
        page(found, beside=["../x"])


@needs_chromium
def test_in_a_browser_it_is_whole_silent_and_harmless(found, tmp_path):
    (tmp_path / "audit.html").write_text(page(found), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        for size, dark in (((1280, 900), False), ((1280, 900), True), ((390, 800), False)):
            browser.open(tmp_path / "audit.html", size=size, dark=dark)
            browser.wait("document.querySelector('pre')")
            browser.wait("[...document.images].every((image) => image.complete)")
            assert browser.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
            assert browser.evaluate("document.documentElement.scrollWidth") <= size[0]
            assert browser.evaluate("document.querySelector('h1').textContent") == f"Audit {EVIL}"
            assert browser.evaluate("window.pwned === undefined")
            assert browser.console == []
            assert [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))] == []


@needs_chromium
def test_the_ticks_of_a_single_view_end_where_the_picture_ends(found, tmp_path):
    shown = exhibits(found)
    one = Thumbnails(shown.thumbnails.levels[:, 3:], (4.0,), np.ones((120, 1), bool))
    (tmp_path / "audit.html").write_text(page(found, exhibits=replace(shown, thumbnails=one)), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "audit.html", size=(1280, 900))
        browser.wait("document.querySelector('.views.one .hz')")
        browser.wait("[...document.images].every((image) => image.complete)")
        heights = "[...document.querySelectorAll('.views.one .view')].map((view) => [view.querySelector('.hz'), view.querySelector('img')].map((part) => part.getBoundingClientRect().height))"
        for ticks, picture in browser.evaluate(heights):
            assert ticks == pytest.approx(picture, abs=1)


@needs_chromium
def test_decisions_are_kept_and_saved_as_the_table_that_an_import_reads(found, tmp_path):
    (tmp_path / "audit.html").write_text(page(found), encoding="utf-8")
    result, _ = found
    ids = glitches()["id"]
    rows = shown_rows(result).tolist()
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "audit.html")
        browser.wait("document.querySelector('.decide')")
        for key in "sluj":  # the suggestion, the label is right, unsure, one further
            browser.key(key)
        browser.key("/")
        browser.type("=Crown")
        browser.key("Enter")
        browser.evaluate("document.activeElement.blur()")
        assert browser.evaluate("document.querySelector('.tools b').textContent") == f"4 of {len(rows)} decided"
        browser.open(tmp_path / "audit.html")  # the browser kept them
        browser.wait("document.querySelector('.decide')")
        browser.evaluate("URL.createObjectURL = (blob) => { window.saved = blob.text(); return '#'; }")
        browser.evaluate("document.querySelector('.tools').scrollIntoView()")
        browser.click_on("document.querySelector('.save')")
        table = pd.read_csv(io.StringIO(browser.evaluate("window.saved")), dtype=str)
        assert "--new-class '=Crown'" in browser.evaluate("document.querySelector('[role=status]').textContent")
        assert browser.evaluate("window.pwned === undefined")
        assert browser.console == []
    assert table.map(restored).to_numpy().tolist() == [
        [ids[row], result.classes[result.labels[row]], result.classes[result.suggested[row]], answer, "audit-1"]
        for row, answer in zip(
            [rows[place] for place in (0, 1, 2, 4)],
            [result.classes[result.suggested[rows[0]]], result.classes[result.labels[rows[1]]], "unsure", "=Crown"],
            strict=True,
        )
    ]


@needs_chromium
def test_filter_order_and_address_choose_the_cases(found, tmp_path):
    (tmp_path / "audit.html").write_text(page(found), encoding="utf-8")
    result, _ = found
    rows = shown_rows(result).tolist()
    ranks = "[...document.querySelectorAll('.case')].filter((one) => one.checkVisibility()).map((one) => Number(one.dataset.rank))"
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "audit.html")
        browser.wait("document.querySelector('.decide')")
        choose = "((at, value) => { const one = document.querySelectorAll('.tools select')[at]; one.value = value; one.dispatchEvent(new Event('change')); })"
        browser.evaluate(f"{choose}(0, 'Blip')")
        blips = [rank for rank, row in enumerate(rows, 1) if result.classes[result.labels[row]] == "Blip"]
        assert 0 < len(blips) < len(rows)
        assert browser.evaluate(ranks) == blips
        browser.evaluate(f"{choose}(0, ''); {choose}(4, 'class')")
        by_class = sorted(
            range(len(rows)),
            key=lambda at: (result.classes[result.labels[rows[at]]], result.classes[result.suggested[rows[at]]], at),
        )
        assert browser.evaluate(ranks) == [at + 1 for at in by_class]
        browser.evaluate(f"{choose}(3, 'done')")
        assert browser.evaluate(ranks) == []
        browser.key("s")  # decides nothing where no case is shown
        assert browser.evaluate("document.querySelector('.tools b').textContent") == f"0 of {len(rows)} decided"
        browser.evaluate(f"{choose}(3, '')")
        last = glitches()["id"][rows[-1]]
        browser.evaluate(f"{choose}(0, 'Blip')")
        browser.evaluate(f"location.hash = 'id=' + encodeURIComponent({last!r})")
        browser.wait(
            "document.querySelector('.current').dataset.rank === String(document.querySelectorAll('.case').length)"
        )
        assert browser.evaluate(ranks) == list(range(1, len(rows) + 1))


@needs_chromium
def test_what_is_decided_can_still_be_read_and_an_empty_choice_is_said(found, tmp_path):
    (tmp_path / "audit.html").write_text(page(found), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "audit.html")
        browser.wait("document.querySelector('.decide')")
        browser.key("s")
        faded = "[...document.querySelectorAll('.decided :is(.why, .sides, h4, figcaption, .hz)')].map((one) => getComputedStyle(one).opacity)"
        assert set(browser.evaluate(faded)) == {"1"}
        said = "document.querySelector('#cases > p.note').checkVisibility()"
        assert not browser.evaluate(said)
        browser.evaluate("document.querySelectorAll('.case').forEach((one) => one.dispatchEvent(new Event('click')))")
        browser.evaluate("""(([label, suggested, ifo, state]) => {
            state.value = 'done'; label.value = [...label.options].at(-1).value;
            suggested.value = [...suggested.options].map((one) => one.value).find((one) => one === label.value) ?? suggested.options[1].value;
            state.dispatchEvent(new Event('change'));
        })([...document.querySelectorAll('.tools select')])""")
        assert browser.evaluate("document.querySelector('.tools span').textContent") == " \u00b7 0 shown"
        assert browser.evaluate(said)
