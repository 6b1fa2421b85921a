"""The audit as a whole: it finds planted errors, says how sure it is, and refuses what it cannot use."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

import audit as package
from audit import AuditOptions, audit, audit_probabilities, check_leak
from audit.evidence.scores import EVIDENCE
from embed.errors import InputError
from embed.vectors.graph import neighbour_graph


def study(seed=0, count=300, classes=4, rate=0.08, width=40, spread=0.5):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    vectors = rng.normal(size=(classes, width))[truth] + spread * rng.normal(size=(count, width))
    labels = truth.copy()
    rows = rng.choice(count, round(rate * count), replace=False)
    labels[rows] = (truth[rows] + rng.integers(1, classes, len(rows))) % classes
    return vectors.astype(np.float32), np.array([f"class {n}" for n in labels]), labels != truth, truth


@pytest.fixture(scope="module")
def found():
    vectors, labels, wrong, truth = study(spread=2.0)
    return audit(vectors, labels, options=AuditOptions(splits=40)), wrong, truth


def test_planted_errors_are_found_and_corrected(found):
    result, wrong, truth = found
    assert average_precision_score(wrong, result.p_wrong) > 0.95
    assert average_precision_score(wrong, result.p_wrong) >= average_precision_score(wrong, result.times_wrong) - 1e-9
    assert (result.suggested[wrong] == truth[wrong]).mean() > 0.9
    assert (result.suggested != result.labels).all()


def test_counts_are_honest(found):
    result, wrong, _ = found
    assert result.total.low <= wrong.sum() <= result.total.high
    assert result.in_list.low <= wrong[result.order[: result.listed]].sum() <= result.in_list.high
    assert result.listed > 0.5 * wrong.sum()
    assert result.expected(0).expected == 0
    assert result.expected(300).expected == pytest.approx(result.total.expected, rel=0.01)


def test_what_is_bounded_for_many_rows_is_as_honest(monkeypatch):
    for place in ("procedure", "verdict", "heldout.crossfit"):
        monkeypatch.setattr(f"audit.{place}.MANY_ROWS", 2000)
    vectors, labels, wrong, _ = study(seed=2, count=4000, spread=2.0)
    result = audit(vectors, labels, options=AuditOptions(splits=10))
    assert average_precision_score(wrong, result.p_wrong) > 0.95
    assert result.total.expected == pytest.approx(wrong.sum(), rel=0.08)
    listed = wrong[result.order[: result.listed]]
    assert result.in_list.expected == pytest.approx(listed.sum(), rel=0.08)
    assert 0.5 * result.false_discovery_rate <= 1 - listed.mean() <= 1.5 * result.false_discovery_rate
    assert result.reliability[:, 2].sum() == result.settings["plantings"] * 2000


def test_the_ranking_is_by_probability(found):
    result, _, _ = found
    assert sorted(result.order) == list(range(300))
    assert (np.diff(result.p_wrong[result.order]) <= 0).all()
    assert (result.p_wrong_low <= result.p_wrong).all()
    assert (result.p_wrong <= result.p_wrong_high).all()
    assert ((result.p_wrong_high <= 1) & (result.p_wrong_low >= 0)).all()


def test_the_evidence_names_every_score(found):
    result, _, _ = found
    assert result.evidence["combined"] >= max(result.evidence.values()) - 0.03
    assert set(result.evidence) == {*EVIDENCE, "combined"}
    assert (
        min(result.evidence.values()) > 0.3
    )  # every score is larger for a more doubtful label: one in twelve is wrong
    assert result.settings["gradient norm"] < 0.01
    assert result.curve[-1].splits == result.settings["splits"] <= 40
    assert result.times_tested.min() == result.times_tested.max() == result.settings["splits"] // 5


def test_same_seed_same_numbers_and_the_order_of_rows_does_not_matter():
    vectors, labels, _, _ = study()
    first, again = (audit(vectors, labels, options=AuditOptions(splits=10, ridge=1e-3)) for _ in range(2))
    assert np.array_equal(first.p_wrong, again.p_wrong)
    assert np.array_equal(first.order, again.order)
    turn = np.random.default_rng(1).permutation(300)
    other = audit(vectors[turn], labels[turn], options=AuditOptions(splits=40, ridge=1e-3))
    assert (
        spearmanr(first.p_wrong[turn], other.p_wrong).statistic > 0.85
    )  # other splits, and most rows are equally sure


def test_a_list_longer_than_the_kept_draws_is_counted_whole(monkeypatch):
    vectors, labels, _, _ = study()
    whole = audit(vectors, labels, options=AuditOptions(splits=10, ridge=1e-3))
    monkeypatch.setattr("audit.verdict.KEPT_DRAWS", whole.listed - 3)
    assert audit(vectors, labels, options=AuditOptions(splits=10, ridge=1e-3)).in_list == whole.in_list


def test_it_stops_when_the_ranking_is_stable_unless_all_splits_are_wanted():
    vectors, labels, _, _ = study(spread=0.3)
    assert audit(vectors, labels, options=AuditOptions(splits=200)).settings["splits"] < 200
    assert audit(vectors, labels, options=AuditOptions(splits=60, stop_early=False)).settings["splits"] == 60


def test_duplicates_stay_together_and_random_splits_show_a_smaller_error():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(100, 80))
    vectors = np.concatenate([half, half + 1e-5 * rng.normal(size=half.shape)])
    labels = np.tile(rng.integers(0, 3, 100), 2)  # the labels say nothing, but every row has its twin
    result = audit(vectors, labels, options=AuditOptions(splits=20, ridge=1e-4))
    assert (result.duplicate_of == (np.arange(200) + 100) % 200).all()
    assert result.random_error < 0.4 < result.error


def test_groups_given_are_respected():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 30))
    groups = np.repeat(np.arange(60), 2)
    vectors[1::2] = vectors[::2] + 0.1 * rng.normal(size=(60, 30))
    labels = np.repeat(rng.integers(0, 3, 60), 2)
    assert (
        audit(vectors, labels, groups=groups, options=AuditOptions(splits=20)).error
        > audit(vectors, labels, options=AuditOptions(splits=20)).error + 0.2
    )


def test_a_class_of_one_is_kept_untested_and_named():
    vectors, labels, _, _ = study()
    labels = labels.astype(object)
    labels[5] = "Lone"
    result = audit(vectors, labels, options=AuditOptions(splits=10))
    assert len(result) == 300
    assert result.times_tested[5] == 0
    assert np.isnan([result.p_wrong[5], result.margin[5], result.loss[5]]).all()
    assert result.order[-1] == 5
    assert any("1 glitch could not be tested: their class (Lone)" in note for note in result.notes)


@pytest.mark.parametrize("members", [2, 3, 10])
def test_rare_classes_are_tested_and_said_to_be_rare(members):
    rng = np.random.default_rng(0)
    vectors, labels, _, _ = study(rate=0.0)
    vectors = np.concatenate([vectors, 3 * np.eye(40)[0] + 0.1 * rng.normal(size=(members, 40))])
    labels = np.concatenate([labels, ["Rare"] * members])
    result = audit(vectors, labels, options=AuditOptions(splits=20))
    assert (result.times_tested[-members:] == 4).all()
    assert any(f"rare classes rest on few examples: Rare ({members})" in note for note in result.notes)


def test_time_splits():
    vectors, labels, wrong, _ = study()
    times = np.random.default_rng(0).uniform(0, 1e5, 300)
    result = audit(vectors, labels, times=times, options=AuditOptions(split="time", purge=100.0, splits=20))
    assert average_precision_score(wrong, result.p_wrong) > 0.9
    with pytest.raises(InputError, match="need the glitches' GPS times"):
        audit(vectors, labels, options=AuditOptions(split="time"))


def test_to_cleanlab():
    vectors, labels, wrong, _ = study()
    out = audit(vectors, labels, options=AuditOptions(splits=10)).to_cleanlab()
    assert np.allclose(out["pred_probs"].sum(1), 1)
    graph = out["knn_graph"]
    assert graph.shape == (300, 300)
    row = graph[3]
    assert (np.diff(row.data) >= 0).all()
    assert row.indices.tolist() == neighbour_graph(vectors).neighbours[3].tolist()
    rank = pytest.importorskip("cleanlab.rank")
    quality = rank.get_label_quality_scores(out["labels"], out["pred_probs"])
    assert average_precision_score(wrong, 1 - quality) > 0.9


def external(seed=0):
    rng = np.random.default_rng(seed)
    _, labels, wrong, truth = study(seed)
    logits = rng.normal(size=(300, 4))
    logits[np.arange(300), truth] += 5
    return softmax(logits, axis=1), [f"class {n}" for n in range(4)], labels, wrong


def test_external_probabilities():
    p, columns, labels, wrong = external()
    result = audit_probabilities(p, columns, labels)
    assert average_precision_score(wrong, result.p_wrong) > 0.9
    assert result.total.low <= wrong.sum() <= result.total.high
    assert any("taken as held out" in note for note in result.notes)
    scores = {
        name: value for name, value in result.evidence.items() if name != "neighbour disagreement"
    }  # no graph, no votes
    assert min(scores.values()) > 0.3
    turned = audit_probabilities(p[:, ::-1], columns[::-1], labels)
    assert np.array_equal(turned.p_wrong, result.p_wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, c, y: (p[:, :3], c[:3], y), "no column 'class 3', which is a label"),
        (lambda p, c, y: (p * 1.1, c, y), "300 rows of the probabilities do not sum to 1, the first is row 0 with 1.1"),
        (lambda p, c, y: (np.where(np.arange(300)[:, None] == 7, np.nan, p), c, y), "row 7 of the probabilities"),
        (lambda p, c, y: (p - 0.5, c, y), "no probability"),
        (lambda p, c, y: (p, [*c[:3], c[0]], y), "two columns of the probabilities are called 'class 0'"),
        (lambda p, c, y: (p[:10], c, y), "10 rows of probabilities for 300 labels"),
        (lambda p, c, y: (p, c[:3], y), "for 3 classes"),
    ],
)
def test_bad_probabilities(change, message):
    p, columns, labels, _ = external()
    with pytest.raises(InputError, match=message):
        audit_probabilities(*change(p, columns, labels))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _v, _y: {"labels": ["Blip"] * 300}, "all 300 labels are 'Blip'"),
        (lambda _v, y: {"labels": y[:200]}, "100 vectors have no label"),
        (lambda v, _y: {"vectors": v[:200]}, "100 labels have no vector"),
        (lambda v, _y: {"vectors": np.where(np.arange(300)[:, None] == 9, np.nan, v)}, "NaN"),
        (
            lambda _v, y: {"labels": np.where(np.arange(300) == 4, "", y)},
            "1 of 300 labels are missing, the first in row 4",
        ),
        (lambda _v, y: {"labels": [None, *y[1:]]}, "the first in row 0"),
        (lambda _v, _y: {"ids": ["x", "x", *map(str, range(298))]}, "id 'x' is in 2 rows"),
        (lambda _v, _y: {"ids": ["x"]}, "1 ids for 300 labels"),
        (lambda _v, _y: {"groups": [1, 2]}, "2 groups for 300 labels"),
        (lambda _v, _y: {"options": AuditOptions(rate=0.0)}, "false discovery rate of 0"),
        (lambda _v, _y: {"options": AuditOptions(rate=1.0)}, "false discovery rate of 1"),
        (lambda _v, _y: {"options": AuditOptions(splits=3)}, "3 splits are fewer"),
        (lambda _v, _y: {"labels": [str(n) for n in range(300)]}, "no class has two glitches"),
        (lambda _v, _y: {"vectors": np.ones((300, 4))}, "all 300 vectors are the same"),
        (lambda v, _y: {"graph": neighbour_graph(v[:50])}, "graph has 50 rows for 300 labels"),
    ],
)
def test_bad_input(change, message):
    vectors, labels, _, _ = study()
    with pytest.raises(InputError, match=message):
        audit(**({"vectors": vectors, "labels": labels, "options": AuditOptions(splits=10)} | change(vectors, labels)))


def test_leak_guard():
    assert "saw none" in check_leak({"weights": "bundled"})
    assert "saw none" in check_leak({"weights": "/some/own.pt", "trained_on": ""})
    with pytest.raises(InputError, match="may have been fine-tuned on these very labels"):
        check_leak({"weights": "/some/own.pt"})
    with pytest.raises(InputError, match="was fine-tuned on study 3f"):
        check_leak({"weights": "own.safetensors", "trained_on": "study 3f"})
    assert "trusted all the same" in check_leak({"weights": "/some/own.pt"}, trust_vectors=True)


def test_the_package_says_what_it_has():
    assert set(package.__all__) >= {"audit", "audit_probabilities", "AuditOptions", "AuditResult", "check_leak"}
    assert all(getattr(package, name).__name__ == name for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'aduit'"):
        _ = package.aduit
