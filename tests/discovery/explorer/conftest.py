import pytest
from support.browser import chromium
from support.explorer import COUNT, rich_page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("page") / "rich.html"
    made.write_text(rich_page(COUNT), encoding="utf-8")
    return made
