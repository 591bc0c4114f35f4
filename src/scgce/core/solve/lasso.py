"""Independent explanations of every pair: Eq. 9 minimised for one pair at a time, without consistency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta, support
from scgce.core.linked import as_tensor
from scgce.core.pairs import listed
from scgce.core.translations import Translations

from .penalties import L1
from .problem import MAX_GRID, Problem
from .solver import Solution, Stopping
from .working_set import State, lambda_max, solve, zero_state

PRECISE = Stopping(tolerance=1e-12, max_iterations=2000)


@dataclass(frozen=True)
class OwnPairs(Problem):
    """``f(δ) = mean over pairs p of ||tail(start_p + δ_p W) - target_p||²``: a row of everything for every pair."""

    @property
    def n_pairs(self) -> int:
        return len(self.start)

    def _inputs(self, hidden: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """By blocks of pairs: their numbers and inputs (s, 1, h)."""
        n_pairs, width = self.start.shape
        height = max(1, MAX_GRID // width)
        for low in range(0, n_pairs, height):
            rows = slice(low, min(low + height, n_pairs))
            yield rows, (self.start[rows] + hidden[rows])[:, None, :]

    def _residual(self, rows: slice, moved: Tensor) -> Tensor:
        return (moved - self.targets[rows])[:, None, :]

    def value_and_gradient(self, hidden: Tensor) -> tuple[float, Tensor]:
        gradient, total = torch.empty_like(hidden), 0.0
        for rows, inputs in self._inputs(hidden.detach()):
            value, gradient[rows] = self._pairs(rows, inputs.flatten(0, 1))
            total += value
        return total / self.n_pairs, gradient / self.n_pairs


@dataclass(frozen=True)
class PairLasso:
    """Minimisers of ‖r(x̄_i + δ) − r̄_j‖² + λ Σ_g c_g |δ_g|, one for each pair.

    Attributes
    ----------
    deltas
        ``deltas[i, j]``: support and amounts of i → j.
    objective
        Float64 (l, l), NaN where a pair was not asked for.
    converged
        Whether the tolerance was met.
    state
        From where the solution at another λ is near.
    """

    deltas: dict[tuple[int, int], SparseDelta]
    objective: np.ndarray
    converged: bool
    state: State

    def __call__(self, i: int, j: int) -> SparseDelta:
        """Look up the explanation of i → j."""
        return self.deltas[i, j]


def lasso_pairs(
    problem: Problem,
    lam: float,
    pairs: Iterable[tuple[int, int]] | None = None,
    *,
    costs: Tensor | None = None,
    stopping: Stopping = PRECISE,
    start: State | Translations | None = None,
) -> PairLasso:
    """Explain each ordered pair on its own: the term of Eq. 9 for that pair, λ on the same scale.

    The pairs share the working set and the step size of the common solver, nothing else: their objectives add up.
    With a non-linear encoder it finds a stationary point, by default from δ = 0.

    Parameters
    ----------
    problem
        Groups' means, targets and encoder.
    lam
        λ > 0.
    pairs
        Ordered pairs (i, j), i ≠ j; all by default.
    costs
        Price c_g of each gene, shape (A,); inf forbids a gene; 1 by default.
    stopping
        Tolerance and most iterations for one working set.
    start
        State of the solution for the same pairs at a neighbouring λ, or a consistent solution to begin from.

    Raises
    ------
    ValueError
        If λ is not positive and finite.
    """
    if not 0 < lam < float("inf"):
        raise ValueError(f"lam={lam} is out of range; accepted: a finite number above 0")
    n_groups = problem.n_groups
    wanted = listed(n_groups) if pairs is None else [(i, j) for i, j in pairs if i != j]
    own, penalty = _apart(problem, wanted, costs)
    if start is None:
        start = zero_state(own, penalty)
    elif isinstance(start, Translations):
        start = _consistent(start, wanted, lam)
    state = solve(own, penalty, lam, start, stopping=stopping)
    delta, genes = state.solution.v, state.genes
    residual = own.take(genes).residuals(own.take(genes).hidden(delta))
    values = residual.square().sum((1, 2)) + lam * penalty.take(genes).rows(delta)
    objective, deltas = np.full((n_groups, n_groups), np.nan), {}
    for row, (i, j) in enumerate(wanted):
        kept, amounts = support(delta[row])
        deltas[i, j], objective[i, j] = SparseDelta(genes[kept], amounts), float(values[row])
    return PairLasso(deltas, objective, state.complete and state.solution.converged, state)


def lasso_lam_max(
    problem: Problem, pairs: Iterable[tuple[int, int]] | None = None, *, costs: Tensor | None = None
) -> float:
    """The smallest λ at which δ = 0 is stationary for every pair: the largest slope of any pair and gene at 0."""
    return lambda_max(*_apart(problem, listed(problem.n_groups) if pairs is None else list(pairs), costs))


def _consistent(translations: Translations, pairs: list[tuple[int, int]], lam: float) -> State:
    """The amounts of a consistent solution for each pair, about which nothing else is known."""
    sources, targets = as_tensor(pairs).to(translations.genes.device).T
    v = translations.values[targets] - translations.values[sources]
    unknown = float("inf")
    return State(translations.genes, Solution(v, unknown, unknown, 0, False, 1.0), lam, False)


def _apart(problem: Problem, pairs: list[tuple[int, int]], costs: Tensor | None) -> tuple[OwnPairs, L1]:
    """The pairs as rows of one problem, and the price of their amounts."""
    sources, targets = as_tensor(pairs).to(problem.start.device).T
    rows = (problem.start[sources], problem.targets[targets])
    own = OwnPairs(*rows, problem.weights, problem.tail, genes=problem.genes, layers=problem.layers)
    prices = problem.start.new_ones(problem.n_genes) if costs is None else costs.to(problem.start)
    return own, L1(prices, len(pairs))
