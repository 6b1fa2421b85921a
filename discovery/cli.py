"""The ``discover`` command: a thin shell over `embed`, `discovery` and `audit`.

Exit codes: 0 done, 2 bad input or usage (one clear line on standard error), 130 interrupted.
"""

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from discovery.arguments.audit import add_audit
from discovery.arguments.evaluation import add_evaluate, add_predict
from discovery.arguments.training import add_train
from embed.errors import DiscoverError


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see `{self.prog} --help`)\n")


def create_parser() -> argparse.ArgumentParser:  # noqa: PLR0915 - the groups of commands move to discovery/arguments
    """Build the parser of the whole command line."""
    parser = _Parser(
        prog="discover", description="Find new classes of detector glitches, and the labels that are wrong."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    common = _common()

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

    commands.add_parser("status", parents=[common], help="say what the study holds")

    vectors = _vectors()
    commands.add_parser(
        "embed", parents=[common, vectors], help="make the vectors, the FAISS index and the neighbour graph"
    )

    cluster = commands.add_parser(
        "cluster", parents=[common, vectors], help="cluster the glitches of one label: candidate new classes"
    )
    cluster.add_argument("label", metavar="LABEL", help="such as None_of_the_Above")
    cluster.add_argument(
        "--predicted", action="store_true", help="take the glitches that a model labels so, rather than people"
    )
    cluster.add_argument("--method", choices=("hdbscan", "spectral"), default="hdbscan", help="default: hdbscan")
    cluster.add_argument(
        "--k", type=_positive, metavar="N", help="number of clusters (spectral only; default: from the eigengap)"
    )
    cluster.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )

    project = commands.add_parser(
        "project", parents=[common, vectors], help="draw the map of the glitches: coordinates and an interactive view"
    )
    project.add_argument("labels", metavar="LABEL", nargs="*", help="only glitches of these labels (default: all)")
    project.add_argument("--method", choices=("tsne", "umap"), default="tsne", help="default: tsne")
    project.add_argument("--dims", type=int, choices=(2, 3), default=3, help="default: 3")
    project.add_argument(
        "--color",
        default="label",
        metavar="COLUMN",
        help="label, predicted, cluster, ifo, gps or a column of the metadata (default: label)",
    )
    project.add_argument(
        "--out", metavar="DIR", type=Path, help="where the results go (default: a folder of the study's reports)"
    )

    add_audit(commands, common, vectors)

    search = commands.add_parser("search", parents=[common, vectors], help="list the glitches nearest to one, as CSV")
    search.add_argument("id", metavar="ID", help="the glitch's id, with or without the detector")
    search.add_argument("-k", type=_positive, metavar="N", default=10, help="how many (default: 10)")
    scan = commands.add_parser(
        "scan", parents=[common], help="turn strain into views: Gravity Spy's Q-transform around triggers"
    )
    scan.add_argument("strain", metavar="STRAIN", nargs="*", type=Path, help="files: GWOSC HDF5, gwpy HDF5 or GWF")
    scan.add_argument(
        "--triggers",
        metavar="CSV",
        type=Path,
        help="times to scan: a column of GPS times; detector and id where there are such",
    )
    scan.add_argument("--at", metavar="GPS", type=float, nargs="+", help="times to scan")
    scan.add_argument("--find", action="store_true", help="find the loud times themselves")
    scan.add_argument("--snr", type=float, default=7.5, help="of --find: least signal-to-noise ratio (default: 7.5)")
    scan.add_argument(
        "--dead-time", metavar="S", type=float, default=0.5, help="of --find: least seconds between two (default: 0.5)"
    )
    scan.add_argument(
        "--ifo", metavar="IFO", help="the detector, where the files do not say; with --open-data which one"
    )
    scan.add_argument("--channel", metavar="NAME", help="data set or channel, where a file has several")
    scan.add_argument("--whitened", action="store_true", help="the strain is whitened already")
    scan.add_argument("--open-data", action="store_true", help="fetch public strain from GWOSC")

    simulate = commands.add_parser(
        "simulate", parents=[common], help="make glitches with known truth, in a folder laid out as Gravity Spy's"
    )
    simulate.add_argument("--out", metavar="DIR", type=Path, required=True, help="a new folder")
    simulate.add_argument("--n", metavar="N", type=_positive, required=True, help="how many glitches")
    simulate.add_argument(
        "--demo",
        action="store_true",
        help="the demonstration's population: 24 labels, one new half-way, three families hidden",
    )
    simulate.add_argument(
        "--classes", metavar="CLASS", nargs="+", help="families to draw (default: Gravity Spy's 24 classes)"
    )
    simulate.add_argument(
        "--hidden", metavar="CLASS", nargs="+", default=(), help="families to label None_of_the_Above"
    )
    simulate.add_argument(
        "--noise",
        metavar="design|FILE",
        nargs="+",
        default=["design"],
        help="design noise, or measured from strain files (default: design)",
    )
    simulate.add_argument(
        "--label-noise",
        metavar="RATE",
        type=float,
        default=0.0,
        help="share of wrong labels, mostly between confusable classes",
    )
    simulate.add_argument(
        "--onset", metavar="CLASS=GPS", nargs="+", default=(), help="GPS time before which a class does not occur"
    )
    kind = simulate.add_mutually_exclusive_group()
    kind.add_argument("--images", action="store_true", help="write spectrograms (default)")
    kind.add_argument("--strain", action="store_true", help="write strain in GWOSC's HDF5 layout instead")

    add_train(commands, common)
    add_evaluate(commands, common, vectors)
    add_predict(commands, common)
    return parser


