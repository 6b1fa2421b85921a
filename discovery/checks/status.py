"""The check of ``discover status``."""

from argparse import Namespace

from embed.study.study import Study


def check(options: Namespace) -> None:
    """Refuse a study that does not exist."""
    with Study(options.study):
        pass
