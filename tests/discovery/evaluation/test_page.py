"""The page of an evaluation: every figure on it by hand, the plots' points where they belong, nothing of the data as markup."""

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image
from support.browser import chromium, needs_chromium

from discovery.evaluation.confusion import confusion_png, confusion_table
from discovery.evaluation.mistakes import MAX_GALLERY, Mistakes
from discovery.evaluation.page import _percent, evaluation_html
from discovery.pages.axes import round_ticks
from discovery.pages.plots import MAX_SERIES, legend, line_svg, reliability_svg, roc_svg, series_css
from discovery.pages.thumbnails import Thumbnails
from embed.errors import InputError
from embed.metrics.calibration import reliability
from embed.metrics.evaluation import evaluate
from embed.metrics.roc import roc_curve
from embed.views.viridis import colours_of_levels

EVIL = "</td><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u2028\"&'"
CLASSES = ("Blip", EVIL, "Whistle")


def judged(said=(0, 0, 1, 1, 0, 2, 2, 2, 2, 1), sure=0.8):
    """Ten glitches, three Blips, three of an evil class, four Whistles; those said to be something with the same confidence."""
    truth = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    table = np.full((10, 3), (1 - sure) / 2)
    table[np.arange(10), list(said)] = sure
    return evaluate(table, truth, CLASSES)


def mistakes(item):
    rows = np.flatnonzero(~item.right)
    levels = np.broadcast_to(
        np.arange(len(rows), dtype=np.uint8)[:, None, None, None] * 50, (len(rows), 3, 6, 8)
    ).copy()
    present = np.ones((len(rows), 3), bool)
    present[1, 0] = False
    return Mistakes(rows, [f"H1_{row}" if row else EVIL for row in rows], Thumbnails(levels, (1.0, 2.0, 4.0), present))


def page(**options):
    item = judged()
    given = {
        "judged": {"one": item, EVIL: judged(said=(0, 0, 0, 1, 1, 1, 2, 2, 2, 2))},
        "mistakes": mistakes(item),
        "title": f"Evaluation {EVIL}",
        "part": "test glitches",
        "asked": {"part": "test", "models": EVIL},
        "about": {"one": EVIL},
        "command": f"discover evaluate '{EVIL}'",
        "passport": {"seed": EVIL},
        "cautions": [f"Leak: {EVIL}"],
        "beside": ["metrics.csv", "a b&'.png"],
        **options,
    }
    return evaluation_html(given.pop("judged"), given.pop("mistakes"), **given)


def rows_of(text, heading):
    """Cells of the table below a heading, as words."""
    section = text.split(f"<h2>{heading}</h2>")[1].split("</section>")[0]
    body = re.search(r"<tbody>(.*?)</tbody>", section, re.DOTALL).group(1)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def test_the_figures_of_each_classifier():
    one, perfect = rows_of(page(), "Accuracy")
    assert one[0][0] == "one"
    assert one[1][:2] == ["60", "%"]
    assert one[1][2] == "31.3–83.2"  # noqa: RUF001 - Wilson's interval of 6 of 10
    assert len(one) == 8  # of three classes top-1 and top-2 say something, top-3 does not
    assert perfect[1] == ["100", "%", "72.2–100.0"]  # noqa: RUF001
    assert perfect[3] == ["100", "%"]  # no interval where nothing was wrong
    assert (
        "one is right on <b>60\xa0%</b> (31\xa0% to 83\xa0%) of <b>10</b> test glitches of 3 classes; the true class is among its two likeliest for <b>"
        in page()
    )


@pytest.mark.parametrize(
    ("share", "of", "written"),
    [
        (0.8421, 9, "84 %"),
        (0.8421, 950, "84.2 %"),
        (0.8421, 20_000, "84.21 %"),
        (0.999, 50, "99 %"),
        (0.9999, 950, "99.9 %"),
        (1.0, 9, "100 %"),
    ],
)
def test_a_share_has_the_decimals_that_its_glitches_tell(share, of, written):
    assert _percent(share, of) == written


def test_the_figures_of_each_class():
    blip, evil, whistle = rows_of(page(), "Class by class")
    assert blip[1] == ["3"]
    assert blip[2][:2] == ["67", "%"]
    assert blip[3] == ["67", "%", "20.8–93.9"]  # noqa: RUF001
    assert " ".join(blip[-1]).endswith("(1)")
    assert evil[3][:2] == ["33", "%"]
    assert whistle[2][:2] == ["75", "%"]
    assert whistle[4][:2] == ["75", "%"]


