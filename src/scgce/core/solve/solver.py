"""Monotone accelerated proximal gradient with backtracking and restart; it knows the penalty by its contract alone.

Beck & Teboulle 2009 (acceleration, backtracking); Li & Lin 2015 (monotone form for non-convex smooth parts);
O'Donoghue & Candès 2015 (restart). Steps are scaled per gene, which the penalties allow: they are separable over genes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .penalties import Penalty
from .problem import Problem


@dataclass(frozen=True)
class Solution:
    """A stationary point of ``f + lam * penalty`` on some genes."""

    v: torch.Tensor
    """The penalty's variable (n_rows, A)."""
    objective: float
    smooth: float
    n_iterations: int
    converged: bool
    lipschitz: float
    """Last curvature estimate, a warm start for the next λ."""


@dataclass(frozen=True)
class Stopping:
    """Stop when both the decrease of the objective and the prox-gradient step are small, relative to the start."""

    tolerance: float = 1e-6
    max_iterations: int = 2000


_QUIET = 6
"""Iterations in a row without progress: acceleration needs a few before it shows."""


class _Descent:
    """The objective with its calls shared by the steps of one minimisation."""

    def __init__(self, problem: Problem, penalty: Penalty, lam: float) -> None:
        self.problem, self.penalty, self.lam = problem, penalty, lam
        norms = problem.column_norms()
        typical = norms[norms > 0].mean() if bool((norms > 0).any()) else norms.new_ones(())
        # A gene that hardly moves the hidden layer may take longer steps; the floor keeps them bounded.
        self.scale = 1.0 / norms.clamp(min=1e-3 * float(typical))

    def smooth(self, v: torch.Tensor) -> float:
        return self.problem.value(self.problem.hidden(self.penalty.translations(v)))

    def smooth_and_gradient(self, v: torch.Tensor) -> tuple[float, torch.Tensor]:
        f, gradient = self.problem.value_and_gradient(self.problem.hidden(self.penalty.translations(v)))
        return f, self.penalty.vjp(self.problem.vjp(gradient))

    def total(self, f: float, v: torch.Tensor) -> float:
        return f + self.lam * self.penalty.value(v)

    def step(self, y: torch.Tensor, lipschitz: float) -> tuple[torch.Tensor, float, float]:
        """One prox-gradient step from y with backtracking: the new point, f there, the curvature used."""
        f, gradient = self.smooth_and_gradient(y)
        while True:
            step = self.scale / lipschitz
            new = self.penalty.prox(y - gradient * step, step, self.lam)
            move = new - y
            f_new = self.smooth(new)
            square = float((move.square() / self.scale).sum())
            model = f + float((gradient * move).sum()) + 0.5 * lipschitz * square
            # The slack is the rounding error of f: near a minimum the model's decrease drowns in it.
            if f_new <= model + 1e-12 * max(abs(f), abs(f_new)) or square == 0.0 or lipschitz > 1e30:
                return new, f_new, lipschitz
            lipschitz *= 2.0

    def length(self, move: torch.Tensor) -> float:
        return float((move.square() / self.scale).sum().sqrt())


def minimise(
    problem: Problem,
    penalty: Penalty,
    lam: float,
    v: torch.Tensor,
    *,
    lipschitz: float = 1.0,
    stopping: Stopping = Stopping(),
) -> Solution:
    """Minimise ``f(δ) + lam * penalty`` over the genes of both, from ``v``; the objective never increases.

    Parameters
    ----------
    problem, penalty
        Of the same A genes.
    lam
        λ on the scale of Eq. 9.
    v
        Feasible start, (n_rows, A) float64.
    lipschitz
        First guess of the curvature; corrected by backtracking.
    stopping
        Tolerance and bound on the iterations.
    """
    descent = _Descent(problem, penalty, lam)
    f = descent.smooth(v)
    objective, start = descent.total(f, v), None
    y, momentum, from_best = v, 1.0, True
    quiet = 0
    for iteration in range(1, stopping.max_iterations + 1):
        new, f_new, lipschitz = descent.step(y, lipschitz)
        size = descent.length(new - y) * lipschitz**0.5
        if start is None:
            start = max(size, 1e-300)
        candidate = descent.total(f_new, new)
        if candidate > objective and not from_best:
            y, momentum, from_best = v, 1.0, True
            continue
        decrease = objective - candidate
        if candidate > objective:
            new, f_new, candidate = v, f, objective
        small_step = size <= stopping.tolerance**0.5 * max(start, candidate**0.5)
        quiet = quiet + 1 if decrease <= stopping.tolerance * max(candidate, 1e-300) and small_step else 0
        turned = float(((y - new) * (new - v)).sum()) > 0
        next_momentum = 1.0 if turned else 0.5 * (1 + (1 + 4 * momentum**2) ** 0.5)
        y = new if turned else new + (momentum - 1) / next_momentum * (new - v)
        v, f, objective, momentum, from_best = new, f_new, candidate, next_momentum, turned
        lipschitz *= 0.9
        if quiet >= _QUIET:
            return Solution(v, objective, f, iteration, True, lipschitz)
    return Solution(v, objective, f, stopping.max_iterations, False, lipschitz)
