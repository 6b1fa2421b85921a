"""The report of a clustering: every number in it by hand, and nothing of the data as markup."""

import base64
import html
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.browser import chromium, needs_chromium

from discovery.candidates.contactsheet import contact_sheet
from discovery.candidates.namefile import COLUMNS
from discovery.candidates.report import report_html
from discovery.pages.thumbnails import Thumbnails
from embed.csvfile import restored
from embed.errors import InputError
from embed.views.viridis import colours_of_levels

EVIL = "</td><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\u2028\"&'"


def table():
    return pd.DataFrame(
        {
            "id": ["a", "b", "c", EVIL, "e"],
            "ifo": ["H1", "L1", "L1", "H1", "H1"],
            "gps": [1187008882.43, 1126259462.4, np.nan, 1167264017.0, 1000000000.0],
            "label": ["Blip", "Blip", EVIL, "Blip", None],
            "predicted": ["Tomte", "Blip", "Blip", "Blip", "Blip"],
            "cluster": [0, 0, 0, 1, -1],
            "probability": [0.5, 1.0, 0.75, 1.0, 0.0],
            "medoid": [False, True, False, True, False],
        }
    )


def thumbnails():
    levels = np.broadcast_to(np.arange(5, dtype=np.uint8)[:, None, None, None] * 50, (5, 1, 6, 8)).copy()
    return Thumbnails(levels, (4.0,), np.ones((5, 1), bool))


def report(**options):
    given = {
        "title": f"Clusters {EVIL}",
        "asked": {"Label": EVIL, "min_cluster_size": 5},
        "sweep": pd.DataFrame(
            {"min_cluster_size": [5, 10], "noise share": [0.2, np.nan], EVIL: [EVIL, "x"], "chosen": [True, False]}
        ),
        "sheet": contact_sheet(table(), thumbnails(), title="t"),
        "command": f"discover cluster '{EVIL}' --seed 0",
        "passport": {"Seed": 0, "Versions": EVIL},
        "cautions": [f"1 glitch was left out: {EVIL}"],
        "beside": ["embedding.html", "a b&'.csv"],
        **options,
    }
    return report_html(given.pop("table", table()), given.pop("thumbnails", thumbnails()), **given)


def row_of(page, place):
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL).group(1)
    return [
        html.unescape(re.sub(r"<[^>]+>", " ", cell)).split()
        for cell in re.findall(
            r"<t[hd][^>]*>(.*?)</t[hd]>", re.findall(r"<tr.*?</tr>", body, re.DOTALL)[place], re.DOTALL
        )
    ]


def test_a_mean_probability_is_not_rounded_to_certainty():
    page = report(table=table().assign(probability=[1.0, 0.999, 1.0, 1.0, 0.0]))
    assert ["over", "0.995"] in row_of(page, 0)
    assert ["1"] in row_of(page, 1)


def test_plain_pictures_are_called_pictures_and_have_no_detectors_or_times():
    plain = Thumbnails(np.zeros((5, 1, 6, 8, 3), np.uint8), (0.0,), np.ones((5, 1), bool))
    page = report(table=table().assign(ifo="", gps=np.nan), thumbnails=plain)
    lede = re.sub(r"<[^>]+>", "", page.split('class="lede">')[1].split("</p>")[0]).strip()
    assert lede == "2 clusters among 5 pictures; 1 picture fits no cluster (20&nbsp;%)."
    heads = re.findall(r"<th[^>]*>(.*?)</th>", page.split('<table class="clusters">')[1].split("</thead>")[0])
    assert not {"detectors", "first and last"} & set(heads)


def test_every_figure_of_a_cluster():
    name, medoid, size, share, probability, detectors, when, labels, predicted = row_of(report(), 0)
    assert name == ["cluster", "0"]
    assert medoid == ["b"]
    assert size == ["3"]
    assert share == ["60.0", "%"]
    assert probability == ["0.75"]
    assert detectors == ["L1", "2", "H1", "1"]
    assert (
        " ".join(when)
        == "2015-09-14 09:50:45 UTC GPS 1126259462.400 2017-08-17 12:41:04 UTC GPS 1187008882.430 1 of unknown time"
    )
    assert labels[:2] == ["Blip", "2"]
    assert predicted == ["Blip", "2", "Tomte", "1"]


def test_noise_is_counted_last_and_is_no_cluster():
    page = report()
    name, medoid, size, share, probability, _, _, labels, _ = row_of(page, 2)
    assert (name, medoid, size, share, probability) == (
        ["noise"],
        ["\N{EN DASH}"],
        ["1"],
        ["20.0", "%"],
        ["\N{EN DASH}"],
    )
    assert labels == ["missing", "1"]
    assert "<b>2</b> clusters among <b>5</b> glitches; <b>1</b> glitch fits no cluster (20&nbsp;%)." in page


def test_columns_that_are_not_there_are_not_shown():
    bare = table()[["id", "cluster"]]
    page = report(table=bare, thumbnails=None, sheet=None, sweep=None, command="", cautions=(), beside=())
    assert [cell for cell in row_of(page, 0) if cell] == [["cluster", "0"], ["\N{EN DASH}"], ["3"], ["60.0", "%"]]
    assert "Other settings" not in page
    assert "Contact sheet" not in page