def test_the_comparison_marks_the_best():
    text = page()
    section = text.split("Class by class, all classifiers")[1].split("</section>")[0]
    rows = re.findall(r"<tr>.*?</tr>", section.split("<tbody>")[1], re.DOTALL)
    marked = [["best" in cell for cell in re.findall(r'<td class="number[^>]*>', row)] for row in rows]
    assert marked == [[False, False, True]] * 3  # glitches, the one, the perfect one
    assert rows_of(text, "Class by class, all classifiers")[-1][0] == ["all"]
    assert "all classifiers" not in page(judged={"one": judged()})


def test_the_confusion_matrix_has_every_count():
    table = confusion_table(judged().matrix, CLASSES)
    assert [int(count) for count in re.findall(r'<td class="(?:hit|miss)[^>]*>(\d+)</td>', table)] == [
        2,
        1,
        1,
        1,
        1,
        1,
        3,
    ]
    assert 'title="Blip taken for ' in table
    absent = confusion_table(np.array([[3, 0, 0], [0, 0, 0], [1, 0, 2]]), ("a", "b", "c"))
    assert "b" not in re.sub(r"<[^>]+>", " ", absent).split()


def test_the_confusion_picture():
    made = confusion_png(judged().matrix, CLASSES, title="one")
    assert made == confusion_png(judged().matrix, CLASSES, title="one")
    picture = np.asarray(Image.open(io.BytesIO(made)).convert("RGB")).reshape(-1, 3)
    blue = (picture == (0, 114, 178)).all(axis=1).sum()
    assert blue == 0  # no class is recognised whole
    whole = np.asarray(Image.open(io.BytesIO(confusion_png(np.diag([5, 4]), ("a", "b"), title="x"))).convert("RGB"))
    assert (whole == (0, 114, 178)).all(axis=2).sum() > 2 * 40 * 40 * 0.8
    assert (whole[:, -24:] == 255).all()  # no line of text ends at the edge
    assert (whole[40:62] < 200).any()


def test_the_gallery_shows_one_and_four_seconds_and_what_is_absent():
    text = page().split("<h2>Misclassified</h2>")[1]
    figures = re.findall(r"<figure>.*?</figure>", text, re.DOTALL)
    assert len(figures) == 4
    assert [re.findall(r"<small>(.*?)</small>", figure) for figure in figures] == [["1 s", "4 s"]] * 4
    assert "no such view" in figures[1]
    image = re.findall(r'src="data:image/png;base64,([^"]+)"', figures[2])[1]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))).convert("RGB"))
    np.testing.assert_array_equal(pixels, np.broadcast_to(colours_of_levels(np.uint8(100)), (6, 8, 3)))
    assert "labelled <b>Blip</b>" in figures[0]
    assert "0.800" in figures[0]


def test_nothing_misclassified():
    item = judged(said=(0, 0, 0, 1, 1, 1, 2, 2, 2, 2))
    text = page(judged={"one": item}, mistakes=Mistakes(np.zeros(0, np.int64), [], None))
    assert "None of the 10 glitches." in text
    assert "Right on <b>100\xa0%</b>" in text


def test_more_mistakes_than_the_gallery_holds():
    count = MAX_GALLERY + 20
    item = evaluate(np.tile([0.9, 0.1], (count, 1)), np.ones(count, np.int64), ["a", "b"])
    text = page(judged={"one": item}, mistakes=Mistakes(np.arange(count), [str(row) for row in range(count)], None))
    assert f"The first {MAX_GALLERY} are shown; misclassified.csv lists all." in text
    assert text.count("<figcaption><code>") == MAX_GALLERY


def test_points_of_the_reliability_lie_where_they_should():
    found = reliability(np.array([0.25, 0.75, 0.75, 0.75, 0.75]), np.array([True, True, True, True, False]), bins=2)
    drawn = reliability_svg({"one": found})
    (x1, y1), (x2, y2) = [
        (float(x), float(y)) for x, y in re.findall(r'<circle class="dot s0" cx="([\d.]+)" cy="([\d.]+)"', drawn)
    ]
    left, right, top, bottom = 56, 506, 14, 392
    assert (x1 - left) / (right - left) == pytest.approx(0.25, abs=1e-3)
    assert (bottom - y1) / (bottom - top) == pytest.approx(1, abs=1e-3)
    assert (x2 - left) / (right - left) == pytest.approx(0.75, abs=1e-3)
    assert (bottom - y2) / (bottom - top) == pytest.approx(0.75, abs=1e-3)
    assert drawn.count('class="whisker s0"') == 2


