"""Words of the review app stay whole: labels in a glitch's table, the words of a command; and no letter turns a sentence around."""

import pytest
from support.browser import chromium, needs_chromium
from support.reviewing import serving

from embed import Study
from embed.study.records import Label

pytestmark = needs_chromium

LONG = "Low_Frequency_Lines_of_None_of_the_Above"
BROKEN = """[...document.querySelectorAll(%r)].flatMap((cell) => {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[^\\s_-]+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (word[0].length < 15 && range.getClientRects().length > 1) found.push(word[0]);
    }
    return found;
})"""


@pytest.fixture
def browser(tmp_path):
    with chromium(tmp_path / "profile") as opened:
        yield opened


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)])
def test_words_of_a_glitch_s_labels(browser, folder, size):
    with Study(folder) as study, study.run("ingest"), study.transaction():
        for glitch in range(1, 121):
            study.add_label(glitch, Label(LONG, "metadata", "metadata.csv", why=60 * "reason "))
    with serving(folder) as address:
        browser.open(address, size=size)
        browser.wait("document.querySelector('#case-head button')")
        browser.evaluate("document.querySelector('#case-head button').click()")
        browser.wait("document.querySelector('dialog[open] table.labels td')")
        assert browser.evaluate("document.querySelector('table.labels').textContent").count(LONG) == 1
        assert browser.evaluate(BROKEN % "table.labels :is(th, td)") == []
        assert browser.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('dialog[open]'))")
        browser.send("Page.navigate", url="about:blank")  # before the server goes


def test_a_refused_name_and_a_command(browser, folder):
    with serving(folder) as address:
        browser.open(address, size=(390, 844))
        browser.wait("document.querySelector('#top')")
        browser.evaluate("location.hash = 'clusters'")
        browser.wait("document.querySelector('#name')")
        browser.evaluate(
            """import("/static/page.js").then(({ notice }) => notice("`discover batch --label=Blip -n 40 -- 2` is running: bad\\u202ename"))"""
        )
        browser.wait("document.querySelector('#notices p')")
        said = browser.evaluate("document.querySelector('#notices p').textContent")
        assert said == "discover batch --label=Blip -n 40 -- 2 is running: bad\\u202enameclose"
        lines = "[...document.querySelectorAll('#notices code span')].map((word) => word.getClientRects().length)"
        assert browser.evaluate(lines) == [1] * 7
        browser.send("Page.navigate", url="about:blank")  # before the server goes
