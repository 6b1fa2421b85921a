"""The real glitches that a generator is held against, and the folder of what is found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from embed.errors import InputError
from embed.generator.examples import read_examples
from embed.generator.options import FEWEST
from embed.storage import file_name

if TYPE_CHECKING:
    from pathlib import Path

    from embed.generator.examples import Examples
    from embed.generator.learned import Learned
    from embed.generator.source import Source
    from embed.study.study import Study


def real_glitches(
    study: Study, source: Source, side: int, *, seed: int, learned: Learned
) -> tuple[Examples, Counter[str]]:
    """Read the study's glitches of the classes that a generator makes, see `embed.generator.examples.read_examples`, and count those of each label.

    Raises
    ------
    InputError
        When no class has two.
    """
    counts = Counter(label for _, label in study.latest_labels(predicted=False))
    known = sorted(name for name in source.classes if counts[name] >= FEWEST)
    if not known:
        raise InputError(
            f"the study has no class with {FEWEST} glitches of those that {source.name} makes: {', '.join(source.classes)}"
        )
    return read_examples(study, known, side, seed=seed, learned=learned), counts


def report_folder(study: Study, name: str, out: Path | None) -> Path:
    """The folder of a generator's tables and page: the given one, or that of the study."""
    return out or study.folder / "reports" / file_name(f"generator-{name}")