def test_roc_on_its_logarithmic_axis():
    """One of a thousand others scores above the whole class: the curve starts at 1e-3, a quarter of the way."""
    scores = np.concatenate([[0.9], np.full(10, 0.5), np.zeros(999)])
    positive = np.zeros(1010, bool)
    positive[1:11] = True
    drawn = roc_svg({"one": roc_curve(scores, positive)})
    points = re.search(r'class="line s0" points="([^"]+)"', drawn).group(1).split()
    x = [float(point.split(",")[0]) for point in points]
    assert (x[1] - 56) / 450 == pytest.approx(0.25, abs=1e-3)
    assert points[-1] == "506.0,14.0"


@pytest.mark.parametrize(
    ("low", "high", "whole", "names"),
    [
        (0.0, 1.0, False, "0 0.2 0.4 0.6 0.8 1"),
        (0.417, 0.671, False, "0.45 0.5 0.55 0.6 0.65"),
        (0.9, 1.0, False, "0.9 0.92 0.94 0.96 0.98 1"),
        (0.0, 50.0, True, "0 10 20 30 40 50"),
        (0.0, 3.0, True, "0 1 2 3"),
    ],
)
def test_ticks_are_round_and_stand_where_they_say(low, high, whole, names):
    ticks = round_ticks(low, high, "{:g}".format, whole=whole)
    assert " ".join(name for _, name in ticks) == names
    assert [low + share * (high - low) for share, _ in ticks] == pytest.approx([float(name) for _, name in ticks])


def test_lines_and_legends():
    drawn = line_svg({"a": [(0, 0.9, 0.88, 0.92), (100, 0.95, 0.94, 0.96)]}, across="n", up="accuracy", title="t")
    x = [float(value) for value in re.findall(r'<circle class="dot s0" cx="([\d.]+)"', drawn)]
    assert x == [56.0, 506.0]
    assert drawn.count("whisker") == 2
    many = legend({f"m{place}": "" for place in range(MAX_SERIES + 3)})
    assert "3 more are not drawn" in many
    assert many.count("<svg") == MAX_SERIES
    assert series_css().count("--series") == 2 * MAX_SERIES


def test_same_input_same_page():
    assert page() == page()


def test_nothing_of_the_data_becomes_markup_and_nothing_is_loaded():
    text = page()
    assert "<script" not in text
    assert "onerror='" not in text
    assert re.findall(r"<img[^>]*src=\"(?!data:image/png;base64,)", text) == []
    assert set(re.findall(r'href="([^"#]*)', text)) == {"./metrics.csv", "./a%20b%26%27.png"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judged": {}}, "there is no evaluation to show"),
        ({"judged": {"one": judged(), "two": evaluate([[0.5, 0.5]], [0], "ab")}}, "'two' was judged on other glitches"),
        ({"beside": ["../secret"]}, r"'../secret' is not the name of a file"),
        (
            {"mistakes": Mistakes(np.arange(2), ["a", "b"], mistakes(judged()).thumbnails)},
            "4 glitches have pictures but 2 are shown",
        ),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        page(**change)


@needs_chromium
def test_in_a_browser_it_is_whole_silent_and_harmless(tmp_path):
    (tmp_path / "evaluation.html").write_text(page(), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        for dark in (False, True):
            browser.open(tmp_path / "evaluation.html", dark=dark)
            browser.wait("document.querySelectorAll('svg.plot').length === 2")
            browser.wait("[...document.images].every((image) => image.complete)")
            assert browser.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")
            assert browser.evaluate("document.querySelector('h1').textContent") == f"Evaluation {EVIL}"
            assert browser.evaluate("window.pwned === undefined")
            assert browser.console == []
            assert [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))] == []
        browser.open(tmp_path / "evaluation.html", size=(390, 844))
        browser.wait("document.querySelector('svg.plot')")
        assert browser.evaluate("document.documentElement.scrollWidth <= 390")
