"""The parser lines of the commands on a study's glitches: from pictures to candidate classes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from discovery.arguments.base import add_figures, add_ray, cluster_or_branch, natural, positive
from discovery.arguments.strain import add_strain
from discovery.candidates.options import BATCH, COMPARED_BELOW, COMPARED_SHARE, NEAREST, ClusterOptions, MapOptions
from discovery.clustering.methods import CLUSTER_METHODS, MAP_DIMENSIONS, MAP_METHODS
from discovery.novelty.options import LISTED

if TYPE_CHECKING:
    from argparse import ArgumentParser

OUT = "folder of the results (default: a folder in the study's reports)"
"""Help of ``--out``, where it names a folder."""
_CLUSTER = "its number in clusters.csv, or a branch there: 1 or 1.0"


def add_generated(parser: ArgumentParser) -> None:
    """Add ``--generated``, which shows what is otherwise left out."""
    parser.add_argument(
        "--generated", action="store_true", help="count the study's generated glitches in; otherwise they are left out"
    )


def _add_method(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--method",
        choices=CLUSTER_METHODS,
        default=ClusterOptions.method,
        help=f"clustering method (default: {ClusterOptions.method})",
    )


def _add_clustering(parser: ArgumentParser) -> None:
    """Say of which clustering a cluster is."""
    parser.add_argument(
        "--label",
        metavar="LABEL",
        help="a cluster of the latest clustering of this label (default: the latest of all)",
    )


def add_ingest(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover ingest``."""
    ingest = commands.add_parser(
        "ingest",
        parents=[common],
        help="add images, tables or labels to a study",
        description="Add images, a metadata table, a training set or labels to a study; the study is made if it does not exist. Files stay where they are; running this again adds only what is new.",
    )
    ingest.add_argument(
        "path",
        metavar="PATH",
        type=Path,
        nargs="?",
        help="a folder of images, a metadata or classification CSV, a Gravity Spy training set in HDF5, or vectors that were made elsewhere: .npy with --ids, or .parquet",
    )
    ingest.add_argument(
        "--ids",
        metavar="TABLE",
        type=Path,
        help="with vectors in .npy: a CSV (or .parquet) with an id for each row, and label, ifo, event_time and metadata where known",
    )
    ingest.add_argument("--name", metavar="NAME", help="with vectors: their name (default: from the file's)")
    ingest.add_argument(
        "--labels", metavar="CSV", type=Path, help="add the labels of this table; earlier labels stay on record"
    )
    ingest.add_argument(
        "--label-column", metavar="NAME", default="label", help="the column of --labels to read (default: label)"
    )
    ingest.add_argument(
        "--plain",
        action="store_true",
        help="treat every image as a plain picture, such as a galaxy, whatever its name is",
    )


