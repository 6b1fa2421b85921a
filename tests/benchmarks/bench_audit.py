"""The audit beside its peers, in paired runs: precision on planted errors, calibration, speed and cost in rows."""

import resource
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from audit import AuditOptions, audit
from audit.heldout.crossfit import CrossFit, HeldOut
from audit.heldout.features import principal_features
from audit.heldout.heads import fit
from audit.heldout.splits import plan_splits
from embed.vectors.graph import neighbour_graph
from embed.vectors.similarity import normalise

pytestmark = pytest.mark.benchmark

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "gravityspy"
RATES = (0.03, 0.08, 0.15)
MODES = ("uniform", "pairs")
SEEDS = 10


def plant(vectors, truth, rate, mode, seed):
    """Flip a share of the labels, to any other class or to the class of the nearest mean."""
    rng = np.random.default_rng(seed)
    classes = int(truth.max()) + 1
    rows = rng.choice(len(truth), max(1, round(rate * len(truth))), replace=False)
    labels = truth.copy()
    if mode == "uniform":
        labels[rows] = (truth[rows] + rng.integers(1, classes, len(rows))) % classes
    else:
        means = normalise(np.stack([vectors[truth == number].mean(0) for number in range(classes)]))
        likeness = means @ means.T
        np.fill_diagonal(likeness, -2)
        labels[rows] = likeness.argmax(1)[truth[rows]]
    return labels, labels != truth


