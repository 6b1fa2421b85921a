"""The check of ``discover export``."""

from argparse import Namespace

from discovery.checks.vectors import check_vectors
from discovery.exchange.formats import FOLDERS, NEED_VECTORS
from embed.errors import InputError
from embed.storage import check_empty
from embed.study.study import Study

_ONLY_FOR = {"vectors": "parquet", "method": "embedding-atlas", "audit": "cleanlab"}


def check(options: Namespace) -> None:
    """Refuse options of another format, a place that is taken, and vectors that cannot be made.

    Raises
    ------
    InputError
        As above.
    """
    for name, format_ in _ONLY_FOR.items():
        if getattr(options, name) and options.to != format_:
            raise InputError(f"--{name} goes with --to {format_}; leave it out")
    if options.to in FOLDERS:
        check_empty(options.out)
    elif options.out.is_dir():
        raise InputError(f"--out {options.out} is a folder; name a file for --to {options.to}")
    with Study(options.study) as study:
        if not study.count("glitches"):
            raise InputError(f"the study {study.folder} holds no glitches; add some with `discover ingest PATH`")
        if needs_vectors(options):
            check_vectors(study, options)


def needs_vectors(options: Namespace) -> bool:
    """Whether the export reads vectors, which are made where they are missing."""
    return bool(options.vectors or options.to in NEED_VECTORS)
