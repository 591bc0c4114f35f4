"""Simple explanations that always stand beside ours: difference between means, and k of its genes at random."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


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
