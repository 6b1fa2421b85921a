"""The documentation's pages: they build without a warning, ask no other host for anything, and what they show can be typed."""

import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.browser import chromium, needs_chromium

from discovery.cli import create_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in (ROOT / "docs").rglob("*.md"))
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
FOREIGN = re.compile(r"(?:https?:)?//")
needs_mkdocs = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings", "latex2mathml")),
    reason="mkdocs-material is not installed: pip install 'glitch-discovery[docs]'",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Loads(HTMLParser):
    """What a page loads from elsewhere by itself; links that a reader may click are not among it."""

    def __init__(self, page):
        super().__init__()
        self.foreign = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        address = known.get(LOADED.get(tag, "")) or (known.get("href") if tag == "link" else None) or ""
        found = [address, *re.findall(r"url\(([^)]*)\)", known.get("style") or "")]
        self.foreign += [item for item in found if FOREIGN.match(item.strip("'\""))]


def test_what_loads_is_told_from_what_is_linked(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="https://a.org">a</a><script src="//b.org/b.js"></script><link href="https://c.org/c.css"><p style="background: url(\'http://d.org\')">'
    )
    assert Loads(page).foreign == ["//b.org/b.js", "https://c.org/c.css", "'http://d.org'"]


@needs_mkdocs
def test_the_pages_load_nothing_from_another_host(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    assert {str(page.relative_to(site)): Loads(page).foreign for page in pages if Loads(page).foreign} == {}
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", style.read_text("utf-8")), style


@needs_mkdocs
@needs_chromium
def test_a_browser_asks_for_files_only_and_search_works_from_disk(site, tmp_path):
    with chromium(tmp_path / "profile") as browser:
        browser.open(site / "how-it-works.html", size=(390, 844))
        browser.wait("document.querySelectorAll('math').length > 10")
        browser.wait("document.readyState === 'complete'")
        browser.wait("[...document.querySelectorAll('pre > code')].every((code) => code.tabIndex === 0)")
        browser.open(site / "index.html")
        browser.wait("document.querySelector('[data-md-component=search-query]')")
        browser.evaluate("document.querySelector('#__search').click()")
        browser.evaluate("document.querySelector('[data-md-component=search-query]').focus()")
        browser.type("persistence")
        browser.wait("document.querySelector('.md-search-result__item')")
        assert browser.requests
        assert [url for url in browser.requests if url.startswith(("http:", "https:"))] == []


@needs_mkdocs
def test_the_reference_describes_every_command_and_every_public_name(site):
    commands = (site / "reference" / "commands.html").read_text("utf-8")
    for name in (
        line.split()[0] for line in create_parser().format_help().splitlines() if re.match(r" {4}[a-z]", line)
    ):
        assert f'id="discover-{name}"' in commands
    python = (site / "reference" / "python.html").read_text("utf-8")
    for package in ("embed", "audit", "discovery"):
        for name in __import__(package).__all__:
            assert f'id="{package}.{name}"' in python, name


@needs_mkdocs
def test_the_site_shows_the_model_card_and_formulas_without_a_script(site):
    assert "Where it fails" in (site / "model-card.html").read_text("utf-8")
    page = (site / "how-it-works.html").read_text("utf-8")
    assert page.count("<math") > 10
    assert "arithmatex" not in page


def typed(page):
    """The lines of a page's shell blocks that begin with ``discover``."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        yield from (line for line in block.splitlines() if line.startswith("discover "))


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_can_be_typed(page, capsys):
    parser = create_parser()
    for line in typed(page):
        try:
            parser.parse_args(shlex.split(line, comments=True)[1:])
        except SystemExit:
            pytest.fail(f"{line}\n{capsys.readouterr().err}")


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_pages_lead_to_files_of_the_repository(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not FOREIGN.match(target):
            assert (page.parent / target).exists(), target


@needs_mkdocs
def test_what_is_wider_than_the_screen_is_reached_by_the_keyboard_and_numbers_keep_their_signs(site):
    for page in sorted(site.rglob("*.html")):
        text = page.read_text("utf-8")
        assert not re.search(r"<pre[^>]*>(?:<span></span>)?<code(?! tabindex)", text), page
        assert 'role="dialog">' not in text, page
        prose = re.sub(r"<(pre|code|script|style)\b.*?</\1>|<[^>]*>", "", text, flags=re.DOTALL)
        assert not re.search(r"\d %", prose), page


def test_the_map_of_the_house_has_every_room():
    drawn = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    rooms = [path.parent for top in ("embed", "audit", "discovery") for path in (ROOT / top).glob("*/__init__.py")]
    assert rooms
    assert [str(room.relative_to(ROOT)) for room in rooms if f" {room.name}/ " not in drawn] == []
