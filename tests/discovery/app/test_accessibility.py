"""No page has a serious finding of axe-core, light or dark; it is installed beside the linter of JavaScript, and skipped where npm is missing."""

from pathlib import Path

import pytest
from support.browser import chromium, needs_chromium
from support.reviewing import serving
from support.terminal import run

AXE = Path(__file__).parents[3] / ".venv/javascript/node_modules/axe-core/axe.min.js"
FOUND = """axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.help}: ${one.nodes[0].html.slice(0, 200)}`))"""

pytestmark = [
    needs_chromium,
    pytest.mark.long,
    pytest.mark.skipif(not AXE.exists(), reason="no axe-core: `make lint` installs it where npm is"),
]


def findings(browser):
    browser.evaluate(f"{AXE.read_text(encoding='utf-8')}; 0")
    return browser.evaluate(FOUND)


def test_no_page_has_a_serious_finding(folder, tmp_path, capsys):
    for command in (("cluster", "None_of_the_Above"), ("project", "--dims", "2"), ("audit",), ("guide", "Blip")):
        code, _, err = run(capsys, *command, "--study", folder)
        assert code == 0, err
    pages = [folder / "index.html", *sorted((folder / "reports").rglob("*.html"))]
    assert len(pages) >= 5
    with chromium(tmp_path / "profile") as browser:
        for page in pages:
            for dark, size in ((False, (1440, 900)), (True, (1440, 900)), (False, (390, 844))):
                browser.open(page, dark=dark, size=size)
                browser.wait("document.readyState === 'complete' && document.querySelector('main')")
                assert findings(browser) == [], (page.name, dark, size)
        with serving(folder) as address:
            for tab in ("review", "clusters", "map"):
                browser.open(address)
                browser.wait("document.querySelector('#top')")
                browser.evaluate(f"location.hash = '{tab}'")
                browser.wait(f"document.querySelector('#{tab}').children.length > 1")
                assert findings(browser) == [], tab
                browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
                assert findings(browser) == [], (tab, "dark")
            browser.send("Page.navigate", url="about:blank")  # before the server goes


@pytest.mark.parametrize("dark", [False, True])
def test_what_is_said_in_orange_can_be_read(folder, tmp_path, dark):
    with chromium(tmp_path / "profile") as browser, serving(folder) as address:
        browser.open(address, dark=dark)
        browser.wait("document.querySelector('#question .why')")
        browser.evaluate("document.querySelector('#saved').classList.add('problem')")
        browser.key("z")  # there is nothing to undo
        browser.evaluate("document.querySelector('#question').append(document.querySelector('.flash').cloneNode(true))")
        assert findings(browser) == []
        browser.send("Page.navigate", url="about:blank")  # before the server goes
