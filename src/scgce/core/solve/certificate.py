"""How far a solution can be from the optimum: the duality gap, for linear encoders, where the problem is convex."""

from __future__ import annotations

import torch

from .penalties import Penalty
from .problem import Problem


def duality_gap(problem: Problem, penalty: Penalty, lam: float, v: torch.Tensor) -> float:
    """An upper bound on ``objective(v) - optimum``, valid if the encoder is linear.

    With residuals ρ at v and ρ0 at the origin, ``f = ||ρ||²/N``; the dual point ``u = factor · 2ρ/N`` is made feasible
    by the penalty, and the dual value is ``u·ρ0 - N||u||²/4 - P*(-K'u)``.

    Parameters
    ----------
    problem, penalty
        Of all genes, v (n_rows, d).
    """
    hidden = problem.hidden(penalty.translations(v))
    f, gradient = problem.value_and_gradient(hidden)
    primal = f + lam * penalty.value(v)
    factor, conjugate = penalty.conjugate(problem.vjp(gradient), lam)
    residual = problem.residuals(hidden)
    origin = problem.residuals(torch.zeros_like(hidden))
    n_pairs = problem.n_pairs
    dual = 2 * factor * float((residual * origin).sum()) / n_pairs - factor**2 * f - conjugate
    return primal - dual
