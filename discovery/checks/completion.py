"""The check of ``discover completion``, which has nothing to refuse."""

from argparse import Namespace


def check(options: Namespace) -> None:
    """Refuse nothing."""