def network_like(count, classes=22, width=1280, seed=0):
    """Vectors with a network's falling spectrum: variance of the i-th axis as i^-1.5, class means in the leading axes."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, width + 1) ** -0.75
    truth = rng.integers(0, classes, count)
    means = rng.normal(size=(classes, width)) * scale
    vectors = (1.0 * means[truth] + rng.normal(size=(count, width)) * scale).astype(np.float32)
    return normalise(vectors @ np.linalg.qr(rng.normal(size=(width, width)))[0].astype(np.float32)), truth


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not here")
    import pandas as pd

    from embed import EmbeddingOptions, Study, embed, ingest_folder

    with Study(tmp_path_factory.mktemp("audit") / "study", create=True) as study:
        ingest_folder(study, DATA)
        store = embed(study, EmbeddingOptions())
        ids = study.glitches().loc[store.glitches, "id"]
        truth = pd.read_csv(DATA / "truth.csv").drop_duplicates("id").set_index("id")["truth"].reindex(ids)
    return normalise(np.asarray(store.vectors)), np.unique(truth.to_numpy(str), return_inverse=True)[1]


def test_average_precision_beside_cleanlab(real):
    """At least cleanlab's (5-fold logistic regression, two strengths, two scores) in every setting's mean, to a thousandth.

    On the glitch backbone's vectors both are nearly without fault; one glitch, H1_vDnLsLzi7F, a Blip by its truth and a Koi_Fish by its
    looks, then decides the fourth digit.
    """
    rank = pytest.importorskip("cleanlab.rank")
    vectors, truth = real
    graph = neighbour_graph(vectors)
    means = {}
    for rate in RATES:
        for mode in MODES:
            found = {}
            for seed in range(SEEDS):
                labels, wrong = plant(vectors, truth, rate, mode, seed)
                result = audit(vectors, labels, graph=graph, options=AuditOptions(seed=seed))
                found.setdefault("audit", []).append(average_precision_score(wrong, result.p_wrong))
                found.setdefault("count", []).append(
                    average_precision_score(wrong, result.times_wrong / result.times_tested)
                )
                for strength in (1.0, 10.0):
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
                        head = LogisticRegression(C=strength, max_iter=2000)
                        p = cross_val_predict(head, vectors, labels, cv=folds, method="predict_proba")
                    for method in ("self_confidence", "normalized_margin"):
                        score = 1 - rank.get_label_quality_scores(labels, p, method=method)
                        found.setdefault(f"cleanlab C={strength:g} {method}", []).append(
                            average_precision_score(wrong, score)
                        )
            means[rate, mode] = {name: float(np.mean(values)) for name, values in found.items()}
            print(
                f"{rate:.0%} {mode}: " + ", ".join(f"{name} {value:.3f}" for name, value in means[rate, mode].items())
            )
    names = next(iter(means.values()))
    print("mean: " + ", ".join(f"{name} {np.mean([row[name] for row in means.values()]):.3f}" for name in names))
    for setting, row in means.items():
        assert row["audit"] >= max(row.values()) - 0.001, setting
        assert row["audit"] >= 0.97, setting


def test_calibration_on_fifty_plantings(real):
    """Bar: the true errors of the list within the stated interval in 90 % of 50 plantings; realised rate at 10 % up to 12 %."""
    vectors, truth = real
    graph = neighbour_graph(vectors)
    within, rates, totals, shares = [], [], [], []
    for number in range(50):
        rate, mode = RATES[number % 3], MODES[number // 3 % 2]
        labels, wrong = plant(vectors, truth, rate, mode, 100 + number)
        result = audit(vectors, labels, graph=graph, options=AuditOptions(seed=number))
        true = int(wrong[result.order[: result.listed]].sum())
        within.append(result.in_list.low <= true <= result.in_list.high)
        rates.append(1 - true / result.listed if result.listed else 0.0)
        totals.append(result.total.low <= wrong.sum() <= result.total.high)
        shares.append(true / wrong.sum())
    print(
        f"list within its interval {np.mean(within):.0%}, realised rate {np.mean(rates):.1%}, errors found {np.mean(shares):.0%}, "
        f"total within {np.mean(totals):.0%}"
    )
    assert np.mean(within) >= 0.9
    assert np.mean(rates) <= 0.12


def test_hundred_splits_beside_scikit_learn():
    """Bar: 100 splits of 8,500 x 1,280 at least 20 times as fast, rank correlation of the scores at least 0.98."""
    vectors, truth = network_like(8_500)
    labels = plant(vectors, truth, 0.08, "uniform", 0)[0]
    ridge = 1e-3
    plan = plan_splits(labels, 100)
    start = time.perf_counter()
    features = principal_features(vectors)
    held_out = HeldOut.empty(1, len(labels), 22)
    CrossFit(features, labels[None], 22, ridge).run(held_out, [plan], range(100))
    ours = time.perf_counter() - start
    scale = float(features.rows[:, :-1].square().sum(1).mean()) / float(
        np.square(vectors - vectors.mean(0)).sum(1).mean()
    )
    theirs: dict[int, list[float]] = {1: [], torch.get_num_threads(): []}
    margins = np.zeros(len(labels))
    for split in range(5):
        train, test = plan.train(split), plan.test(split)
        for threads, seconds in theirs.items():  # its small products are often quicker on one thread
            with threadpool_limits(threads):
                begun = time.perf_counter()
                head = LogisticRegression(C=scale / (ridge * train.sum()), max_iter=2000).fit(
                    vectors[train], labels[train]
                )
                logs = head.predict_log_proba(vectors[test])
                seconds.append(time.perf_counter() - begun)
        own = logs[np.arange(len(logs)), labels[test]].copy()
        logs[np.arange(len(logs)), labels[test]] = -np.inf
        margins[test] = own - logs.max(1)
    once = HeldOut.empty(1, len(labels), 22)
    CrossFit(features, labels[None], 22, ridge).run(once, [plan], range(5))
    correlation = spearmanr(once.margin[0], margins).statistic
    best = {threads: statistics.median(seconds) for threads, seconds in theirs.items()}
    ratio = 100 * min(best.values()) / ours
    print(
        f"{torch.get_num_threads()} threads: ours {ours:.1f} s ({features.rows.shape[1] - 1} components, {held_out.iterations} iterations), "
        f"theirs {best} s a split by threads: {ratio:.0f} times, Spearman {correlation:.4f}"
    )
    assert correlation >= 0.98
    assert ratio >= 20


def test_cost_is_linear_in_rows():
    """Bar: linear in rows. The time of ten splits at 10,000, 20,000 and 40,000 rows; 600,000 extrapolated."""
    seconds = {}
    for count in (10_000, 20_000, 40_000):
        vectors, labels = network_like(count)
        begun = time.perf_counter()
        features = principal_features(vectors)
        held_out = HeldOut.empty(1, count, 22)
        CrossFit(features, labels[None], 22, 1e-3 * 10_000 / count).run(held_out, [plan_splits(labels, 10)], range(10))
        seconds[count] = time.perf_counter() - begun
    print(
        f"{seconds}; 100 splits of 600,000 rows: about {(seconds[40_000] - seconds[20_000]) / 20_000 * 600_000 * 10 / 60:.0f} min"
    )
    assert seconds[40_000] / seconds[10_000] < 6


def test_a_whole_audit_is_linear_in_rows():
    """Bar: linear in rows, memory bounded. Neighbours aside; twenty splits and all the plantings; 600,000 extrapolated."""
    seconds, memory = {}, {}
    for count in (2_500, 5_000, 10_000):
        vectors, truth = network_like(count)
        labels, wrong = plant(vectors, truth, 0.08, "uniform", 0)
        graph = neighbour_graph(vectors)
        begun = time.process_time()
        result = audit(vectors, labels, graph=graph, options=AuditOptions(splits=20))
        seconds[count] = time.process_time() - begun
        memory[count] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        found = int(wrong[result.order[: result.listed]].sum())
        print(f"{count} rows: list {result.listed}, {found} of {wrong.sum()} wrong labels, expected {result.in_list}")
    slope = (seconds[10_000] - seconds[5_000]) / 5_000
    print(f"processor seconds {seconds}, peak MiB {memory}; 600,000 rows: about {slope * 600_000 / 60:.0f} min")
    assert seconds[10_000] / seconds[2_500] < 5


def test_splits_of_many_rows(monkeypatch):
    """With the whole Hessian, fits of 60,000 rows are as near to the tight optimum as with the shared one, in less time."""
    vectors, truth = network_like(60_000)
    labels, _ = plant(vectors, truth, 0.03, "uniform", 0)
    features, plan = principal_features(vectors), plan_splits(labels, 20)

    def run(many, tolerance=None):
        monkeypatch.setattr("audit.heldout.crossfit.MANY_ROWS", many)
        if tolerance is not None:
            monkeypatch.setattr(
                "audit.heldout.crossfit.fit", lambda *given, **named: fit(*given, **named, tolerance=tolerance)
            )
        heads = CrossFit(features, labels[None], 22, 1e-4 * 4_000 / len(labels))
        held_out = HeldOut.empty(1, len(labels), 22)
        start = time.perf_counter()
        heads.run(held_out, [plan], range(20))
        return held_out, time.perf_counter() - start

    (whole, quick), (shared, slow) = run(50_000), run(10**9)
    exact, _ = run(10**9, 1e-3)
    off = [float(np.abs(one.probabilities - exact.probabilities).max()) for one in (whole, shared)]
    print(f"20 splits: {quick:.1f} s, {whole.iterations} steps; shared {slow:.1f} s, {shared.iterations} steps; off by {off[0]:.2g} and {off[1]:.2g}")  # fmt: skip
    assert whole.iterations < 0.5 * shared.iterations
    assert quick < slow
