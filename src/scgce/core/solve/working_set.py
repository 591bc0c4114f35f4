"""Solve on the few genes that are in play; check the others; add those that would enter (glmnet, celer)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from scgce.core.translations import Translations

from .penalties import Penalty
from .problem import Problem
from .solver import Solution, Stopping, minimise

_SLACK = 1e-3
"""A gene enters if its dual norm exceeds λ by more than this share."""
_LOOSE = 1e-3
_FEW = 10
"""Rounds are solved to this tolerance until at most so many genes want to enter."""


@dataclass(frozen=True)
class State:
    """A solution on its working set of genes."""

    genes: torch.Tensor
    """(A,) int64, ascending."""
    solution: Solution
    lam: float
    complete: bool
    """No gene outside the working set wants to enter."""

    def translations(self, penalty: Penalty, n_genes: int) -> Translations:
        values = penalty.take(self.genes).translations(self.solution.v)
        return Translations(self.genes, values, n_genes).drop_unused()


def full_gradient(problem: Problem, penalty: Penalty, genes: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Gradient of f in δ over all genes, (l, d), at a variable that lives on ``genes``."""
    delta = penalty.take(genes).translations(v)
    _, gradient = problem.value_and_gradient(problem.take(genes).hidden(delta))
    return problem.vjp(gradient)


def zero_state(problem: Problem, penalty: Penalty, stopping: Stopping = Stopping()) -> State:
    """No translation at all, or, with free genes, the best translation of those alone."""
    genes = penalty.free.nonzero().squeeze(1)
    v = problem.start.new_zeros(penalty.n_rows, len(genes))
    if len(genes):
        solution = minimise(problem.take(genes), penalty.take(genes), 0.0, v, stopping=stopping)
    else:
        f = problem.value(torch.zeros_like(problem.start))
        solution = Solution(v, f, f, 0, True, 1.0)
    return State(genes, solution, float("inf"), True)


def lambda_max(problem: Problem, penalty: Penalty) -> float:
    """Smallest λ from which on no priced gene is translated; closed form from the gradient at the origin."""
    state = zero_state(problem, penalty)
    return penalty.lambda_max(full_gradient(problem, penalty, state.genes, state.solution.v))


def _grow(genes: torch.Tensor, v: torch.Tensor, new: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Add genes with zero rows of the variable, keeping the ascending order."""
    merged, order = torch.cat([genes, new]).sort()
    padded = torch.cat([v, v.new_zeros(len(v), len(new))], dim=1)
    return merged, padded[:, order]


def solve(
    problem: Problem,
    penalty: Penalty,
    lam: float,
    state: State,
    *,
    stopping: Stopping = Stopping(),
    max_rounds: int = 30,
) -> State:
    """Minimise at λ over all genes, warm-started from a neighbouring λ's solution.

    Returns
    -------
    The solution on its working set; ``complete`` tells whether every gene outside satisfies its optimality condition.
    """
    genes, solution = state.genes, state.solution
    loose = replace(stopping, tolerance=max(stopping.tolerance, _LOOSE))
    precise = False
    for _ in range(max_rounds):
        dual_norm = penalty.dual_norm(full_gradient(problem, penalty, genes, solution.v))
        dual_norm[genes] = 0.0
        wanting = (dual_norm > lam * (1 + _SLACK)).nonzero().squeeze(1)
        if len(wanting) == 0 and precise:
            return State(genes, solution, lam, True)
        # While genes still enter, precision is wasted; once none does, the last digits may let in a few more.
        precise = precise or loose == stopping or (len(wanting) <= _FEW and state.lam == lam)
        best = wanting[dual_norm[wanting].argsort(descending=True, stable=True)][: max(20, len(genes))]
        genes, v = _grow(genes, solution.v, best)
        if len(genes) == 0:
            return State(genes, solution, lam, True)
        solution = minimise(
            problem.take(genes),
            penalty.take(genes),
            lam,
            v,
            lipschitz=solution.lipschitz,
            stopping=stopping if precise else loose,
        )
        state = State(genes, solution, lam, False)
    return state


def prune(state: State, penalty: Penalty) -> State:
    """Forget genes without a step, so that the working set does not only grow along the path."""
    delta = penalty.take(state.genes).translations(state.solution.v)
    used = (delta != delta[:1]).any(0) | penalty.free[state.genes]
    solution = replace(state.solution, v=state.solution.v[:, used])
    return replace(state, genes=state.genes[used], solution=solution)