def test_the_medoid_is_shown_in_viridis_and_linked_to_the_map():
    page = report()
    image = re.search(r'alt="medoid of cluster 0" src="data:image/png;base64,([^"]+)"', page).group(1)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image))))
    np.testing.assert_array_equal(pixels, np.broadcast_to(colours_of_levels(np.uint8(50)), (6, 8, 3)))
    assert 'href="embedding.html#id=b"' in page
    assert "embedding.html#id=" not in report(beside=())


def test_the_sweep_as_given_with_the_setting_used():
    page = report()
    sweep = page.split("Other settings")[1].split("</section>")[0]
    assert sweep.count('<tr class="chosen">') == 1
    assert '<td class="number">0.2</td>' in sweep
    assert '<td class="number">\N{EN DASH}</td>' in sweep
    assert ">chosen<" not in sweep


def test_many_labels_are_counted():
    many = pd.DataFrame({"id": range(10), "cluster": 0, "label": [f"l{row}" for row in range(10)]})
    page = report_html(many, None, title="t", asked={})
    assert "6 more, 6" in page
    five = many.assign(label=[f"l{row % 5}" for row in range(10)])
    assert "more" not in report_html(five, None, title="t", asked={}).split("<tbody>")[1]


def test_same_input_same_page():
    assert report() == report()


def test_nothing_of_the_data_becomes_markup_and_nothing_is_loaded():
    page = report()
    assert "<script" not in page
    assert "onerror='" not in page
    assert re.findall(r"<img[^>]*src=\"(?!data:image/png;base64,)", page) == []
    assert set(re.findall(r'href="([^"#]*)', page)) == {"embedding.html", "./embedding.html", "./a%20b%26%27.csv"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beside": ["../secret"]}, r"'../secret' is not the name of a file"),
        ({"beside": [".."]}, r"'..' is not the name of a file"),
        ({"sheet": b"JFIF"}, "the contact sheet is no PNG"),
        ({"table": table().iloc[:4]}, "5 glitches have pictures but the table has 4 rows"),
        ({"table": table().drop(columns="cluster")}, "no column 'cluster'"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        report(**change)


@needs_chromium
def test_names_are_kept_and_saved_as_the_table_that_name_reads(tmp_path):
    page = report(clustering="clusters-0123456789ab", classes=["Tomte", EVIL])
    assert page.count("<script") == 1
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "report.html")
        browser.wait("document.querySelector('.naming')")
        assert browser.evaluate("[...document.querySelectorAll('#known-classes option')].map((one) => one.value)") == [
            EVIL,
            "Tomte",
        ]
        fields = "[...document.querySelectorAll('.naming input')]"
        assert browser.evaluate(f"{fields}.length") == 2  # noise gets no name
        assert browser.evaluate("document.querySelector('#names .save').disabled")
        browser.evaluate(f"{fields}[1].scrollIntoView()")
        browser.click_on(f"{fields}[1]")
        browser.type(" =Crown's ")
        assert browser.evaluate("document.querySelector('#names b').textContent") == "1 of 2 clusters named"
        browser.open(tmp_path / "report.html")  # the browser kept it
        browser.wait("document.querySelector('.naming')")
        assert browser.evaluate(f"{fields}.map((one) => one.value)") == ["", "=Crown's"]
        browser.evaluate("URL.createObjectURL = (blob) => { window.saved = blob.text(); return '#'; }")
        browser.evaluate("document.querySelector('#names').scrollIntoView()")
        browser.click_on("document.querySelector('#names .save')")
        saved = pd.read_csv(io.StringIO(browser.evaluate("window.saved")), dtype=str).map(restored)
        assert "discover name --from names-clusters-0123456789ab.csv" in browser.evaluate(
            "document.querySelector('[role=status]').textContent"
        )
        assert browser.evaluate("window.pwned === undefined")
        assert browser.console == []
    assert list(saved.columns) == list(COLUMNS)
    assert saved.to_numpy().tolist() == [["1", "=Crown's", "clusters-0123456789ab"]]


@needs_chromium
def test_in_a_browser_it_is_whole_silent_and_harmless(tmp_path):
    (tmp_path / "report.html").write_text(report(), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.open(tmp_path / "report.html")
        browser.wait("document.querySelector('pre')")
        browser.wait("[...document.images].every((image) => image.complete)")
        assert browser.evaluate("[...document.images].map((image) => image.naturalWidth > 0)") == [True, True, True]
        assert browser.evaluate("document.querySelector('h1').textContent") == f"Clusters {EVIL}"
        assert browser.evaluate("window.pwned === undefined")
        assert browser.console == []
        assert [url for url in browser.requests if not url.startswith(("file:", "data:", "about:"))] == []
        shown = "getComputedStyle(document.querySelector('tbody svg.light')).display !== 'none'"
        assert browser.evaluate(shown)
        browser.open(tmp_path / "report.html", dark=True)
        browser.wait("document.querySelector('pre')")
        assert not browser.evaluate(shown)
