"""``discover status``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from discovery.commands.console import Terminal
from discovery.overview.contents import read_contents
from discovery.overview.index import PAGE
from embed.study.outcomes import outcomes
from embed.study.study import Study
from embed.vectors.parts import kept_beside
from embed.vectors.passport import describe_graph
from embed.vectors.store import stores

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from discovery.overview.contents import Contents
    from embed.study.reports import Report
    from embed.vectors.store import VectorStore

SHOWN = 20
"""Runs and reports that are printed."""


def run(options: Namespace) -> None:
    """Print what is in the study."""
    terminal = Terminal(as_json=options.json)
    with Study(options.study) as study:
        contents = read_contents(study)
        durations, runs = study.durations(), study.runs()
        runs["state"] = list(outcomes(study).values())
        vectors, kept = stores(study.folder), kept_beside(study.folder)
        cached = sum(path.stat().st_size for path in (study.folder / "cache").glob("*.bin"))
        page = study.folder / PAGE
    counts = {"glitches": contents.glitches, "views": contents.views, "labels": contents.events}
    command, purpose = contents.next_step()
    _print_counts(terminal, options.study, contents)
    if durations:
        terminal.table(
            "Views",
            ("duration", contents.nouns[1]),
            [(f"{duration} s" if duration else "plain", str(count)) for duration, count in durations.items()],
        )
    _print_labels(terminal, contents)
    _print_stores(terminal, vectors, kept)
    _print_reports(terminal, contents.reports[:SHOWN])
    latest = runs[["run", "command", "started", "state"]].tail(SHOWN)
    terminal.table(
        "Runs, latest last",
        ("run", "command", "started", "outcome"),
        [(str(number), name, _date(started), state) for number, name, started, state in latest.itertuples(index=False)],
    )
    terminal.say(
        f"Decoded views kept for other networks: {cached / 2**20:.0f} MiB in {options.study / 'cache'} (safe to delete)"
    )
    if page.is_file():
        terminal.say(f"All reports: {page}")
    terminal.say(f"Next: `{command}` {purpose}")
    terminal.result(
        {
            **counts,
            "generated": contents.generated,
            "generators": contents.generators,
            "durations": durations,
            "given": contents.labels,
            "predicted": contents.predicted,
            "kept_vectors": kept,
            "stores": [store.passport | {"name": store.name} for store in vectors],
            "models": contents.models,
            "audits": contents.audits,
            "clusterings": contents.clusterings,
            "reports": [_as_json(report) for report in contents.reports],
            "index": str(page) if page.is_file() else None,
            "next": command,
            "runs": runs.to_dict("records"),
            "cache_bytes": cached,
        }
    )


def _print_counts(terminal: Terminal, folder: Path, contents: Contents) -> None:
    one, many = contents.nouns
    rows = [
        (many, f"{contents.glitches:,}"),
        *([("generated glitches, not among them", str(contents.generated))] if contents.generated else []),
        ("views", f"{contents.views:,}") if many == "pictures" else ("views (pictures)", f"{contents.views:,}"),
        (f"label events (a {one} may have several)", f"{contents.events:,}"),
        ("models", ", ".join(contents.models) or "none"),
        *([("generators", ", ".join(contents.generators))] if contents.generators else []),
        ("clusterings", str(contents.clusterings)),
        ("audits", str(contents.audits)),
    ]
    terminal.table(f"Study {folder}", ("", "holds"), rows)


def _print_labels(terminal: Terminal, contents: Contents) -> None:
    given, predicted = contents.labels, contents.predicted
    labels = sorted((set(given) | set(predicted)) - {""})
    rows = [(label, str(given.get(label, 0)), str(predicted.get(label, 0))) for label in labels]
    rows.append(("without one", str(given.get("", 0)), str(predicted.get("", 0))))
    terminal.table("Labels", ("label", "given", "predicted"), rows)


def _print_stores(terminal: Terminal, vectors: list[VectorStore], kept: dict[str, int]) -> None:
    rows = [
        (
            store.name,
            *(str(store.passport[key]) for key in ("rows", "dimension", "left_out")),
            describe_graph(store.passport),
        )
        for store in vectors
    ]
    if rows:
        terminal.table("Vector stores", ("name", "rows", "dimension", "left out", "graph"), rows)
    for name, count in kept.items():
        terminal.say(
            f"Vectors kept for {name} by predictions or an unfinished embedding, not in its store yet: {count}"
        )


def _print_reports(terminal: Terminal, reports: list[Report]) -> None:
    rows = [(report.title, _date(report.at), report.answer) for report in reports]
    if rows:
        terminal.table("Reports, newest first", ("report", "written", "answer"), rows)


def _as_json(report: Report) -> dict[str, Any]:
    return {"title": report.title, "path": str(report.path), "answer": report.answer, "at": report.at}


def _date(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
