"""The check of ``discover ingest``."""

from argparse import Namespace

from embed.errors import InputError
from embed.gravityspy import TRAINING_SET_SUFFIXES
from embed.storage import check_regular


def check(options: Namespace) -> None:
    """Refuse a path that does not exist or cannot be read.

    Raises
    ------
    InputError
        When there is nothing to ingest.
    """
    if options.path is None and options.labels is None:
        raise InputError("nothing to ingest; give a PATH, --labels CSV, or both")
    for path in (options.path, options.labels):
        if path is not None and not path.exists():
            raise InputError(f"{path} does not exist; give a folder of images, a CSV or an HDF5 training set")
        if path is not None:
            check_regular(path)
    path = options.path
    if path is None or path.is_dir() or path.suffix.lower() in (".csv", *TRAINING_SET_SUFFIXES):
        return
    raise InputError(
        f"{path} is neither a folder, a .csv nor an HDF5 file ({', '.join(TRAINING_SET_SUFFIXES)}); give one of these"
    )
