"""The check of ``discover ingest``."""

from argparse import Namespace

from embed.errors import InputError
from embed.gravityspy import TRAINING_SET_SUFFIXES
from embed.storage import check_regular
from embed.vectors.given import VECTOR_SUFFIXES, given_folder


def check(options: Namespace) -> None:
    """Refuse a path that does not exist or cannot be read.

    Raises
    ------
    InputError
        When there is nothing to ingest.
    """
    if options.path is None and options.labels is None:
        raise InputError("nothing to ingest; give a PATH, --labels CSV, or both")
    _check_vectors(options)
    for path in (options.path, options.labels, options.ids):
        if path is not None and not path.exists():
            raise InputError(f"{path} does not exist; give a folder of images, a CSV or an HDF5 training set")
        if path is not None:
            check_regular(path)
    path = options.path
    if path is None or path.is_dir() or path.suffix.lower() in (".csv", *TRAINING_SET_SUFFIXES, *VECTOR_SUFFIXES):
        return
    raise InputError(
        f"{path} is neither a folder, a .csv, an HDF5 file ({', '.join(TRAINING_SET_SUFFIXES)}) nor vectors ({', '.join(VECTOR_SUFFIXES)}); give one of these"
    )


def _check_vectors(options: Namespace) -> None:
    suffix = "" if options.path is None else options.path.suffix.lower()
    if suffix == ".npy" and options.ids is None:
        raise InputError(
            f"{options.path} holds vectors without ids; give --ids CSV, a table with an id for each row in the same order"
        )
    if suffix != ".npy" and options.ids is not None:
        raise InputError("--ids goes with vectors in .npy; leave it out")
    if suffix not in VECTOR_SUFFIXES and options.name is not None:
        raise InputError("--name goes with vectors (.npy, .parquet); leave it out")
    if options.name is not None:
        given_folder(options.study, options.name)
