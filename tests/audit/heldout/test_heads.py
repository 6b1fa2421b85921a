"""The batched heads against scikit-learn, and held-out predictions that remember nothing of what was held out."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from audit.heldout.crossfit import CrossFit, HeldOut
from audit.heldout.features import principal_features
from audit.heldout.heads import (
    CONSTANT_RIDGE,
    Problems,
    diagonal_preconditioner,
    fit,
    objective,
    shared_preconditioner,
    whole_preconditioner,
)
from audit.heldout.splits import plan_splits
from embed.errors import InputError


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 240)
    return (rng.normal(size=(4, 30))[truth] + rng.normal(size=(240, 30))).astype(np.float32), truth


def problems_of(labels, ridges, weights):
    ridge = torch.tensor(ridges, dtype=torch.float32)
    which = torch.zeros(len(ridges), dtype=torch.long)
    return Problems(torch.from_numpy(labels)[None], which, torch.from_numpy(weights.astype(np.float32)), ridge, 4)


def test_the_gradient_is_that_of_the_objective(blobs):
    vectors, truth = blobs
    rows = principal_features(vectors).rows
    weights = torch.randn(2, rows.shape[1], 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    held = np.random.default_rng(1).random((2, 240)) > 0.3
    problems = problems_of(truth, [0.1, 0.01], held)
    _, gradient = objective(rows, problems, weights.detach())
    logs = torch.log_softmax(torch.einsum("nd,pdk->pnk", rows, weights), 2)[
        :, torch.arange(240), torch.from_numpy(truth)
    ]
    shrunk = weights.square().sum(2)
    shrunk = shrunk[:, :-1].sum(1) + CONSTANT_RIDGE * shrunk[:, -1]
    loss = -(logs * problems.weights).sum(1) / problems.weights.sum(1) + problems.ridge / 2 * shrunk
    assert torch.allclose(objective(rows, problems, weights.detach())[0].float(), loss, rtol=1e-5)
    assert torch.allclose(torch.autograd.grad(loss.sum(), weights)[0], gradient, atol=1e-5)


@pytest.mark.parametrize("shared", [False, True])
def test_every_problem_of_a_batch_is_scikit_learns_answer(blobs, shared):
    vectors, truth = blobs
    features = principal_features(vectors)
    rng = np.random.default_rng(1)
    held = rng.random((5, 240)) > 0.3
    ridges = [0.1, 0.03, 0.01, 0.003, 0.001]
    problems = problems_of(truth, ridges, held)
    start = torch.zeros(5, features.rows.shape[1], 4)
    precondition = (
        shared_preconditioner(features, start[0], 0.01) if shared else diagonal_preconditioner(features, problems)
    )
    heads = fit(features, problems, start, precondition, tolerance=1e-3)
    for number, ridge in enumerate(ridges):
        train = held[number]
        rows = features.rows[:, :-1].double().numpy()
        theirs = LogisticRegression(C=1 / (ridge * train.sum()), tol=1e-8, max_iter=5000).fit(rows[train], truth[train])
        ours = torch.log_softmax(features.rows @ heads.weights[number], 1).numpy()
        assert np.abs(ours - theirs.predict_log_proba(rows)).max() < 0.02


def test_a_fit_of_many_rows_ends_within_a_share_of_its_statistical_error():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 4000)
    features = principal_features(
        (rng.normal(size=(4, 30))[truth] + 2 * rng.normal(size=(4000, 30))).astype(np.float32)
    )
    problems = problems_of(truth, [1e-6, 1e-6], (rng.random((2, 4000)) > 0.2).astype(float))
    start = torch.zeros(2, features.rows.shape[1], 4)
    whole = fit(features, problems, start, diagonal_preconditioner(features, problems)).weights[0]
    precondition = shared_preconditioner(features, whole, 1e-6)
    exact, near = (fit(features, problems, start, precondition, enough=share) for share in (0.0, 0.1))
    best, reached = (objective(features.rows, problems, heads.weights)[0] for heads in (exact, near))
    error = start[0].numel() / problems.weights.sum(1) / 2
    assert near.iterations < 0.7 * exact.iterations
    assert (reached - best < 0.1**2 * 2 * error).all()  # the preconditioner is not the Hessian itself
    assert (reached - best > 0.1**2 * error / 100).all()


def test_the_whole_hessian_is_that_of_the_objective(blobs):
    vectors, truth = blobs
    features = principal_features(vectors)
    problems = problems_of(truth, [0.01], np.ones((1, 240)))
    weights = torch.randn(1, features.rows.shape[1], 4, generator=torch.Generator().manual_seed(0))

    def loss(flat):
        logs = torch.log_softmax(features.rows.double() @ flat.view(-1, 4), 1)
        penalty = torch.full((len(flat) // 4, 4), 0.01, dtype=torch.float64)
        penalty[-1] *= CONSTANT_RIDGE
        return -logs[torch.arange(240), problems.labels[0]].mean() + 0.5 * (penalty.flatten() * flat.square()).sum()

    hessian = torch.autograd.functional.hessian(loss, weights[0].double().flatten())
    gradient = torch.randn(2, *weights.shape[1:], generator=torch.Generator().manual_seed(1))
    solve = whole_preconditioner(features, weights[0], 0.01)
    solved = (
        solve(gradient, torch.arange(2)).double().flatten(1)
    )  # large where the ridge alone holds it, and rounded there
    assert torch.allclose(solved @ hessian, gradient.double().flatten(1), atol=2e-3)


def test_a_strict_limit_is_an_error(blobs):
    features = principal_features(blobs[0])
    problems = problems_of(blobs[1], [1e-4], np.ones((1, 240)))
    start = torch.zeros(1, features.rows.shape[1], 4)
    with pytest.raises(InputError, match=r"1 of 1 heads have gradient norm .* after 2 iterations"):
        fit(features, problems, start, diagonal_preconditioner(features, problems), max_iterations=2)


def test_features_keep_distances_and_drop_nothing_that_matters(blobs):
    vectors = blobs[0]
    features = principal_features(vectors, kept=1.0)
    rows = features.rows[:, :-1].numpy()
    ours = np.linalg.norm(rows[:, None] - rows, axis=2)
    theirs = np.linalg.norm(vectors[:, None] - vectors, axis=2)
    ratio = ours[ours > 0] / theirs[ours > 0]
    assert ratio.std() / ratio.mean() < 1e-4
    assert np.square(rows).sum(1).mean() == pytest.approx(1, rel=1e-4)
    wide = principal_features(np.concatenate([vectors, np.zeros((240, 400), np.float32)], 1), kept=1.0)
    assert np.allclose(np.abs(wide.rows.numpy()), np.abs(features.rows.numpy()), atol=1e-3)


def test_equal_vectors_are_refused():
    with pytest.raises(InputError, match="all 7 vectors are the same"):
        principal_features(np.ones((7, 3), np.float32))


@pytest.mark.parametrize(("count", "many"), [(240, 100_000), (4000, 1000)])
def test_held_out_predictions_know_nothing_of_the_labels_held_out(count, many, monkeypatch):
    """Fits begin from a fit to all rows; flipping only the tested rows' labels must not change what is said of them."""
    monkeypatch.setattr("audit.heldout.crossfit.MANY_ROWS", many)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, count)
    features = principal_features(rng.normal(size=(4, 30))[truth] + 2 * rng.normal(size=(count, 30)))
    plan = plan_splits(truth, 5)
    tested = plan.test(0)
    flipped = truth.copy()
    flipped[tested] = (flipped[tested] + 1) % 4
    said = []
    for labels in (truth, flipped):
        held_out = HeldOut.empty(1, count, 4)
        CrossFit(features, labels[None], 4, 0.24 / count).run(held_out, [plan], range(1))
        said.append(held_out.probabilities[0, tested])
    assert np.abs(said[0] - said[1]).max() < 0.01


