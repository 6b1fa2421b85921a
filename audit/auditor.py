"""The audit: repeated splits, heads, evidence, planted errors, and what comes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.evidence.noise import log_probability
from audit.evidence.scores import RARE, weigh_evidence
from audit.heldout.crossfit import HeldOut
from audit.heldout.features import principal_features
from audit.heldout.labels import check_probabilities, check_rows, encode_labels
from audit.heldout.splits import SplitPlan, combine_groups, plan_splits
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
from embed.dataset.kinds import PURGE_SECONDS
from embed.errors import InputError
from embed.network.devices import choose_device
from embed.vectors.duplicates import DUPLICATE_SIMILARITY, near_duplicates
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from audit.heldout.splits import Kind
    from audit.result import AuditResult
    from embed.vectors.graph import NeighbourGraph

    Refit = Callable[[NDArray[np.int64], tuple[str, ...], SplitPlan], HeldOut]

SPLITS = 100
FALSE_DISCOVERY_RATE = 0.1


def audit(
    vectors: ArrayLike,
    labels: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    times: ArrayLike | None = None,
    ids: Sequence[str] | None = None,
    splits: int = SPLITS,
    split: Kind = "grouped",
    purge: float = PURGE_SECONDS,
    stop_early: bool = True,
    ridge: float | None = None,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
    duplicate_similarity: float = DUPLICATE_SIMILARITY,
    graph: NeighbourGraph | None = None,
    refit: Refit | None = None,
    seed: int = 0,
    device: str = "cpu",
    step: Callable[[str], None] = lambda _: None,
) -> AuditResult:
    """Find the labels that are probably wrong.

    Parameters
    ----------
    vectors : array_like, shape (N, D)
        One row a glitch, any features; brought to unit length.
    labels : array_like, shape (N,)
        Text or integers. A class of one member cannot be tested: its row is kept, with NaN for its scores.
    groups : array_like, shape (N,), optional
        Rows of one group are never on both sides of a split; near-duplicates found on the graph are grouped besides.
    times : array_like, shape (N,), optional
        GPS seconds, for ``split="time"``.
    ids : sequence of str, optional
        Checked for repeats.
    splits : int
        At most this many; fewer where the ranking has settled before.
    split : {"grouped", "random", "time"}
        See `audit.heldout.splits.plan_splits`.
    purge : float
        Seconds around each tested row that time splits leave out of the training.
    stop_early : bool
        False: run all the splits.
    ridge : float, optional
        Of the heads; chosen by the likelihood of held-out labels when absent.
    false_discovery_rate : float
        Share of right labels that the list may hold.
    duplicate_similarity : float
        Cosine from which two rows are near-duplicates.
    graph : NeighbourGraph, optional
        Of these vectors; found when absent.
    refit : callable, optional
        Called with (labels as class numbers, class names, plan of the splits) and gives the `HeldOut` predictions itself, in place of
        heads on the vectors: `audit.heldout.refit.refit_network`. The planted labellings are judged by the same predictions.
    seed : int
        Same seed and device, same result.
    device : {"cpu", "cuda", "auto"}
    step : callable
        Told what is being done.

    Returns
    -------
    AuditResult

    Raises
    ------
    InputError
        Labels, vectors, groups, times or ids that do not fit each other; one class only; vectors with NaN.
    """
    classes, codes = encode_labels(labels)
    unit = normalise(vectors)
    check_rows(len(codes), vectors=len(unit), ids=ids)
    _check_rate(false_discovery_rate)
    if groups is not None and len(np.asarray(groups)) != len(codes):
        raise InputError(f"{len(np.asarray(groups))} groups for {len(codes)} labels: give one each")
    if graph is None:
        step("neighbours")
        graph = neighbour_graph(unit, seed=seed)
    elif len(graph.neighbours) != len(codes):
        raise InputError(f"the neighbour graph has {len(graph.neighbours)} rows for {len(codes)} labels; make it anew")
    twins, twin = near_duplicates(graph, duplicate_similarity)
    whole = combine_groups(groups, twins)
    when = None if times is None else np.asarray(times, np.float64)
    options: dict[str, Any] = {"groups": whole, "times": when, "purge": purge}
    plan = plan_splits(codes, splits, kind=split, seed=seed, **options)
    if refit is not None:
        _check_testable(plan)
        held_out = refit(codes, classes, plan)
        settings: dict[str, Any] = {
            "split": split,
            "splits": len(plan),
            "splits asked": splits,
            "near-duplicate rows": int((twin >= 0).sum()),
        }
        notes = [*_notes(classes, codes, plan, held_out, whole), _NOT_RETRAINED]
        return _from_held_out(held_out, classes, codes, graph, split, twin, settings, notes, false_discovery_rate, seed)
    features = principal_features(unit, device=choose_device(device))
    _check_testable(plan)
    step("ridge")
    study = AuditData(codes, len(classes), features, graph, options, split, seed)
    chosen = choose_ridge(study) if ridge is None else ridge
    step("splits")
    held_out, curve = run_splits(study, plan, chosen, stop_early=stop_early, step=step)
    random_error = random_split_error(study, chosen) if whole.max() + 1 < len(codes) or split == "time" else np.nan
    strength = choose_regression(study)
    regression = regression_scores(study, codes, strength, seed)
    evidence = weigh_evidence(
        held_out.mean_probabilities(), graph, codes, tested=held_out.scores(), regression=regression
    )
    step("planted errors")
    finding = calibrated(study, evidence, planted_audits(study, chosen, strength))
    notes = _notes(classes, codes, plan, held_out, whole)
    settings = {
        "split": split,
        "splits": curve[-1].splits if curve else len(plan),
        "splits asked": splits,
        "ridge": chosen,
        "regression ridge": strength,
        "gradient norm": held_out.worst_gradient,
        "components": features.rows.shape[1] - 1,
        "variance kept": features.variance_kept,
        "near-duplicate rows": int((twin >= 0).sum()),
    }
    return make_result(
        study, classes, finding, held_out, curve, twin, random_error, settings, notes, false_discovery_rate
    )


def audit_probabilities(
    probabilities: ArrayLike,
    columns: Sequence[str],
    labels: ArrayLike,
    *,
    ids: Sequence[str] | None = None,
    graph: NeighbourGraph | None = None,
    false_discovery_rate: float = FALSE_DISCOVERY_RATE,
    seed: int = 0,
) -> AuditResult:
    """Audit labels against another classifier's probabilities, without images or vectors.

    The probabilities count as held out: a classifier that was trained on these labels agrees with their errors.

    Parameters
    ----------
    probabilities : array_like, shape (N, M)
        Rows sum to one.
    columns : sequence of str
        Class of each column.
    labels : array_like, shape (N,)
    ids, graph, false_discovery_rate, seed
        See `audit`.

    Raises
    ------
    InputError
        See `audit.heldout.labels`.
    """
    classes, codes = encode_labels(labels)
    given = check_probabilities(probabilities, classes, columns)
    check_rows(len(codes), ids=ids)
    _check_rate(false_discovery_rate)
    if len(given) != len(codes):
        raise InputError(
            f"{len(given)} rows of probabilities for {len(codes)} labels: give one each, in the same order"
        )
    held_out = HeldOut.empty(1, *given.shape)
    held_out.add(0, np.arange(len(codes)), log_probability(given), codes)
    settings = {"split": "external probabilities", "splits": 1, "splits asked": 1}
    none = np.full(len(codes), -1, np.int64)
    notes = ["the probabilities were taken as held out: a classifier trained on these labels hides their errors"]
    return _from_held_out(
        held_out, classes, codes, graph, "external", none, settings, notes, false_discovery_rate, seed
    )


_NOT_RETRAINED = (
    "the network was not trained again on the planted errors: they are judged by what it says of the labels as given"
)


def _from_held_out(
    held_out: HeldOut,
    classes: tuple[str, ...],
    codes: NDArray[np.int64],
    graph: NeighbourGraph | None,
    kind: str,
    twin: NDArray[np.int64],
    settings: dict[str, Any],
    notes: Sequence[str],
    rate: float,
    seed: int,
) -> AuditResult:
    """Judge the labels by predictions that are there already."""
    study = AuditData(codes, len(classes), None, graph, {}, kind, seed)
    probabilities = held_out.mean_probabilities()
    evidence = weigh_evidence(probabilities, graph, codes)
    tested = held_out.tested[0] > 0

    def again(planted: NDArray[np.int64], _: int) -> NDArray[np.float64]:
        features = np.stack([weigh_evidence(probabilities, graph, labelling).features for labelling in planted])
        return np.where(tested[:, None], features, np.nan)

    finding = calibrated(study, evidence, again)
    return make_result(study, classes, finding, held_out, [], twin, np.nan, settings, notes, rate)


def _check_testable(plan: SplitPlan) -> None:
    if not plan.testable.any():
        raise InputError(
            "no class has two glitches that are not near-duplicates of each other: nothing can be held out and tested"
        )


def _check_rate(rate: float) -> None:
    if not 0 < rate < 1:
        raise InputError(f"a false discovery rate of {rate}: give a number between 0 and 1, such as 0.1")


def _notes(
    classes: tuple[str, ...],
    codes: NDArray[np.int64],
    plan: SplitPlan,
    held_out: HeldOut,
    groups: NDArray[np.int64],
) -> list[str]:
    notes = []
    sizes = np.bincount(codes, minlength=len(classes))
    tested = held_out.tested[0] > 0
    alone = [classes[number] for number in np.unique(codes[~tested])] if (~tested).any() else []
    if alone:
        notes.append(
            f"{int((~tested).sum())} glitches could not be tested: their class ({', '.join(alone)}) has no other member to compare them with"
        )
    rare = [f"{classes[number]} ({sizes[number]})" for number in np.flatnonzero((sizes > 1) & (sizes <= RARE))]
    if rare:
        notes.append(f"verdicts on rare classes rest on few examples: {', '.join(rare)}")
    largest = int(np.bincount(groups).max())
    if plan.kind != "random" and largest > len(codes) / plan.folds:
        notes.append(
            f"one set of near-duplicates or one group holds {largest} of {len(codes)} glitches, more than a fold: the folds are uneven; check the groups, or raise the duplicate similarity"
        )
    return notes
