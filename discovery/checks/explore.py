"""The check of ``discover explore``."""

from argparse import Namespace
from importlib.util import find_spec

from embed.errors import InputError
from embed.study.study import Study

NEEDED = ("starlette", "uvicorn")


def check(options: Namespace) -> None:
    """Refuse a study that does not exist, a port that is none, and a missing package.

    Raises
    ------
    InputError
        When the port or a package is at fault.
    """
    if options.port > 65_535:
        raise InputError(f"--port {options.port}: give a number from 0 to 65535; 0 takes a free port")
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"this needs {' and '.join(missing)}; pip install 'glitch-discovery[app]'")
    with Study(options.study):
        pass
