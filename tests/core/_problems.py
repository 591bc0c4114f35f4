"""Small random problems of the solver's kind, their objective written out pair by pair, and cvxpy's optimum of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

import cvxpy as cp
import numpy as np
import torch
from torch import nn

from scgce.core.solve.problem import Problem

ENCODERS = ("linear", "mlp", "module")


@dataclass(frozen=True)
class Case:
    """A problem and what it was made from."""

    problem: Problem
    means: torch.Tensor
    """(l, d)."""
    targets: torch.Tensor
    """(l, m)."""
    encode: Callable[[torch.Tensor], torch.Tensor]
    """r, (·, d) -> (·, m), all at once."""


def random_case(seed: int, *, kind: str = "linear", l: int = 4, d: int = 9, h: int = 5, m: int = 2) -> Case:
    """Groups whose targets are near, but not at, the positions of their means; one gene is the same in all groups."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.rand(l, d, generator=generator, dtype=torch.float64) * 3
    means[:, -1] = 1.0
    h = m if kind == "linear" else h
    W = torch.randn(d, h, generator=generator, dtype=torch.float64) / d**0.5
    b = torch.randn(h, generator=generator, dtype=torch.float64) / 2
    V = torch.randn(h, m, generator=generator, dtype=torch.float64)

    def tail(hidden: torch.Tensor) -> torch.Tensor:
        return hidden if kind == "linear" else nn.functional.elu(hidden) @ V

    def encode(x: torch.Tensor) -> torch.Tensor:
        return tail(x @ W + b)

    noise = torch.randn(l, m, generator=generator, dtype=torch.float64)
    targets = encode(means) + 0.3 * noise
    if kind == "module":
        return Case(Problem(means, targets, None, encode), means, targets, encode)
    return Case(Problem(means @ W + b, targets, W, tail, linear=kind == "linear"), means, targets, encode)


def smooth_by_pairs(case: Case, delta: torch.Tensor) -> torch.Tensor:
    """The first term of Eq. 9, averaged over ordered pairs, one pair after the other; differentiable."""
    l = len(case.means)
    terms = [
        (case.encode((case.means[i] + delta[j] - delta[i])[None])[0] - case.targets[j]).square().sum()
        for i, j in permutations(range(l), 2)
    ]
    return torch.stack(terms).sum() / (l * (l - 1))


def amounts_by_pairs(delta: torch.Tensor, costs: torch.Tensor) -> float:
    """The second term of Eq. 9 at λ = 1: the mean over ordered pairs of Σ_g c_g |δ_j - δ_i|."""
    l = len(delta)
    return sum(float((costs * (delta[j] - delta[i]).abs()).sum()) for i, j in permutations(range(l), 2)) / (l * (l - 1))


def solve_by_cvxpy(case: Case, lam: float, costs: torch.Tensor, amplitude: float | None = None) -> float:
    """Optimum of Eq. 9 for a linear encoder, in the translations themselves; amounts bounded by ``amplitude``."""
    W = case.encode(torch.eye(case.means.shape[1], dtype=torch.float64)) - case.encode(torch.zeros_like(case.means[:1]))
    start, l = case.encode(case.means).numpy(), len(case.means)
    means, targets, c = case.means.numpy(), case.targets.numpy(), costs.numpy()
    delta = cp.Variable((l, means.shape[1]))
    terms, constraints = [], [delta[0] == 0]
    for i, j in permutations(range(l), 2):
        step = delta[j] - delta[i]
        finite = np.isfinite(c)
        terms.append(cp.sum_squares(start[i] + step @ W.numpy() - targets[j]))
        terms.append(lam * cp.sum(cp.multiply(np.where(finite, c, 0.0), cp.abs(step))))
        constraints.append(step[np.flatnonzero(~finite)] == 0)
        if amplitude is not None:
            real = means[j] - means[i]
            constraints += [step >= amplitude * np.minimum(real, 0), step <= amplitude * np.maximum(real, 0)]
    problem = cp.Problem(cp.Minimize(sum(terms) / (l * (l - 1))), constraints)
    return float(problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11))