def add_status(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover status``."""
    commands.add_parser(
        "status",
        parents=[common],
        help="show what a study holds",
        description="Show what a study holds: glitches, views, labels, vectors and runs.",
    )


def add_embed(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover embed``."""
    embed = commands.add_parser(
        "embed",
        parents=[common, vectors],
        help="turn glitches into vectors, with an index and a neighbour graph",
        description="Turn every glitch into a vector by a network, and build the FAISS index and the neighbour graph of the vectors. Existing vectors are reused; other commands do this when they need it.",
    )
    add_strain(embed, "--backbone strain:DIR")
    add_ray(embed, "the glitches")


def add_cluster(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover cluster``."""
    cluster = commands.add_parser(
        "cluster",
        parents=[common, vectors],
        help="look for new classes among the glitches of one label",
        description="Cluster the glitches of one label: each cluster is a candidate for a new class. Writes a table, a report, a contact sheet and a 3-D map.",
    )
    cluster.add_argument("label", metavar="LABEL", help="for example None_of_the_Above")
    cluster.add_argument(
        "--predicted", action="store_true", help="use the labels that a model predicted instead of the given ones"
    )
    _add_method(cluster)
    cluster.add_argument(
        "--k",
        type=positive,
        metavar="N",
        help="number of clusters, for spectral only (default: chosen by the eigengap)",
    )
    _add_judging(cluster, "the certificates say")
    cluster.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(cluster)
    add_generated(cluster)


def _add_judging(parser: ArgumentParser, where: str) -> None:
    """Add ``--detector`` and its ``--strain``."""
    parser.add_argument(
        "--detector",
        metavar="DIR",
        type=Path,
        help=f"a detector of `discover detector train`: {where} how many members it calls a signal, by the glitches' strain",
    )
    add_strain(parser, "--detector")


def add_name(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover name``."""
    name = commands.add_parser(
        "name",
        parents=[common],
        help="give the members of a cluster the name of a class",
        description="Label the members of a cluster of the latest clustering, or of those that were named on its report's page, as a person's decision. Labels are events: the earlier ones stay in the study.",
    )
    name.add_argument("cluster", metavar="CLUSTER", type=cluster_or_branch, nargs="?", help=_CLUSTER)
    name.add_argument("name", metavar="NAME", nargs="?", help="the class, for example Reverse_Chirp")
    name.add_argument(
        "--from",
        dest="file",
        metavar="CSV",
        type=Path,
        help="instead: the names that report.html saved; they are for the clustering of that page alone",
    )
    _add_clustering(name)
    name.add_argument(
        "--without", metavar="ID", nargs="+", default=(), help="members that do not get the name, by their ids"
    )
    name.add_argument("--dry-run", action="store_true", help="say what would be labelled, and write nothing")


def add_update(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover update``."""
    update = commands.add_parser(
        "update",
        parents=[common, vectors],
        help="give new glitches to the clusters there are, and look for new ones",
        description=f"Give the glitches that came after the latest clustering to its clusters, which keep their numbers, and look for new clusters among the rest. Lists which clusters have ended, and, where {100 * COMPARED_SHARE:g} % of the glitches are new, which would come apart or together if all were clustered afresh; these are proposals, no glitch moves.",
    )
    update.add_argument("label", metavar="LABEL", nargs="?", help="of the clustering (default: the latest)")
    update.add_argument(
        "--compare",
        action="store_true",
        help=f"cluster old and new glitches together however few are new (default: where {100 * COMPARED_SHARE:g} %% are new since the last time, and always fewer than {COMPARED_BELOW:,})",
    )
    _add_judging(update, "the certificates of new clusters say")
    update.add_argument("--out", metavar="DIR", type=Path, help=OUT)


def add_batch(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover batch``."""
    batch = commands.add_parser(
        "batch",
        parents=[common, vectors],
        help="make a batch of similar glitches for volunteers",
        description="Write pictures and a Panoptes manifest of a cluster's members and of the glitches that are most like them, for volunteers to say which belong together; or of the glitches that a file lists.",
    )
    batch.add_argument("cluster", metavar="CLUSTER", type=cluster_or_branch, nargs="?", help=_CLUSTER)
    _add_clustering(batch)
    batch.add_argument(
        "--ids", metavar="CSV", type=Path, help="instead of a cluster: exactly the glitches of its column id"
    )
    batch.add_argument("-n", metavar="N", type=positive, default=BATCH, help=f"glitches (default: {BATCH})")
    batch.add_argument("--out", metavar="DIR", type=Path, help=OUT)


def add_guide(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover guide``."""
    guide = commands.add_parser(
        "guide",
        parents=[common, vectors],
        help="draft a class's page for the field guide",
        description="Draft the page of a class, or of a cluster, for the field guide: typical glitches, the classes that it is confused with, its frequency, duration and SNR, when and where it occurs. Writes a page, the same as Markdown, and pictures.",
    )
    guide.add_argument(
        "name", metavar="NAME_OR_CLUSTER", help="a label, or a cluster or branch in clusters.csv: Blip, 0 or 1.0"
    )
    _add_clustering(guide)
    guide.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(guide)


def add_onset(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover onset``."""
    onset = commands.add_parser(
        "onset",
        parents=[common],
        help="find when classes began, ended and changed their rates",
        description="Find the changes of each class's rate, with 90 % intervals, and glitches that both detectors saw at once. Writes a table and a timeline.",
    )
    onset.add_argument("labels", metavar="LABEL", nargs="*", help="only these labels (default: all)")
    onset.add_argument(
        "--segments",
        metavar="FILE",
        type=Path,
        help="live time: a start and an end in GPS seconds a line (default: estimated from the times of all glitches)",
    )
    onset.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(onset)
    add_generated(onset)


def add_project(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover project``."""
    project = commands.add_parser(
        "project",
        parents=[common, vectors],
        help="draw an interactive map of the glitches",
        description="Draw a map on which similar glitches are close together: an interactive page, and the coordinates as CSV. On a map that was drawn before, the glitches keep their places and new ones are placed among them.",
    )
    project.add_argument("labels", metavar="LABEL", nargs="*", help="only glitches of these labels (default: all)")
    project.add_argument(
        "--method",
        choices=MAP_METHODS,
        default=MapOptions.method,
        help=f"projection method (default: {MapOptions.method})",
    )
    project.add_argument(
        "--dims",
        type=int,
        choices=MAP_DIMENSIONS,
        default=MapOptions.dims,
        help=f"dimensions of the map (default: {MapOptions.dims})",
    )
    project.add_argument(
        "--color",
        default=MapOptions.color,
        metavar="COLUMN",
        help=f"what the colours show: label, predicted, cluster, ifo, gps, or a column of the metadata such as snr (default: {MapOptions.color})",
    )
    project.add_argument(
        "--anew",
        action="store_true",
        help="lay out all glitches (default: the points of a map that is there stay, and new glitches are placed among them)",
    )
    project.add_argument(
        "--landmarks",
        metavar="N",
        type=positive,
        default=MapOptions.landmarks,
        help=f"of more glitches so many are laid out, drawn at random, and the others placed among them (default: {MapOptions.landmarks})",
    )
    project.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(project)


def add_scorecard(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover scorecard``."""
    scorecard = commands.add_parser(
        "scorecard",
        parents=[common, vectors],
        help="hide each known class in turn, and say how well it is found",
        description="Hide each known class among leftovers of the others, look for it as if it were new, and say how well it is found: on the study's vectors, or on any others.",
    )
    _add_method(scorecard)
    scorecard.add_argument(
        "--vectors-file",
        metavar="NPY",
        type=Path,
        help="judge these vectors instead of the study's; with --labels-file",
    )
    scorecard.add_argument(
        "--labels-file", metavar="CSV", type=Path, help="their labels, in the same order: a column 'label'"
    )
    scorecard.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_ray(scorecard, "the classes")
    add_figures(scorecard)
    add_generated(scorecard)


def add_search(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover search``."""
    search = commands.add_parser(
        "search",
        parents=[common, vectors],
        help="list the glitches that are most similar to one",
        description="List the glitches that are most similar to one, nearest first, as CSV on standard output.",
    )
    search.add_argument("id", metavar="ID", help="the glitch's id, with or without the detector: H1_abc or abc")
    search.add_argument(
        "-k", type=positive, metavar="N", default=NEAREST, help=f"number of glitches listed (default: {NEAREST})"
    )


def add_novel(commands: Any, common: ArgumentParser, vectors: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover novel``."""
    novel = commands.add_parser(
        "novel",
        parents=[common, vectors],
        help="list the oddest single glitches",
        description="List the glitches that are least like the known ones, with the share of known glitches that are as odd. Of glitches that are alike only the oddest is listed, with their number. Writes a table and a sheet of pictures.",
    )
    novel.add_argument("labels", metavar="LABEL", nargs="*", help="list only glitches of these labels (default: all)")
    novel.add_argument(
        "-n", type=positive, metavar="N", default=LISTED, help=f"number of glitches listed (default: {LISTED})"
    )
    novel.add_argument("--out", metavar="DIR", type=Path, help=OUT)
    add_figures(novel)
    add_generated(novel)


def add_explore(commands: Any, common: ArgumentParser) -> None:  # noqa: ANN401 - argparse's own private class
    """Add ``discover explore``."""
    explore = commands.add_parser(
        "explore",
        parents=[common],
        help="review the study in the browser: map, clusters, doubtful labels",
        description="Open the study in the browser, served by this machine to itself alone: a map of all glitches, the clusters, and the doubtful labels to decide by keyboard. Every decision is a label event at once.",
    )
    explore.add_argument(
        "--port", metavar="N", type=natural, default=8765, help="port on 127.0.0.1; 0 takes a free one (default: 8765)"
    )
    explore.add_argument("--no-browser", action="store_true", help="only print the address")
