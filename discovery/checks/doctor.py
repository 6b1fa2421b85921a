"""The check of ``discover doctor``, which refuses nothing: it looks at what is wrong."""

from argparse import Namespace


def check(options: Namespace) -> None:
    """Refuse nothing."""
