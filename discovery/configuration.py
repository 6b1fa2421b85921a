"""``discover.toml``: options that a folder's commands take when they are not typed.

A table ``[all]`` holds options of every command that has them, a table with a command's name (``[cluster]``, ``[generator.train]``) those of
that command alone. What is typed comes first, then `$DISCOVER_STUDY`, then the command's table, then ``[all]``, then the defaults.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embed.errors import InputError
from embed.spelling import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAME = "discover.toml"
"""Looked for in the folder where a command is typed; `$DISCOVER_CONFIG` names another file."""
ALL = "all"
"""The table of options of every command."""


def find_file() -> Path | None:
    """Return the file that holds here: ``$DISCOVER_CONFIG`` if it is set, else ``discover.toml`` in this folder if there is one.

    Raises
    ------
    InputError
        When the file of ``$DISCOVER_CONFIG`` is missing.
    """
    named = os.environ.get("DISCOVER_CONFIG")
    path = Path(named or NAME)
    if path.is_file():
        return path
    if named:
        raise InputError(f"$DISCOVER_CONFIG names {named!r}, which is no file; unset it or write the file")
    return None


def configure(parser: argparse.ArgumentParser, typed: Sequence[str]) -> list[str]:
    """Give the options of the file to the command that is typed, as its defaults.

    Parameters
    ----------
    parser : ArgumentParser
        Of the whole command line; the defaults of the command's own parser change.
    typed : sequence of str

    Returns
    -------
    list of str
        The options that the file gives and that are not typed, as they could have been typed.

    Raises
    ------
    InputError
        When the file cannot be read, names a table, an option or a value that the commands do not have.
    """
    path = find_file()
    if path is None:
        return []
    tables = _read(path)
    commands = dict(_commands(parser))
    everywhere = tables.pop(ALL, {})
    known = {name for one in commands.values() for name in _options(one)}
    _check_names(path, tables, commands, "no command")
    _check_names(f"{path}: [{ALL}]", everywhere, known, "no command has the option")
    for command, table in tables.items():
        _check_names(f"{path}: [{command}]", table, _options(commands[command]), "the command has no option")
    asked = next((name for name in _beginnings(typed) if name in commands), None)
    if asked is None:
        return []
    own = _options(commands[asked])
    given = {name: value for name, value in everywhere.items() if name in own} | tables.get(asked, {})
    if os.environ.get("DISCOVER_STUDY"):
        given.pop("study", None)
    added = []
    for name, value in given.items():
        action = own[name]
        if any(word.split("=", 1)[0] in action.option_strings for word in typed):
            continue
        words = _words(f"{path}: {name}", action, value)
        if words:
            commands[asked].set_defaults(**{action.dest: _parsed(f"{path}: {name}", commands[asked], action, words)})
            action.required = False
            added += words
    return added


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Read the tables, those of sub-commands under their whole name (``generator train``), options without underscores."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})") from error
    tables: dict[str, dict[str, Any]] = {}

    def collect(name: str, table: Mapping[str, Any]) -> None:
        if name:
            tables.setdefault(name, {})
        for key, value in table.items():
            if isinstance(value, dict):
                collect(f"{name} {key}".strip(), value)
            elif name:
                tables[name][key.replace("_", "-")] = value
            else:
                raise InputError(
                    f"{path}: {key} stands in no table; write it below [{ALL}] or a command such as [cluster]"
                )

    collect("", data)
    return tables


def _commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command with its parser, sub-commands as ``generator train``."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its actions
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for key, inner in action.choices.items():
                yield f"{name} {key}".strip(), inner
                yield from _commands(inner, f"{name} {key}".strip())


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the long options of a command by their names without dashes."""
    return {
        option[2:]: action
        for action in parser._actions  # noqa: SLF001 - as above
        for option in action.option_strings
        if option.startswith("--") and not isinstance(action, argparse._HelpAction)  # noqa: SLF001
    }


def _check_names(where: object, names: Mapping[str, Any], known: Any, what: str) -> None:  # noqa: ANN401 - any collection of names
    for name in names:
        if name not in known:
            near = closest(name, known)
            raise InputError(f"{where}: {what} {name!r}" + (f"; did you mean {near!r}?" if near else ""))


def _beginnings(typed: Sequence[str]) -> Iterator[str]:
    """Yield what may be the command's name, the longest first."""
    words = list(typed[:2])
    while words:
        yield " ".join(words)
        words.pop()


def _words(where: str, action: argparse.Action, value: Any) -> list[str]:  # noqa: ANN401 - what TOML holds
    """Write an option as it is typed; a switch that is off is not."""
    option = action.option_strings[-1]
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise InputError(f"{where} = {value!r}: it is a switch; write true or false")
        return [option] if value else []
    if isinstance(value, bool):
        raise InputError(f"{where} = {str(value).lower()}: it takes a value, no switch")
    if isinstance(value, list):
        if action.nargs not in ("+", "*"):
            raise InputError(f"{where}: it takes one value, not a list of {len(value)}")
        return [option, *map(str, value)]
    return [option, str(value)] if action.nargs in ("+", "*") else [f"{option}={value}"]


def _parsed(where: str, parser: argparse.ArgumentParser, action: argparse.Action, words: list[str]) -> Any:  # noqa: ANN401 - of the option's kind
    """Read an option's words as the parser would."""
    alone = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    alone._add_action(action)  # noqa: SLF001 - as above
    required, action.required = action.required, False
    try:
        return getattr(alone.parse_args(words), action.dest)
    except (argparse.ArgumentError, SystemExit) as error:
        raise InputError(f"{where}: {error} (see `{parser.prog} --help`)") from error
    finally:
        action.required = required
