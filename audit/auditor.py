"""The audit: repeated splits, heads, evidence, planted errors, and a verdict on every label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.evidence.noise import log_probability
from audit.evidence.scores import RARE, weigh_evidence
from audit.heldout.crossfit import HeldOut
from audit.heldout.features import principal_features
from audit.heldout.labels import check_probabilities, check_rows, encode_labels
from audit.heldout.splits import SplitPlan, combine_groups
from audit.options import DEFAULTS, AuditOptions
from audit.procedure import (
    AuditData,
    choose_regression,
    choose_ridge,
    planted_audits,
    random_split_error,
    regression_scores,
    run_splits,
)
from audit.verdict import calibrated, make_result
from embed.digits import counted
from embed.errors import InputError
from embed.network.devices import choose_device
from embed.vectors.duplicates import DUPLICATE_SIMILARITY, near_duplicates
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from audit.result import AuditResult
    from embed.types import Codes, Floats, Rows, Step
    from embed.vectors.graph import NeighbourGraph

    Refit = Callable[[Codes, tuple[str, ...], SplitPlan], HeldOut]


def audit(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    times: ArrayLike | None = None,
    ids: Sequence[str] | None = None,
    graph: NeighbourGraph | None = None,
    options: AuditOptions = DEFAULTS,
    refit: Refit | None = None,
    step: Step = lambda _: None,
) -> AuditResult:
    """Find the labels that are probably wrong.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row a glitch, any features; scaled to unit length.
    labels : array_like, shape (N,)
        Text or integers. A class of one member cannot be tested: its row is kept, with NaN for its scores.
    groups : array_like, shape (N,), optional
        Rows of one group are never on both sides of a split; near-duplicates found on the graph are grouped too.
    times : array_like, shape (N,), optional
        GPS seconds, for splits by time.
    ids : sequence of str, length N, optional
        Checked for repeats.
    graph : NeighbourGraph, optional
        Of these vectors; computed when absent.
    options : AuditOptions
        Splits, false discovery rate, seed and so on; see `audit.options.AuditOptions`.
    refit : callable, optional
        Makes the predictions in place of heads on the vectors, such as `audit.heldout.refit.refit_network`. It receives the labels as
        class numbers, the class names and the plan of the splits, and returns `HeldOut`. It is not called again for planted errors.
    step : callable
        Receives the name of each step that begins.

    Returns
    -------
    AuditResult

    Raises
    ------
    InputError
        Labels, vectors, groups, times or ids that do not fit each other; one class only; vectors with NaN.

    Examples
    --------
    >>> from audit import audit
    >>> from audit.options import AuditOptions
    >>> result = audit(vectors, labels, options=AuditOptions(splits=50, seed=1))  # doctest: +SKIP
    >>> result.order[: result.listed]  # doctest: +SKIP
    """
    classes, codes = encode_labels(labels)
    unit = normalise(vectors)
    check_rows(len(codes), vectors=len(unit), ids=ids, groups=groups)
    if graph is None:
        step("neighbours")
        graph = neighbour_graph(unit, seed=options.seed)
    elif len(graph.neighbours) != len(codes):
        raise InputError(
            f"the neighbour graph has {len(graph.neighbours)} rows for {len(codes)} labels; compute it again"
        )
    similarity = DUPLICATE_SIMILARITY if options.duplicate_similarity is None else options.duplicate_similarity
    twins, duplicate_of = near_duplicates(graph, similarity)
    when = None if times is None else np.asarray(times, np.float64)
    data = AuditData(codes, classes, None, graph, combine_groups(groups, twins), duplicate_of, when, options)
    plan = data.plan(codes, options.splits, options.seed)
    if refit is None:
        features = principal_features(unit, device=choose_device(options.device))
        _check_testable(plan)
        return _judge_by_heads(replace(data, features=features), plan, step)
    _check_testable(plan)
    held_out = refit(codes, classes, plan)
    settings: dict[str, Any] = {
        "split": options.split,
        "splits": len(plan),
        "splits asked": options.splits,
        "near-duplicate rows": int((duplicate_of >= 0).sum()),
    }
    return _judge_by_predictions(data, held_out, settings, [*_notes(data, plan, held_out), _NOT_RETRAINED])


def audit_probabilities(
    probabilities: ArrayLike,
    columns: Sequence[str],
    labels: ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    graph: NeighbourGraph | None = None,
    options: AuditOptions = DEFAULTS,
) -> AuditResult:
    """Audit labels against another classifier's probabilities, without images or vectors.

    The probabilities count as held out: a classifier that was trained on these labels agrees with their errors.

    Parameters
    ----------
    probabilities : array_like, shape (N, M)
        Rows sum to one.
    columns : sequence of str, length M
        Class of each column.
    labels : array_like, shape (N,)
    ids, graph
        See `audit`.
    options : AuditOptions
        The rate and the seed are used.

    Raises
    ------
    InputError
        See `audit.heldout.labels`.
    """
    classes, codes = encode_labels(labels)
    given = check_probabilities(probabilities, classes, columns)
    check_rows(len(codes), ids=ids)
    count = len(codes)
    if len(given) != count:
        raise InputError(f"{len(given)} rows of probabilities for {count} labels: give one each, in the same order")
    held_out = HeldOut.empty(1, *given.shape)
    held_out.add(0, np.arange(count), log_probability(given), codes)
    settings = {"split": "external probabilities", "splits": 1, "splits asked": 1}
    data = AuditData(codes, classes, None, graph, np.arange(count), np.full(count, -1, np.int64), None, options)
    note = "the probabilities were taken as held out: a classifier trained on these labels hides their errors"
    return _judge_by_predictions(data, held_out, settings, [note])


_NOT_RETRAINED = "the network was not trained again on the planted errors: they are judged by its predictions from the labels as given"


def _judge_by_heads(data: AuditData, plan: SplitPlan, step: Step) -> AuditResult:
    """Fit heads to the vectors for every split, and again for every planted labelling."""
    assert data.features is not None
    options = data.options
    step("ridge")
    ridge = choose_ridge(data) if options.ridge is None else options.ridge
    step("splits")
    held_out, curve = run_splits(data, plan, ridge, step=step)
    is_grouped = data.groups.max() + 1 < len(data.codes)
    random_error = random_split_error(data, ridge) if is_grouped or options.split == "time" else np.nan
    strength = choose_regression(data)
    regression = regression_scores(data, data.codes, strength, options.seed)
    evidence = weigh_evidence(
        held_out.mean_probabilities(), data.graph, data.codes, tested=held_out.scores(), regression=regression
    )
    step("planted errors")
    finding = calibrated(data, evidence, planted_audits(data, ridge, strength, evidence.correction))
    settings = {
        "split": options.split,
        "splits": curve[-1].splits if curve else len(plan),
        "splits asked": options.splits,
        "ridge": ridge,
        "regression ridge": strength,
        "errors taken out": evidence.correction,
        "gradient norm": held_out.worst_gradient,
        "components": data.features.rows.shape[1] - 1,
        "variance kept": data.features.variance_kept,
        "near-duplicate rows": int((data.duplicate_of >= 0).sum()),
    }
    notes = _notes(data, plan, held_out)
    return make_result(data, finding, held_out, settings, notes, curve=curve, random_error=random_error)


def _judge_by_predictions(
    data: AuditData, held_out: HeldOut, settings: dict[str, Any], notes: Sequence[str]
) -> AuditResult:
    """Judge labels and planted errors by the same predictions: nothing is fitted again."""
    probabilities = held_out.mean_probabilities()
    evidence = weigh_evidence(probabilities, data.graph, data.codes)
    tested = held_out.tested[0] > 0

    def again(planted: Codes, _: int) -> Floats:
        evidences = [
            weigh_evidence(probabilities, data.graph, labelling, correction=evidence.correction)
            for labelling in planted
        ]
        features = np.stack([found.features for found in evidences])
        return np.where(tested[:, None], features, np.nan)

    settings = settings | {"errors taken out": evidence.correction}
    return make_result(data, calibrated(data, evidence, again), held_out, settings, notes)


def _check_testable(plan: SplitPlan) -> None:
    if not plan.testable.any():
        raise InputError(
            "no class has two glitches that are not near-duplicates of each other: nothing can be held out and tested"
        )


def _notes(data: AuditData, plan: SplitPlan, held_out: HeldOut) -> list[str]:
    """What the reader must know: untested rows, rare classes, a group larger than a fold."""
    notes = []
    count, classes = len(data.codes), data.classes
    sizes = np.bincount(data.codes, minlength=len(classes))
    untested: Rows = np.flatnonzero(held_out.tested[0] == 0)
    if len(untested):
        alone = ", ".join(classes[number] for number in np.unique(data.codes[untested]))
        notes.append(
            f"{counted(len(untested), 'glitch', 'glitches')} could not be tested: their class ({alone}) has no other member to compare them with"
        )
    rare = [f"{classes[number]} ({sizes[number]})" for number in np.flatnonzero((sizes > 1) & (sizes <= RARE))]
    if rare:
        notes.append(f"verdicts on rare classes rest on few examples: {', '.join(rare)}")
    largest = int(np.bincount(data.groups).max())
    if plan.kind != "random" and largest > count / plan.folds:
        notes.append(
            f"one set of near-duplicates or one group holds {largest} of {count} glitches, more than a fold: the folds are uneven; check the groups, or raise the duplicate similarity"
        )
    return notes
