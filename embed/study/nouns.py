"""What the objects of a study are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from embed.study.study import Study


def nouns(study: Study) -> tuple[str, str]:
    """Return the words for one object and for several: pictures where all views are plain ones, such as galaxies, else glitches."""
    views, spectrograms = study.connection.execute(
        "SELECT EXISTS (SELECT 1 FROM views), EXISTS (SELECT 1 FROM views WHERE duration != 0)"
    ).fetchone()
    return nouns_of(plain=bool(views and not spectrograms))


def nouns_of(*, plain: bool) -> tuple[str, str]:
    """Return the words for one object and for several, by whether their pictures are plain ones."""
    return ("picture", "pictures") if plain else ("glitch", "glitches")
