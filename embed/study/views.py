"""The table of views: find, add and update a view; count and hash all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embed.study.reading import row_list
from embed.study.records import stored_source, view_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from embed.study.records import View, ViewFile
    from embed.study.study import Study


def find_view(study: Study, glitch: int, duration: float) -> View | None:
    """Return the view of a glitch (row number) with this duration in seconds; None where the study has none."""
    row = study.connection.execute(
        "SELECT view, glitch, duration, kind, source, dataset, sha256 FROM views WHERE glitch = ? AND duration = ?",
        (glitch, duration),
    ).fetchone()
    return None if row is None else view_of(study.folder, row)


def stored_status(study: Study, source: str) -> tuple[int, int] | None:
    """Return size (bytes) and time of change (ns) of an image file when it was ingested; None where the study has no view of it."""
    query = "SELECT size, modified FROM views WHERE source = ? AND dataset = ''"
    row = study.connection.execute(query, (stored_source(study.folder, source),)).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


def add_view(study: Study, glitch: int, file: ViewFile) -> None:
    """Store a view of a glitch (row number), within a transaction."""
    study.connection.execute(
        "INSERT INTO views (glitch, duration, kind, source, dataset, size, modified, sha256, width, height) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            glitch,
            file.duration,
            file.kind,
            stored_source(study.folder, file.source),
            file.dataset,
            file.size,
            file.modified,
            file.sha256,
            file.width,
            file.height,
        ),
    )


def update_view(study: Study, view: View, file: ViewFile) -> None:
    """Store the place, size and hash of a view's file as they are now, within a transaction; duration and kind stay."""
    study.connection.execute(
        "UPDATE views SET source = ?, size = ?, modified = ?, sha256 = ?, width = ?, height = ? WHERE view = ?",
        (
            stored_source(study.folder, file.source),
            file.size,
            file.modified,
            file.sha256,
            file.width,
            file.height,
            view.view,
        ),
    )


def count_viewed(study: Study) -> int:
    """Return how many glitches that are shown have a view."""
    query = f"SELECT count(DISTINCT glitch) FROM views JOIN glitches g USING (glitch) WHERE {study.shown}"  # noqa: S608 - a condition of ours
    (glitches,) = study.connection.execute(query).fetchone()
    return int(glitches)


def view_hashes(study: Study, only: Iterable[int] | None = None) -> Iterator[tuple[int, float, str]]:
    """Yield glitch (row number), duration (s) and SHA-256 of every view that is shown, or of those of the glitches `only`, ordered by glitch, then duration."""
    some = "" if only is None else "AND g.glitch IN (SELECT value FROM json_each(?))"
    query = f"SELECT glitch, duration, sha256 FROM views JOIN glitches g USING (glitch) WHERE {study.shown} {some} ORDER BY glitch, duration"  # noqa: S608 - conditions of ours
    yield from study.connection.execute(query, () if only is None else (row_list(only),))


def each_view(study: Study) -> Iterator[View]:
    """Yield every view that is shown, in the order of the table, without holding them all."""
    query = f"SELECT v.view, v.glitch, v.duration, v.kind, v.source, v.dataset, v.sha256 FROM views v JOIN glitches g USING (glitch) WHERE {study.shown} ORDER BY v.view"  # noqa: S608 - a condition of ours
    yield from (view_of(study.folder, row) for row in study.connection.execute(query))
