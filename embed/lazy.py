"""Public names that are imported on first use, so that ``discover --help`` does not wait for torch."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package : str
        Its name, for the message about a name that it lacks.
    homes : mapping of str to str
        Public name -> the module that defines it.
    """

    def find(name: str) -> Any:  # noqa: ANN401 - any public object of the package
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find, lambda: sorted(homes)
