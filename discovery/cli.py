"""The ``discover`` command: a thin shell over `embed`, `discovery` and `audit`.

Exit codes: 0 done, 2 bad input or usage (one clear line on standard error), 130 interrupted.
"""

import io
import logging
import os
import shlex
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib import import_module
from pathlib import Path

from discovery.arguments.audit import add_audit
from discovery.arguments.base import Parser, common_options, misplaced, vector_options
from discovery.arguments.detector import add_detector
from discovery.arguments.evaluation import add_evaluate, add_predict
from discovery.arguments.exchange import add_completion, add_doctor, add_export, add_fetch
from discovery.arguments.generation import add_generate, add_generator
from discovery.arguments.glitches import (
    add_batch,
    add_cluster,
    add_embed,
    add_explore,
    add_guide,
    add_ingest,
    add_name,
    add_novel,
    add_onset,
    add_project,
    add_scorecard,
    add_search,
    add_status,
    add_update,
)
from discovery.arguments.keeping import add_check, add_verify, add_watch
from discovery.arguments.strain import add_scan, add_simulate
from discovery.arguments.training import add_train
from discovery.commands.runlog import log_file
from discovery.configuration import configure
from embed.errors import DiscoverError

EPILOG = """\
a first session:
  discover ingest PATH                 add images and their labels to the study
  discover status                      show what it holds
  discover cluster None_of_the_Above   look for new classes
  discover name 2 Reverse_Chirp        give the members of cluster 2 a name
  discover audit                       look for wrong labels

`discover COMMAND --help` lists the options of a command.
"""
"""The end of the help."""


RECORDED = frozenset({"ingest", "fetch", "scan", "embed", "cluster", "update", "name", "guide", "novel", "onset"})
RECORDED |= {
    "project",
    "scorecard",
    "audit",
    "train",
    "evaluate",
    "predict",
    "explore",
    "generator",
    "generate",
    "watch",
}
"""Commands that change what a study holds: after them its ``index.html`` is written again."""


def create_parser() -> Parser:
    """Build the parser of the whole command line; its help lists the commands in the order of a study's life."""
    parser = Parser(
        prog="discover",
        description="Find new classes of detector glitches, and the labels that are wrong.",
        epilog=EPILOG,
        formatter_class=RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    common, vectors = common_options(), vector_options()
    add_ingest(commands, common)
    add_fetch(commands, common)
    add_scan(commands, common)
    add_simulate(commands, common)
    add_status(commands, common)
    add_embed(commands, common, vectors)
    add_cluster(commands, common, vectors)
    add_update(commands, common, vectors)
    add_watch(commands, common, vectors)
    add_verify(commands, common)
    add_name(commands, common)
    add_batch(commands, common, vectors)
    add_guide(commands, common, vectors)
    add_novel(commands, common, vectors)
    add_onset(commands, common)
    add_project(commands, common, vectors)
    add_explore(commands, common)
    add_scorecard(commands, common, vectors)
    add_search(commands, common, vectors)
    add_audit(commands, common, vectors)
    add_train(commands, common)
    add_evaluate(commands, common, vectors)
    add_predict(commands, common)
    add_generator(commands, common)
    add_generate(commands, common)
    add_detector(commands, common)
    add_export(commands, common, vectors)
    add_check(commands, common)
    add_doctor(commands, common)
    add_completion(commands, common, parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    _prepare_streams()
    typed = list(sys.argv[1:] if arguments is None else arguments)
    parser = create_parser()
    if before := misplaced(typed):
        parser.error(before)
    try:
        configured = configure(parser, typed)
    except DiscoverError as error:
        sys.stderr.write(f"discover: error: {error}\n")
        return 2
    options = parser.parse_args(typed)
    options.typed = as_typed([*typed, *configured], options.study)
    logging.basicConfig(level=(logging.WARNING, logging.INFO)[min(options.verbose, 1)], format="%(name)s: %(message)s")
    try:
        import_module(f"discovery.checks.{options.command}").check(options)  # mistakes first: an engine takes seconds
        with _log(options):
            code: int | None = import_module(f"discovery.commands.{options.command}").run(options)
            sys.stdout.flush()
        if options.command in RECORDED:
            import_module("discovery.overview.index").refresh_index(options.study)
    except DiscoverError as error:
        if options.verbose > 1:
            logging.getLogger("discover").exception("where it came from:")
        command = " ".join(filter(None, ("discover", options.command, getattr(options, "action", None))))
        sys.stderr.write(f"{command}: error: {' '.join(str(error).split())}\n")
        _drop_unwritten_output()
        _catch_up(options)
        return 2
    except BrokenPipeError:  # the reader of standard output has left, as `head` does
        _drop_unwritten_output()
        return 0
    except KeyboardInterrupt:
        sys.stderr.write(
            f"discover {options.command}: interrupted; finished work is kept, run the command again to continue\n"
        )
        return 130
    return code or 0


def _catch_up(options: Namespace) -> None:
    """Write the index of a study that has changed since it was written: by the part of a command that ended in an error, or by one that was killed."""
    if options.command not in RECORDED or not (options.study / "study.db").is_file():
        return
    from sqlite3 import DatabaseError  # noqa: PLC0415 - as all engines here

    from embed.study.sums import is_at_rest, read_sums  # noqa: PLC0415

    sums = read_sums(options.study)
    if sums is not None and not is_at_rest(options.study / "study.db", sums):
        with suppress(DiscoverError, DatabaseError):  # a full disk, a damaged database: the error is said already
            import_module("discovery.overview.index").refresh_index(options.study)


def _log(options: Namespace) -> AbstractContextManager[None]:
    """Open the log file of a command that changes the study; of several processes the first one writes it.

    What `explore` says is an address that only the person who typed it may have, and each decision is a run of its own.
    """
    if options.command not in RECORDED - {"explore"} or os.environ.get("RANK", "0") != "0":
        return nullcontext()
    return log_file(options.study, options.command, options.typed)


def as_typed(typed: Sequence[str], study: Path) -> str:
    """Write the command line as it can be typed anywhere: with the study where only the environment named it."""
    line = shlex.join(["discover", *typed])
    named = os.environ.get("DISCOVER_STUDY")
    return f"DISCOVER_STUDY={shlex.quote(named)} {line}" if named and study == Path(named) else line


def _prepare_streams() -> None:
    """Make standard output safe to write to: a closed one leads nowhere, and characters that it lacks are escaped."""
    for name in ("stdout", "stderr"):  # None where the descriptor was closed, as by `>&-`
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open until exit
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _drop_unwritten_output() -> None:
    """Keep Python from writing at exit to a standard output that refuses it, which would print a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
