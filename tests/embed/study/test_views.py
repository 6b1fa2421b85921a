"""The table of views, and the order in which views are returned."""

import pytest

from embed import Study
from embed.study.records import ViewFile
from embed.study.views import add_view, count_viewed, find_view, update_view, view_hashes


def file(duration, source="/a.png", sha256="00", **rest):
    return ViewFile(
        **{"kind": "spectrogram", "size": 10, "modified": 5, "width": 3, "height": 2, **rest},
        duration=duration,
        source=source,
        sha256=sha256,
    )


@pytest.fixture
def study(tmp_path):
    """Three glitches, of which the second has no view."""
    with Study(tmp_path / "study", create=True) as opened:
        with opened.transaction():
            for name in "abc":
                opened.add_glitch(name, "H1", None)
            for glitch, duration in ((3, 4.0), (1, 2.0), (1, 0.5), (3, 1.0)):
                add_view(opened, glitch, file(duration, f"/{glitch}-{duration}.png", f"{glitch}{duration}"))
        yield opened


def places(views):
    return [(view.glitch, view.duration) for view in views]


def test_views_come_in_the_order_of_the_glitches_asked_for(study):
    assert places(study.views()) == [(1, 0.5), (1, 2.0), (3, 1.0), (3, 4.0)]
    assert places(study.views([3, 1, 2])) == [(3, 1.0), (3, 4.0), (1, 0.5), (1, 2.0)]
    assert places(study.views([1, 3, 1])) == [(1, 0.5), (1, 2.0), (3, 1.0), (3, 4.0), (1, 0.5), (1, 2.0)]
    assert study.views([]) == []


def test_a_view_is_found_and_updated(study):
    view = find_view(study, 3, 1.0)
    assert (view.source, view.dataset, view.sha256) == ("/3-1.0.png", "", "31.0")
    assert find_view(study, 2, 1.0) is None
    with study.transaction():
        update_view(study, view, file(9.0, "/moved.png", "new", size=11, kind="grey"))
    changed = find_view(study, 3, 1.0)
    assert (changed.view, changed.duration, changed.kind) == (view.view, 1.0, "spectrogram")
    assert (changed.source, changed.sha256) == ("/moved.png", "new")
    assert study.connection.execute("SELECT size FROM views WHERE view = ?", (view.view,)).fetchone() == (11,)


def test_counts_and_hashes(study):
    assert count_viewed(study) == 2
    assert list(view_hashes(study)) == [(1, 0.5, "10.5"), (1, 2.0, "12.0"), (3, 1.0, "31.0"), (3, 4.0, "34.0")]
    assert study.ids() == {1: "H1_a", 2: "H1_b", 3: "H1_c"}


def test_arguments_of_the_latest_finished_run(study):
    assert study.latest_arguments("embed") is None
    for number in (1, 2):
        with study.run("embed", {"k": number}):
            pass
    with pytest.raises(ValueError, match="broken"), study.run("embed", {"k": 3}):
        raise ValueError("broken")
    with study.run("project", {"k": 4}):
        pass
    assert study.latest_arguments("embed") == {"k": 2}
