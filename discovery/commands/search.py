"""``discover search``."""

from argparse import Namespace

from discovery.candidates.search import nearest
from discovery.commands.console import Terminal
from discovery.commands.vectors import make_vectors
from embed.csvfile import csv_text
from embed.study.study import Study

DIGITS = 6
"""Decimals of distance and similarity in the table; JSON has all."""


def run(options: Namespace) -> None:
    """List the nearest glitches."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        store = make_vectors(study, options, terminal)
        with terminal.progress("compare") as progress:
            table = nearest(study, store, options.id, options.k, progress=progress)
    if options.json:
        terminal.result({"id": options.id, "neighbours": table.to_dict("records")})
    else:
        rounded = table.round({"distance": DIGITS, "similarity": DIGITS})
        terminal.csv(csv_text(list(rounded.columns), rounded.itertuples(index=False)))
