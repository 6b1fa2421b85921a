"""``discover completion``."""

import argparse
import sys
from argparse import Namespace
from pathlib import Path

import shtab


def run(options: Namespace) -> None:
    """Print the script that completes commands, options and files in a shell."""
    _complete_paths(options.root)
    sys.stdout.write(shtab.complete(options.root, options.shell) + "\n")


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Say which arguments are files or folders, in a parser and those of its commands."""
    for action in parser._actions:  # noqa: SLF001 - as shtab itself reads a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for own in action.choices.values():
                _complete_paths(own)
        elif action.type is Path:
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
