"""Independent explanations of every pair: Eq. 9 minimised for one pair at a time, without consistency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta, support
from scgce.core.pairs import as_tensor, listed

from .problem import Problem

_ROUNDS = 50
_FIRST_GENES = 50
_GROWTH = 2.0


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
        Bool (l, l): whether the pair met the tolerance.
    """

    deltas: dict[tuple[int, int], SparseDelta]
    objective: np.ndarray
    converged: np.ndarray

    def __call__(self, i: int, j: int) -> SparseDelta:
        """Look up the explanation of i → j."""
        return self.deltas[i, j]


@dataclass
class _Batch:
    """Pairs under way: one row a pair; `genes` indexes the columns."""

    problem: Problem
    start: Tensor
    target: Tensor
    price: Tensor

    def smooth(self, delta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Squared distance to the target, (p,), and its gradient in the hidden layer, (p, h)."""
        hidden = (self.start[rows] + self.problem.hidden(delta)).detach().requires_grad_(True)
        with torch.enable_grad():
            value = (self.problem.tail(hidden) - self.target[rows]).square().sum(1)
            (gradient,) = torch.autograd.grad(value.sum(), hidden)
        return value.detach(), gradient

    def penalty(self, delta: Tensor) -> Tensor:
        """λ Σ_g c_g |δ_g|, (p,); forbidden genes are never moved."""
        return torch.where(delta != 0, delta.abs() * self.price, 0.0).sum(1)


def lasso_pairs(
    problem: Problem,
    lam: float,
    pairs: Iterable[tuple[int, int]] | None = None,
    *,
    costs: Tensor | None = None,
    max_iter: int = 2000,
    tol: float = 1e-9,
) -> PairLasso:
    """Explain each ordered pair on its own: the term of Eq. 9 for that pair, λ on the same scale.

    Accelerated proximal gradient, all pairs in one batch, each with its own step size and restarts, on a working set
    of genes that grows until no gene outside wants to enter. With a non-linear encoder it finds a stationary point,
    started from δ = 0.

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
    max_iter
        Most iterations for one working set.
    tol
        Relative change of the objective over an iteration, and of the step, below which a pair rests.

    Raises
    ------
    ValueError
        If λ is not positive and finite.
    """
    if not 0 < lam < float("inf"):
        raise ValueError(f"lam={lam} is out of range; accepted: a finite number above 0")
    n_groups = problem.n_groups
    wanted = [(i, j) for i, j in (np.ndindex(n_groups, n_groups) if pairs is None else pairs) if i != j]
    price = torch.full((problem.n_genes,), lam, dtype=problem.start.dtype, device=problem.start.device)
    price = price if costs is None else price * costs.to(price)
    sources, targets = torch.tensor(wanted, dtype=torch.int64).reshape(-1, 2).T
    batch = _Batch(problem, problem.start[sources], problem.targets[targets], price)
    genes, delta, value, done = _grow(batch, max_iter, tol)
    objective, converged = np.full((n_groups, n_groups), np.nan), np.zeros((n_groups, n_groups), dtype=bool)
    deltas = {}
    for row, (i, j) in enumerate(wanted):
        kept, amounts = support(delta[row])
        deltas[i, j] = SparseDelta(genes[kept], amounts)
        objective[i, j], converged[i, j] = float(value[row]), bool(done[row])
    return PairLasso(deltas, objective, converged)


def lasso_lam_max(
    problem: Problem, pairs: Iterable[tuple[int, int]] | None = None, *, costs: Tensor | None = None
) -> float:
    """The smallest λ at which δ = 0 is stationary for every pair: the largest slope of any pair and gene at 0."""
    wanted = listed(problem.n_groups) if pairs is None else list(pairs)
    sources, targets = as_tensor(wanted).to(problem.start.device).T
    price = torch.ones(problem.n_genes, dtype=problem.start.dtype, device=problem.start.device)
    price = price if costs is None else costs.to(price)
    batch = _Batch(problem, problem.start[sources], problem.targets[targets], price)
    nothing = price.new_zeros(len(sources), problem.n_genes)
    _, gradient = batch.smooth(nothing, torch.arange(len(sources), device=price.device))
    return float((problem.vjp(gradient).abs().amax(0) / price).max())


def _grow(batch: _Batch, max_iter: int, tol: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Solve on a working set, add the genes that violate optimality most, repeat."""
    n_pairs, like = batch.start.shape[0], batch.start
    everyone = torch.arange(n_pairs, device=like.device)
    genes = torch.zeros(0, dtype=torch.int64, device=like.device)
    delta = like.new_zeros(n_pairs, 0)
    done = torch.ones(n_pairs, dtype=torch.bool, device=like.device)
    room = _FIRST_GENES
    part = replace(batch, problem=batch.problem.take(genes), price=batch.price[genes])
    for _ in range(_ROUNDS):
        value, gradient = part.smooth(delta, everyone)
        excess = (batch.problem.vjp(gradient).abs().amax(0) if n_pairs else batch.price * 0) / batch.price
        excess[genes] = 0.0
        entering = torch.nonzero(excess > 1 + 1e-6, as_tuple=True)[0]
        if entering.numel() == 0:
            break
        entering = entering[excess[entering].argsort(descending=True, stable=True)[:room]]
        room = int(room * _GROWTH)
        genes, order = torch.cat([genes, entering]).sort()
        delta = torch.cat([delta, like.new_zeros(n_pairs, entering.numel())], 1)[:, order]
        part = replace(batch, problem=batch.problem.take(genes), price=batch.price[genes])
        delta, done = _solve(part, delta, max_iter, tol)
    else:
        done = torch.zeros_like(done)
    value, _ = part.smooth(delta, everyone)
    return genes, delta, value + part.penalty(delta), done


def _solve(batch: _Batch, delta: Tensor, max_iter: int, tol: float) -> tuple[Tensor, Tensor]:
    """Monotone FISTA over the rows that still move; returns δ and which rows came to rest."""
    delta, previous = delta.clone(), delta.clone()
    n_pairs = delta.shape[0]
    lipschitz, momentum = delta.new_ones(n_pairs), delta.new_ones(n_pairs)
    rows = torch.arange(n_pairs, device=delta.device)
    current = batch.smooth(delta, rows)[0] + batch.penalty(delta)
    for _ in range(max_iter):
        if rows.numel() == 0:
            break
        faster = (1 + (1 + 4 * momentum[rows].square()).sqrt()) / 2
        at = delta[rows] + ((momentum[rows] - 1) / faster)[:, None] * (delta[rows] - previous[rows])
        step, value = _step(batch, at, rows, lipschitz)
        better = value <= current[rows]
        plain = momentum[rows] == 1
        change = current[rows] - value
        moved = (step - at).abs().amax(1) * lipschitz[rows].sqrt()
        previous[rows] = delta[rows]
        delta[rows] = torch.where(better[:, None], step, delta[rows])
        current[rows] = torch.where(better, value, current[rows])
        momentum[rows] = torch.where(better, faster, 1.0)
        lipschitz[rows] *= 0.95
        small = (change.abs() <= tol * current[rows].clamp_min(1e-12)) & (moved <= tol**0.5)
        rows = rows[~(small | (plain & ~better))]
    done = torch.ones(n_pairs, dtype=torch.bool, device=delta.device)
    done[rows] = False
    return delta, done


def _step(batch: _Batch, at: Tensor, rows: Tensor, lipschitz: Tensor) -> tuple[Tensor, Tensor]:
    """One proximal step from `at` (p, A), each row's step size halved until its quadratic model holds."""
    value, hidden_gradient = batch.smooth(at, rows)
    gradient = batch.problem.vjp(hidden_gradient)
    step, reached = torch.empty_like(at), torch.empty_like(value)
    trying = torch.arange(rows.numel(), device=rows.device)
    for _ in range(100):
        size = lipschitz[rows[trying], None]
        target = at[trying] - gradient[trying] / size
        moved = target.sign() * (target.abs() - batch.price / size).clamp_min(0)
        difference = moved - at[trying]
        smooth, _ = batch.smooth(moved, rows[trying])
        model = value[trying] + (gradient[trying] * difference).sum(1) + size[:, 0] / 2 * difference.square().sum(1)
        step[trying] = moved
        reached[trying] = smooth + batch.penalty(moved)
        trying = trying[smooth > model + 1e-12 * value[trying].abs()]
        if trying.numel() == 0:
            break
        lipschitz[rows[trying]] *= 2
    return step, reached
