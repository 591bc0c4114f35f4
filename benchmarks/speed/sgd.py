"""The paper's optimiser, written after its Algorithms 1-3: one ordered pair per step, the gradient split in halves.

Only what the paper states: the learning rate is its alpha, convergence is left open there, so it runs for a budget.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from scgce.core.solve.penalties import Penalty
from scgce.core.solve.problem import Problem


@dataclass(frozen=True)
class Trace:
    """Objective over all ordered pairs at some moments of a run."""

    seconds: list[float]
    objective: list[float]

    @property
    def lowest(self) -> float:
        """The lowest objective; inf if there is none."""
        return min(self.objective, default=float("inf"))

    def time_to(self, target: float) -> float:
        """Seconds until the objective was at most the target; inf if never."""
        return next((s for s, f in zip(self.seconds, self.objective, strict=True) if f <= target), float("inf"))


def descend(
    problem: Problem, penalty: Penalty, lam: float, *, rate: float, budget: float, seed: int = 0, every: int = 200
) -> Trace:
    """Run for ``budget`` seconds of descent; evaluating the objective does not count."""
    if problem.weights is None:
        raise ValueError("the encoder has no first linear map")
    weights, n_groups = problem.weights, problem.n_groups
    generator = torch.Generator().manual_seed(seed)
    basis = torch.zeros(n_groups, problem.n_genes, dtype=torch.float64)  # row 0, the reference, stays 0
    trace = Trace([], [])
    spent, step = 0.0, 0
    while spent < budget:
        start = time.perf_counter()
        for _ in range(every):
            i, j = torch.randperm(n_groups, generator=generator)[:2].tolist()
            delta = basis[j] - basis[i]
            hidden = (problem.start[i] + delta @ weights).requires_grad_(True)
            loss = (problem.tail(hidden[None])[0] - problem.targets[j]).square().sum()
            (inner,) = torch.autograd.grad(loss, hidden)
            gradient = weights @ inner + lam * delta.sign()
            share = 1.0 if 0 in (i, j) else 0.5
            if j != 0:
                basis[j] -= share * rate * gradient
            if i != 0:
                basis[i] += share * rate * gradient
            step += 1
        spent += time.perf_counter() - start
        objective = problem.value(problem.hidden(basis)) + lam * penalty.value(basis)
        if not torch.isfinite(basis).all():
            break
        trace.seconds.append(spent)
        trace.objective.append(objective)
    return trace
