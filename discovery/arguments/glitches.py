"""The parser lines of the commands on a study's glitches: from pictures to candidate classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import positive
from discovery.candidates.options import ClusterOptions, MapOptions
from discovery.clustering.methods import CLUSTER_METHODS, MAP_DIMENSIONS, MAP_METHODS

if TYPE_CHECKING:
    from argparse import ArgumentParser


def add_ingest(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover ingest``."""
    ingest = commands.add_parser(
        "ingest", parents=[common], help="bring images, tables or a training set into the study"
    )
    ingest.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        nargs="?",
        help="a folder of images, a metadata or classification CSV, or a training set in HDF5",
    )
    ingest.add_argument(
        "--labels", metavar="CSV", type=Path, help="add this table's labels as label events; nothing is overwritten"
    )
    ingest.add_argument(
        "--label-column", metavar="NAME", default="label", help="the column of --labels to read (default: label)"
    )
    ingest.add_argument(
        "--plain", action="store_true", help="take every image as a plain picture (galaxies, ...), whatever its name"
    )


def add_status(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover status``."""
    commands.add_parser("status", parents=[common], help="say what the study holds")


def add_embed(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover embed``."""
    commands.add_parser(
        "embed", parents=[common, vectors], help="make the vectors, the FAISS index and the neighbour graph"
    )


def add_cluster(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover cluster``."""
    cluster = commands.add_parser(
        "cluster", parents=[common, vectors], help="cluster the glitches of one label: candidate new classes"
    )
    cluster.add_argument("label", metavar="LABEL", help="such as None_of_the_Above")
    cluster.add_argument(
        "--predicted", action="store_true", help="take the glitches that a model labels so, rather than people"
    )
    cluster.add_argument(
        "--method",
        choices=CLUSTER_METHODS,
        default=ClusterOptions.method,
        help=f"default: {ClusterOptions.method}",
    )
    cluster.add_argument(
        "--k", type=positive, metavar="N", help="number of clusters (spectral only; default: from the eigengap)"
    )
    cluster.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )


def add_project(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover project``."""
    project = commands.add_parser(
        "project", parents=[common, vectors], help="draw the map of the glitches: coordinates and an interactive view"
    )
    project.add_argument("labels", metavar="LABEL", nargs="*", help="only glitches of these labels (default: all)")
    project.add_argument(
        "--method", choices=MAP_METHODS, default=MapOptions.method, help=f"default: {MapOptions.method}"
    )
    project.add_argument(
        "--dims", type=int, choices=MAP_DIMENSIONS, default=MapOptions.dims, help=f"default: {MapOptions.dims}"
    )
    project.add_argument(
        "--color",
        default=MapOptions.color,
        metavar="COLUMN",
        help=f"label, predicted, cluster, ifo, gps or a column of the metadata (default: {MapOptions.color})",
    )
    project.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )


def add_search(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover search``."""
    search = commands.add_parser("search", parents=[common, vectors], help="list the glitches nearest to one, as CSV")
    search.add_argument("id", metavar="ID", help="the glitch's id, with or without the detector")
    search.add_argument("-k", type=positive, metavar="N", default=10, help="how many (default: 10)")
