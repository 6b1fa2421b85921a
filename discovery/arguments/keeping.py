"""The parser lines of the commands that keep a study whole and up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import positive

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_check(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover check``."""
    check = commands.add_parser(
        "check",
        parents=[common],
        help="say whether everything that a study keeps is whole, and repair what can be",
        description="Check the database, the pictures, vectors, models, the cache and the reports against the hashes that were kept when they were written. Nothing is changed without --repair. The exit code is 0 where all is whole, 1 where something is damaged or missing.",
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="make again what can be made from what is whole (index, graph, rows, passports, cache, index.html), and keep hashes where an earlier version kept none; the rest is left as it is",
    )


def add_watch(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover watch``."""
    watch = commands.add_parser(
        "watch",
        parents=[common, vectors],
        help="take in what is new, and write what changed on one page",
        description="One run of a daily routine, for cron: new images and tables are ingested and embedded, a model predicts them, new glitches join the clusters there are, and one page says what changed since the last run and what waits for a person. A run with nothing new ends at once. Files that are not whole yet are left for the next run.",
    )
    watch.add_argument(
        "paths", metavar="PATH", type=Path, nargs="+", help="folders of images, and metadata tables (.csv, .parquet)"
    )
    watch.add_argument(
        "--model", metavar="NAME", help="predict glitches without a label by this model (default: do not)"
    )
    watch.add_argument(
        "--label",
        metavar="LABEL",
        help="update only the clusters of this label (default: of every label that was clustered)",
    )
    watch.add_argument("--audit", action="store_true", help="audit all labels too, which takes minutes")
    watch.add_argument(
        "--every", metavar="MINUTES", type=positive, help="run again after so many minutes, until interrupted"
    )


def add_verify(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover verify``."""
    verify = commands.add_parser(
        "verify",
        parents=[common],
        help="make reports again, and say whether they are the same",
        description="Make the latest clusters, the latest audit and the latest map again, each from the study's vectors and what its run was given, and compare them byte by byte: same clusters, same flags, the map's drift; or what differs, and why as far as it is known. Labels that changed since are told; each is made again of those that its run saw. The study is not changed. The exit code is 0 where all files are the same, 1 where one differs, and 2 where a report cannot be made again, which is said before the next one is made.",
    )
    verify.add_argument(
        "label",
        metavar="LABEL",
        nargs="?",
        help="only the latest clusters of this label (default: clusters, audit and map, as far as there are)",
    )
    verify.add_argument("--audit", action="store_true", help="only the latest audit (with LABEL or --map: that too)")
    verify.add_argument("--map", action="store_true", help="only the latest map (with LABEL or --audit: that too)")
    verify.add_argument(
        "--report", metavar="DIR", type=Path, help="instead: the clusters, the audit or the map in this folder"
    )
