"""A study that only holds glitches: each tab says what is missing, by which command it comes, and starts what it can."""

import pytest
from support.audited import make_study
from support.browser import chromium, needs_chromium
from support.reviewing import serving

pytestmark = needs_chromium

COMMANDS = {"review": "discover audit", "clusters": "discover cluster None_of_the_Above", "map": "discover project"}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    study, _ = make_study(tmp_path_factory.mktemp("bare"))
    return study


@pytest.mark.parametrize("tab", COMMANDS)
def test_an_empty_tab_names_the_command(tmp_path, bare, tab):
    with chromium(tmp_path / "profile") as browser, serving(bare) as address:
        browser.open(address)
        browser.wait("document.querySelector('main > section:not([hidden])')")
        browser.click_on(f"document.getElementById('tab-{tab}')")
        browser.wait(f"document.querySelector('#{tab} .empty code')")
        assert browser.evaluate(f"document.querySelector('#{tab} code').textContent") == COMMANDS[tab]
        assert "`" not in browser.evaluate(f"document.querySelector('#{tab}').textContent")
        starts = browser.evaluate(f"document.querySelector('#{tab} form button')?.textContent")
        assert starts == {"review": "Find wrong labels", "clusters": "Look for clusters", "map": "Make a map"}[tab]
        assert browser.console == []
        browser.send("Page.navigate", url="about:blank")  # before the server goes
