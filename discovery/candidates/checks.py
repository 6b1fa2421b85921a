"""What clusters and maps refuse before any work begins; nothing here loads their engines."""

from collections.abc import Iterable

from embed.errors import InputError
from embed.study.study import Study


def check_color(study: Study, color: str, columns: Iterable[str]) -> None:
    """Refuse a column that is neither one of `columns` nor one of the study's metadata.

    Raises
    ------
    InputError
        When there is no such column; the message names the existing ones.
    """
    known = [*columns]
    if color in known:
        return  # the metadata of a large study takes seconds to read
    known += study.metadata_columns()
    if color not in known:
        raise InputError(f"no column {color!r} to colour by; there are: {', '.join(known)}")
