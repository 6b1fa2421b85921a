"""The check of ``discover check``, which opens even a damaged study."""

from argparse import Namespace

from embed.errors import StudyError


def check(options: Namespace) -> None:
    """Refuse a folder without a study."""
    if not (options.study / "study.db").is_file():
        raise StudyError(
            f"no study in {options.study}: it has no study.db; name its folder with --study, or restore a copy"
        )
