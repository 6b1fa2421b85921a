"""Multinomial logistic regression, fitted for many train/test splits at once as one batched problem in torch.

All problems share the rows; they differ in which rows they train on, in their labels (where errors are planted) and in
the strength of the ridge. One matrix product serves them all. The rows are principal components, and L-BFGS is
preconditioned by one Hessian for all problems: that of the fit to all rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch

from embed.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.heldout.features import Features

TOLERANCE = 0.03
"""A fit ends when its gradient's norm is this share of ``lambda |W|``. The objective is strongly convex with constant lambda,
so the distance of the weights to the optimum is then at most this share of their norm. A looser fit would depend on its
start, which was fitted to the held-out labels too."""
CONSTANT_RIDGE = 0.01
"""Penalty of the constant column, as a share of the others': small, but it keeps the column finite where a split trains on no
member of a class."""
MAX_ITERATIONS = 1000
_MEMORY = 8
"""Pairs that L-BFGS keeps."""
_ARMIJO = 1e-4
_ROUNDING = 2e-7
"""Gradient norm that float32 cannot distinguish from zero."""
_SHORTEST_STEP = 2.0**-20
_BLOCK_VALUES = 1 << 22
"""Logits held in memory together."""
_HESSIAN_ROWS, _WHOLE_ROWS = 20_000, 10_000
"""Rows that the shared Hessian and the whole one are computed from at most."""


@dataclass(frozen=True)
class Problems:
    """The input of P fits.

    Attributes
    ----------
    labels : Tensor of int64, shape (L, N)
        Labellings, 0 to K - 1.
    labelling : Tensor of int64, shape (P,)
        The labelling of each problem.
    weights : Tensor of float32, shape (P, N)
        Weight of each row in the fit, 0 for a held-out row; each problem's sum is positive.
    ridge : Tensor of float32, shape (P,)
        lambda of ``mean loss + lambda / 2 |W|^2``; for the constant column lambda times `CONSTANT_RIDGE`.
    classes : int
        K.
    """

    labels: torch.Tensor
    labelling: torch.Tensor
    weights: torch.Tensor
    ridge: torch.Tensor
    classes: int

    def __len__(self) -> int:
        return len(self.ridge)

    def only(self, chosen: torch.Tensor) -> Problems:
        """Return some of the problems."""
        return Problems(self.labels, self.labelling[chosen], self.weights[chosen], self.ridge[chosen], self.classes)


@dataclass(frozen=True)
class Heads:
    """Fitted heads.

    Attributes
    ----------
    weights : Tensor of float32, shape (P, d + 1, K)
    gradient_norms : Tensor of float32, shape (P,)
    iterations : int
        Of the longest problem.
    """

    weights: torch.Tensor
    gradient_norms: torch.Tensor
    iterations: int


def objective(rows: torch.Tensor, problems: Problems, weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each problem's objective, shape (P,), float64, and gradient, shape (P, d + 1, K).

    ``sum_i w_i (-log softmax(x_i W)_{y_i}) / sum_i w_i + lambda / 2 |W|^2``, with the smaller penalty of `CONSTANT_RIDGE` on the last row of W.
    """
    count, classes, width = len(problems), problems.classes, rows.shape[1]
    flat = weights.permute(1, 0, 2).reshape(width, count * classes)
    share = problems.weights / problems.weights.sum(1, keepdim=True)
    loss = torch.zeros(count, dtype=torch.float64, device=rows.device)
    gradient = torch.zeros_like(flat)
    step = max(1, _BLOCK_VALUES // (count * classes))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        logits = (block @ flat).view(len(block), count, classes)
        given = problems.labels[:, start : start + step].T[:, problems.labelling].unsqueeze(2)  # (B, P, 1)
        weight = share[:, start : start + step].T.unsqueeze(2)
        largest = logits.amax(2, keepdim=True)
        logits -= largest
        own = logits.gather(2, given)
        logits.exp_()
        total = logits.sum(2, keepdim=True)
        loss += ((total.log() - own) * weight).sum((0, 2), dtype=torch.float64)
        logits *= weight / total
        logits.scatter_add_(2, given, -weight)
        gradient.addmm_(block.T, logits.view(len(block), -1))
    penalised = weights.clone()
    penalised[:, -1] *= CONSTANT_RIDGE
    loss += 0.5 * problems.ridge * (penalised * weights).sum((1, 2))
    return loss, gradient.view(width, count, classes).permute(1, 0, 2) + problems.ridge[:, None, None] * penalised


def diagonal_preconditioner(
    features: Features, problems: Problems
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Divide by the Hessian's diagonal at zero weights: ``(1 - 1/K)/K`` of each column's variance, plus the ridge."""
    evenly = (1 - 1 / problems.classes) / problems.classes
    curvature = evenly * features.variances + problems.ridge[:, None]
    curvature[:, -1] = evenly + CONSTANT_RIDGE * problems.ridge
    return lambda gradient, chosen: gradient / curvature[chosen].unsqueeze(2)


def shared_preconditioner(
    features: Features, weights: torch.Tensor, ridge: float
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Solve with the Hessian of a fit to all rows, approximated by one matrix times a factor for each class.

    Boehning (1992) bounds the Hessian with p = 1/2 throughout; here p is the fit's probability, averaged over the classes. One
    eigendecomposition serves all classes, all splits and all planted labellings.

    Parameters
    ----------
    features : Features
    weights : Tensor, shape (d + 1, K)
        The fit to all rows.
    ridge : float
    """
    stride = max(1, math.ceil(len(features.rows) / _HESSIAN_ROWS))
    rows = features.rows[::stride]
    probabilities = torch.softmax(rows @ weights, 1)
    variance = probabilities * (1 - probabilities)  # (n, K)
    of_row, of_class = variance.mean(1, keepdim=True), variance.mean(0)
    hessian = rows.T @ (rows * of_row) / len(rows)
    values, axes = torch.linalg.eigh(hessian)
    factor = of_class / of_class.mean().clamp_min(1e-12)
    curvature = values.clamp_min(0)[:, None] * factor + ridge  # (d + 1, K)

    def solve(gradient: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:  # noqa: ARG001 - the same for all problems
        return axes @ (axes.T @ gradient / curvature)

    return solve


def whole_preconditioner(
    features: Features, weights: torch.Tensor, ridge: float
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Solve with the whole Hessian of a fit to all rows, estimated on `_WHOLE_ROWS` of them: fits then take a few steps, which is worth its time where rows are many.

    Its blocks are ``H_kl = sum_i x_i x_i^T p_ik (delta_kl - p_il) / n`` (Boehning 1992), and the ridge.

    Parameters
    ----------
    features, weights, ridge
        See `shared_preconditioner`.
    """
    width, classes = weights.shape
    rows = features.rows[:: max(1, math.ceil(len(features.rows) / _WHOLE_ROWS))]
    probabilities = torch.softmax(rows @ weights, 1)
    hessian = torch.empty((classes, width, classes, width), dtype=torch.float64, device=rows.device)
    for one in range(classes):
        for other in range(one, classes):
            factor = probabilities[:, one] * (float(one == other) - probabilities[:, other])
            block = (rows.T @ (rows * factor[:, None]) / len(rows)).double()
            hessian[one, :, other], hessian[other, :, one] = block, block.T
    flat = hessian.view(classes * width, classes * width)
    penalty = torch.full((classes, width), ridge, dtype=torch.float64, device=rows.device)
    penalty[:, -1] *= CONSTANT_RIDGE
    flat.diagonal().add_(penalty.flatten())
    triangle = torch.linalg.cholesky(flat)

    def solve(gradient: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:  # noqa: ARG001 - the same for all problems
        right = gradient.permute(2, 1, 0).reshape(classes * width, -1).double()
        return torch.cholesky_solve(right, triangle).view(classes, width, -1).permute(2, 1, 0).to(gradient.dtype)

    return solve


def fit(
    features: Features,
    problems: Problems,
    start: torch.Tensor,
    precondition: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    *,
    tolerance: float = TOLERANCE,
    enough: float = 0.0,
    max_iterations: int = MAX_ITERATIONS,
) -> Heads:
    """Minimise every problem's `objective` by preconditioned L-BFGS (Nocedal and Wright 2006, algorithm 7.4).

    Each problem has its own step length, halved until Armijo's condition holds, and leaves the batch when it has converged.

    Parameters
    ----------
    features : Features
    problems : Problems
    start : Tensor, shape (P, d + 1, K)
    precondition : callable
        Maps gradients (p, d + 1, K) of the chosen problems (p,) to steps.
    tolerance : float
        See `TOLERANCE`.
    enough : float
        A fit also ends when it is nearer to its optimum than this share of its statistical error: when the excess of the objective,
        ``g H^-1 g / 2`` by the preconditioner, is less than ``enough^2`` times the excess that n rows leave in W's entries,
        ``(d + 1) K / (2 n)`` (Wilks 1938). 0: never. For a preconditioner that is near the Hessian.
    max_iterations : int

    Raises
    ------
    InputError
        When a fit does not converge.
    """
    done = start.clone()
    norms = torch.empty(len(problems), device=start.device)
    chosen = torch.arange(len(problems), device=start.device)
    now = start.clone()
    loss, gradient = objective(features.rows, problems, now)
    steps: list[torch.Tensor] = []
    changes: list[torch.Tensor] = []
    active = problems
    trained = problems.weights.sum(1)
    for iteration in range(max_iterations + 1):
        norm = gradient.flatten(1).norm(dim=1)
        going = norm > torch.clamp(tolerance * active.ridge * now[:, :-1].flatten(1).norm(dim=1), min=_ROUNDING)
        if enough:  # costs a step's preconditioning once more
            error = gradient[0].numel() / trained[chosen]
            going &= (gradient * precondition(gradient, chosen)).sum((1, 2)) > enough**2 * error
        if not going.all():
            finished = ~going
            done[chosen[finished]], norms[chosen[finished]] = now[finished], norm[finished]
            chosen, now, loss, gradient = chosen[going], now[going], loss[going], gradient[going]
            steps, changes = [step[going] for step in steps], [change[going] for change in changes]
            active = active.only(going)
            if not len(chosen):
                return Heads(done, norms, iteration)
        direction = -_two_loops(gradient, steps, changes, partial(_of, precondition, chosen))
        slope = (direction * gradient).sum((1, 2))
        uphill = slope >= 0  # lost in rounding: restart from the preconditioned gradient
        if uphill.any():
            direction[uphill] = -precondition(gradient[uphill], chosen[uphill])
            slope = (direction * gradient).sum((1, 2))
        now, loss, new_gradient, step = _line_search(features.rows, active, now, loss, direction=direction, slope=slope)
        steps.append(step)
        changes.append(new_gradient - gradient)
        gradient = new_gradient
        if len(steps) > _MEMORY:
            del steps[0], changes[0]
    worst = float(gradient.flatten(1).norm(dim=1).max())
    raise InputError(
        f"{len(chosen)} of {len(problems)} heads have gradient norm {worst:.2g} after {max_iterations} iterations, not within {tolerance:g} of the optimum; give a stronger ridge or scale the vectors"
    )


def _of(
    precondition: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], chosen: torch.Tensor, vector: torch.Tensor
) -> torch.Tensor:
    return precondition(vector, chosen)


def _two_loops(
    gradient: torch.Tensor,
    steps: list[torch.Tensor],
    changes: list[torch.Tensor],
    precondition: Callable[[torch.Tensor], torch.Tensor],
) -> torch.Tensor:
    """Apply the inverse Hessian of L-BFGS; pairs without positive curvature are ignored."""
    vector = gradient.clone()
    rates, parts = [], []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        curvature = (step * change).sum((1, 2))
        rate = torch.where(curvature > 1e-12 * change.square().sum((1, 2)), 1 / curvature, 0.0)
        part = rate * (step * vector).sum((1, 2))
        vector -= part[:, None, None] * change
        rates.append(rate)
        parts.append(part)
    vector = precondition(vector)
    if steps:
        turned = precondition(changes[-1])
        scale = (steps[-1] * changes[-1]).sum((1, 2)) / (changes[-1] * turned).sum((1, 2))
        vector *= torch.where(torch.isfinite(scale) & (scale > 0), scale, 1.0)[:, None, None]
    for step, change, rate, part in zip(steps, changes, reversed(rates), reversed(parts), strict=True):
        back = rate * (change * vector).sum((1, 2))
        vector += (part - back)[:, None, None] * step
    return vector


def _line_search(
    rows: torch.Tensor,
    problems: Problems,
    now: torch.Tensor,
    loss: torch.Tensor,
    *,
    direction: torch.Tensor,
    slope: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Halve each problem's step until the loss falls enough; return the new weights, loss, gradient and step."""
    length = torch.ones(len(problems), device=now.device)
    trial = now + direction
    value, slopes = objective(rows, problems, trial)
    while True:
        allowed = loss + _ARMIJO * length * slope + 1e-7 * loss.abs()  # the precision of float32
        failing = torch.nonzero((~(value <= allowed)) & (length > _SHORTEST_STEP)).squeeze(1)
        if not len(failing):
            return trial, value, slopes, trial - now
        length[failing] /= 2
        trial[failing] = now[failing] + length[failing, None, None] * direction[failing]
        value[failing], slopes[failing] = objective(rows, problems.only(failing), trial[failing])
