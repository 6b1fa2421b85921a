import shutil

import pytest
from support.reviewing import Page, make_reviewable


@pytest.fixture(scope="session")
def reviewable(tmp_path_factory):
    """A study to review; read only."""
    return make_reviewable(tmp_path_factory.mktemp("reviewable"))


@pytest.fixture
def folder(tmp_path, reviewable):
    """A copy to write to; the pictures stay where they are."""
    return shutil.copytree(reviewable, tmp_path / "study")


@pytest.fixture
def page(folder):
    with Page(folder) as opened:
        yield opened