def test_batches_and_labellings_do_not_matter(blobs, monkeypatch):
    vectors, truth = blobs
    features = principal_features(vectors)
    labels = np.stack([truth, np.roll(truth, 3)])
    plans = [plan_splits(each, 10, seed=number) for number, each in enumerate(labels)]
    together = HeldOut.empty(2, 240, 4)
    CrossFit(features, labels, 4, 0.01).run(together, plans, range(10))
    monkeypatch.setattr("audit.heldout.crossfit.BATCH_BYTES", 1)
    for number in range(2):
        alone = HeldOut.empty(1, 240, 4)
        CrossFit(features, labels[number : number + 1], 4, 0.01).run(alone, plans[number : number + 1], range(10))
        assert np.abs(alone.probabilities[0] - together.probabilities[number]).max() < 0.05
        assert (alone.tested[0] == together.tested[number]).all()


def test_sums_are_those_of_the_predictions(blobs):
    vectors, truth = blobs
    held_out = HeldOut.empty(1, 240, 4)
    CrossFit(principal_features(vectors), truth[None], 4, 0.01).run(held_out, [plan_splits(truth, 5)], range(5))
    logs = np.log(held_out.probabilities[0].astype(float))
    own = logs[np.arange(240), truth]
    logs[np.arange(240), truth] = -np.inf
    assert np.allclose(held_out.margin[0], own - logs.max(1), atol=1e-4)
    assert np.allclose(held_out.loss[0], -own, atol=1e-4)
    assert (held_out.wrong[0] == (own < logs.max(1))).all()
    assert (held_out.tested == 1).all()
    assert held_out.standardised.sum() == pytest.approx(0, abs=1e-6)


def test_a_class_that_a_split_has_not_seen_is_not_tested_there():
    rng = np.random.default_rng(0)
    labels = np.array([0] * 30 + [1] * 30 + [2, 2])
    times = np.concatenate([np.arange(60.0), [30.1, 30.2]])
    vectors = rng.normal(size=(62, 5)).astype(np.float32) + labels[:, None]
    plan = plan_splits(labels, 5, kind="time", times=times, purge=1.0)
    held_out = HeldOut.empty(1, 62, 3)
    CrossFit(principal_features(vectors), labels[None], 3, 0.01).run(held_out, [plan], range(5))
    assert held_out.tested[0, 60:].tolist() == [0, 0]
    assert (held_out.tested[0, :60] == 1).all()
