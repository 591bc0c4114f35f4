"""Simple explanations that always stand beside ours: difference between means, and k of its genes at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

FACTORS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0)
"""By which a difference of means is multiplied; neighbouring ones differ little in the metrics."""
_PATIENCE = 2
"""Worse factors in a row after which the others are left out."""


def best_factor(quality: Callable[[float], float], most: float | None) -> float:
    """The single factor that serves a difference of means best, the bound on amounts that ours have included.

    A difference of means at real amounts moves few genes too little; what it reaches with the factor that our amounts
    may have is the fair comparison.

    Parameters
    ----------
    quality
        Of the difference multiplied by a factor, on cells that are not reported.
    most
        The largest factor, None for no bound.

    Returns
    -------
    The smallest of the best among `FACTORS` up to ``most`` and ``most`` itself; 1 if ``most`` is not above 1.
    """
    tried = [factor for factor in FACTORS if most is None or factor <= most]
    if most is not None and most > 1 and most not in tried:
        tried.append(most)
    if most is not None:
        tried.reverse()  # few genes need all that is allowed, and fewer factors are tried from there
    best, highest, worse = 1.0, -np.inf, 0
    for factor in tried:
        found = quality(factor)
        worse = worse + 1 if found < highest else 0
        if found > highest or (found == highest and factor < best):
            best, highest = factor, found
        if worse == _PATIENCE:
            break
    return best


def dbm(means: Tensor) -> Tensor:
    """Difference between means as basis translations, δ_{i→j} = x̄_j − x̄_i (paper, section 4.1).

    Parameters
    ----------
    means
        Mean expression of the groups, shape (l, d).

    Returns
    -------
    (l, d), row 0 zero; its k-gene cut is `top_k`'s.
    """
    return means - means[:1]


def random_k(means: Tensor, k: int, rng: int | np.random.Generator = 0) -> Tensor:
    """Difference between means on k random genes: what k genes reach when nothing chooses them.

    Parameters
    ----------
    means
        Mean expression of the groups, shape (l, d).
    k
        Number of genes, drawn uniformly among those whose means differ between groups; all of these if fewer.
    rng
        Draws the genes; the genes of k are among those of k + 1 for the same seed.

    Returns
    -------
    (l, d) basis translations, non-zero in at most k columns, row 0 zero: k-sparse for every pair and consistent.

    Raises
    ------
    ValueError
        If k < 1.
    """
    if k < 1:
        raise ValueError(f"k={k} genes cannot be drawn; accepted: an integer of at least 1")
    differing = torch.nonzero((means != means[:1]).any(0), as_tuple=True)[0]
    order = torch.from_numpy(np.random.default_rng(rng).permutation(differing.numel()))
    kept = differing[order.to(differing.device)[:k]]
    out = torch.zeros_like(means)
    out[:, kept] = dbm(means)[:, kept]
    return out
