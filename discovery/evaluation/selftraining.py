"""The report of a recursive training: accuracy against the number of pseudo-labels, as a table and on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discovery.evaluation.additions import SHOWN
from discovery.pages.page import NOTHING, PageShell, rendered
from discovery.pages.plots import legend, line_svg, series_css
from embed.csvfile import write_csv
from embed.digits import percent, portion
from embed.metrics.intervals import wilson
from embed.storage import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from discovery.evaluation.additions import Additions
    from embed.training.abstention import Abstention
    from embed.training.rounds import Round
    from embed.training.selftraining import Recursion

NOT_LEARNT = "is not learnt from", "are not learnt from"
"""What becomes of a glitch, and of several, that are none of the classes."""
COLUMNS = ("pseudo_labels", "accuracy", "low", "high", "right", "judged", "least_confidence", "purity", "known")


def write_recursion(
    result: Recursion,
    ids: Mapping[int, str],
    folder: Path,
    *,
    title: str,
    asked: Mapping[str, object],
    command: str = "",
    additions: Additions | None = None,
) -> dict[str, Path]:
    """Write ``recursion.csv``, ``pseudo-labels.csv`` and ``recursion.html``.

    Parameters
    ----------
    result : Recursion
    ids : mapping of int to str
        Row number -> the glitch's id.
    folder : Path
    title : str
    asked : mapping of str to object
        The settings, in order.
    command : str
        The command line that makes this again.
    additions : Additions, optional
        Pictures of what was added.

    Returns
    -------
    dict of str to Path
        Name -> what was written.
    """
    files = {name: folder / name for name in ("recursion.html", "recursion.csv", "pseudo-labels.csv")}
    write_csv(
        files["recursion.csv"],
        COLUMNS,
        [
            (item.added, item.accuracy, *item.interval, item.right, item.judged, item.least, item.purity, item.known)
            for item in result.rounds
        ],
    )
    rows = [
        (len(labels), ids[glitch], name, sure[glitch])
        for labels, sure in zip(result.labels, result.confidence, strict=True)
        for glitch, name in sorted(labels.items())
    ]
    write_csv(files["pseudo-labels.csv"], ("pseudo_labels", "id", "label", "probability"), rows)
    facts = {**asked, "unlabelled": f"{result.pool:,} to choose from, {result.left_out:,} left out"}
    write_text(
        files["recursion.html"],
        recursion_html(
            result.rounds,
            [model.name for model in result.models],
            title=title,
            asked=facts,
            command=command,
            beside=["recursion.csv", "pseudo-labels.csv"],
            additions=additions,
            abstention=result.abstention,
        ),
    )
    return files


def recursion_html(
    rounds: Sequence[Round],
    models: Sequence[str],
    *,
    title: str,
    asked: Mapping[str, object],
    command: str = "",
    beside: Sequence[str] = (),
    additions: Additions | None = None,
    abstention: Abstention | None = None,
) -> str:
    """Write the page: nothing is loaded, no script runs.

    Parameters
    ----------
    rounds : sequence of Round
        The first is that of the given labels alone.
    models : sequence of str
        Name of each round's model.
    title : str
    asked : mapping of str to object
    command : str
    beside : sequence of str
        Names of files in the page's own folder.
    additions : Additions, optional
    abstention : Abstention, optional
        Of the unlabelled glitches.

    Returns
    -------
    str
        The same input gives the same text.
    """
    first, best = rounds[0], max(rounds, key=lambda item: item.accuracy)
    series = {"held-out glitches": [(float(item.added), item.accuracy, *item.interval) for item in rounds]}
    known = [item for item in rounds if item.known]
    if known:
        series["pseudo-labels that are right"] = [
            (float(item.added), item.purity, *wilson(item.pure, item.known).tolist()) for item in known
        ]
    cautions = []
    if best.added and best.interval[0] <= first.accuracy:
        cautions.append(
            f"The best round's interval ({100 * best.interval[0]:.2f} to {100 * best.interval[1]:.2f} %) holds the accuracy of the given labels alone, {100 * first.accuracy:.2f} %: the gain may be chance, and the best of {len(rounds)} rounds was picked by the very glitches it is judged on."
        )
    return rendered(
        "evaluation/recursion.html",
        shell=PageShell(title, beside, cautions, asked, command),
        series_css=series_css(),
        first=first,
        best=best,
        plot=line_svg(series, across="pseudo-labels", up="share right", title="Accuracy against pseudo-labels"),
        legend=legend(dict.fromkeys(series, "")),
        rows=[(name, _cells(item)) for name, item in zip(models, rounds, strict=True)],
        additions=additions,
        most=SHOWN,
        none_of_these=[_sentence(text) for text in abstention.in_words(NOT_LEARNT)] if abstention else [],
        hidden=_hidden_rows(abstention),
    )


def _sentence(text: str) -> str:
    """The terminal's remark as a sentence of a section that is headed like it."""
    said = text.removeprefix("none of these: ")
    return f"{said[:1].upper()}{said[1:]}."


def _hidden_rows(abstention: Abstention | None) -> list[tuple[str, tuple[str, ...]]]:
    classes = abstention.hidden.classes if abstention and abstention.hidden else ()
    return [
        (
            f"{one.name}{' (with training glitches)' if one.learnt else ''}",
            (
                f"{one.asked:,}",
                f"{one.far:,}",
                percent(one.share),
                "{:.0f} to {:.0f} %".format(*(100 * end for end in one.interval)),
            ),
        )
        for one in classes
    ]


def _cells(item: Round) -> tuple[str, ...]:
    low, high = item.interval
    return (
        f"{item.added:,}",
        f"{100 * item.accuracy:.2f} %",
        f"{100 * low:.2f} to {100 * high:.2f} %",
        portion(item.least, 4),
        f"{100 * item.purity:.2f} % of {item.known:,}" if item.known else NOTHING,
    )
