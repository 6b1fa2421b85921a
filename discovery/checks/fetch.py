"""The check of ``discover fetch``: its glitches, and that they have addresses."""

from argparse import Namespace

import numpy as np

from embed.errors import InputError
from embed.sample import at_most
from embed.study.addresses import check_addresses
from embed.study.listing import shown_glitches
from embed.study.study import Study
from embed.types import Rows


def check(options: Namespace) -> None:
    """Refuse a choice without a glitch, glitches without addresses, and a file where the folder should be.

    Raises
    ------
    InputError
        As above.
    """
    if options.out.exists() and not options.out.is_dir():
        raise InputError(f"--out {options.out} is a file; name a folder")
    with Study(options.study) as study:
        check_addresses(study, glitches_to_fetch(study, options), options.durations)


def glitches_to_fetch(study: Study, options: Namespace) -> Rows:
    """Return the row numbers of the chosen glitches, ascending.

    Raises
    ------
    InputError
        When the options name none, or glitches in two ways.
    """
    ways = [bool(options.ids), options.label is not None, options.all]
    if sum(ways) != 1:
        raise InputError("say which glitches: give one of ID..., --label LABEL and --all")
    if options.predicted and options.label is None:
        raise InputError("--predicted goes with --label; leave it out")
    if options.ids:
        rows = np.unique(np.array([study.known_glitch(name) for name in options.ids], np.int64))
    elif options.label is not None:
        rows = study.members(options.label, predicted=options.predicted)
    else:
        rows = np.array(shown_glitches(study), np.int64)
    return rows if options.n is None else at_most(rows, options.n, np.random.default_rng(options.seed))
