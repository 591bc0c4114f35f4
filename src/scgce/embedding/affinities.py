"""Neighbour probabilities of the cells of one mini-batch at a given perplexity."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MAX_STEPS = 64
_LONGEST = 1.5  # far from the solution the entropy is flat and a Newton step overshoots
_BRACKET = 1e-6  # a row whose bracket is this small has no better precision


def squared_distances(X: Tensor) -> Tensor:
    """Squared Euclidean distances (b, b) between the rows of ``X`` (b, p); the diagonal is exactly 0."""
    norms = (X * X).sum(dim=1)
    distances = norms[:, None] + norms[None, :] - 2.0 * (X @ X.T)
    return distances.clamp_(min=0.0).fill_diagonal_(0.0)


def conditional_probabilities(distances: Tensor, perplexity: float, *, tolerance: float = 1e-5) -> Tensor:
    """
    Gaussian neighbour probabilities p(j | i) whose rows all have the given perplexity.

    Every row's precision is searched at once: Newton steps on its logarithm, kept inside a shrinking bracket and
    replaced by a bisection whenever they leave it. A row whose nearest cells are so many exact copies that no
    precision reaches the perplexity ends at the closest one.

    Parameters
    ----------
    distances
        Squared distances, (b, b) with b ≥ 2; the diagonal is ignored.
    perplexity
        Exponential of the entropy of each row, in nats; 1 ≤ perplexity < b - 1.
    tolerance
        Largest entropy error at which a row counts as solved.

    Returns
    -------
    (b, b) probabilities; rows sum to 1 and the diagonal is 0.

    References
    ----------
    van der Maaten & Hinton 2008, section 2.
    """
    n_cells = distances.shape[0]
    if not 1.0 <= perplexity < n_cells - 1:
        raise ValueError(f"perplexity={perplexity}: {n_cells} cells accept 1 <= perplexity < {n_cells - 1}")
    target = math.log(perplexity)
    others = distances.clone().fill_diagonal_(torch.inf)
    nearest = others.amin(dim=1, keepdim=True)
    # Neither a shift nor a scale of a row's distances changes its solution; both keep exp() in range.
    shifted = (others - nearest).fill_diagonal_(0.0)
    scale = (shifted.sum(dim=1, keepdim=True) / (n_cells - 1)).clamp_(min=torch.finfo(distances.dtype).tiny)
    shifted = shifted / scale
    log_precision = torch.full_like(scale, 3.0)
    low, high = torch.full_like(scale, -30.0), torch.full_like(scale, 30.0)
    for _ in range(_MAX_STEPS):
        probabilities, entropy, slope = _at_precision(shifted, log_precision)
        error = entropy - target
        solved = (error.abs() <= tolerance) | (high - low < _BRACKET)
        if bool(solved.all()):
            break
        low = torch.where(error > 0, log_precision, low)
        high = torch.where(error > 0, high, log_precision)
        newton = log_precision + (error / slope).clamp_(-_LONGEST, _LONGEST)
        inside = (newton > low) & (newton < high)
        improved = torch.where(inside, newton, (low + high) / 2)
        log_precision = torch.where(solved, log_precision, improved)
    return probabilities


def _at_precision(distances: Tensor, log_precision: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities (b, b), entropies (b, 1) and minus the entropies' slopes in the log-precision (b, 1)."""
    exponents = distances * -log_precision.exp()
    weights = exponents.exp().fill_diagonal_(0.0)
    total = weights.sum(dim=1, keepdim=True)
    weighted = weights * exponents
    mean = weighted.sum(dim=1, keepdim=True) / total
    variance = torch.linalg.vecdot(weighted, exponents)[:, None] / total - mean * mean
    return weights.div_(total), total.log() - mean, variance.clamp_(min=1e-12)