def _common() -> _Parser:
    common = _Parser(add_help=False)
    group = common.add_argument_group("everywhere")
    group.add_argument(
        "--study",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("DISCOVER_STUDY") or "study"),
        help="the study's folder (default: $DISCOVER_STUDY, or study)",
    )
    group.add_argument("--seed", type=_natural, metavar="N", default=0, help="seed of whatever is random (default: 0)")
    group.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where networks run (default: auto)"
    )
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more; -vv shows where an error came from"
    )
    return common


def _vectors() -> _Parser:
    vectors = _Parser(add_help=False)
    group = vectors.add_argument_group("vectors (default: as embedded last)")
    group.add_argument(
        "--backbone",
        metavar="NAME",
        help="vgg16, vgg19, resnet50, inception_v3, googlenet, xception, efficientnet_lite0 (default) or timm:NAME",
    )
    group.add_argument(
        "--weights",
        metavar="FILE|imagenet|bundled|model:NAME",
        help="the network's weights; model:NAME is a trained model of the study (default: bundled)",
    )
    group.add_argument(
        "--views",
        metavar="DURATIONS",
        help="4.0, 1.0,2.0,4.0, 0.5,1.0,2.0,4.0 or plain (default: the richest that every glitch has)",
    )
    group.add_argument(
        "--runtime",
        choices=("auto", "torch", "onnx"),
        default="auto",
        help="what runs the network on a CPU (default: auto)",
    )
    group.add_argument("--no-cache", action="store_true", help="do not keep decoded views on disk")
    return vectors


def _positive(text: str) -> int:
    number = _natural(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return number


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    options = create_parser().parse_args(typed)
    options.typed = shlex.join(["discover", *typed])
    logging.basicConfig(level=(logging.WARNING, logging.INFO)[min(options.verbose, 1)], format="%(name)s: %(message)s")
    try:
        import_module(f"discovery.commands.{options.command}").run(options)  # one command's libraries, not all
    except DiscoverError as error:
        if options.verbose > 1:
            logging.getLogger("discover").exception("where it came from:")
        sys.stderr.write(f"discover {options.command}: error: {' '.join(str(error).split())}\n")
        return 2
    except BrokenPipeError:  # the reader of standard output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write(f"discover {options.command}: interrupted; what was finished is kept, run it again to go on\n")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
