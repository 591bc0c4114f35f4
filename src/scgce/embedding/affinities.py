"""Neighbour probabilities of the cells of one mini-batch at a given perplexity."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_MAX_STEPS = 64
_FARTHEST = -80.0  # exp() of less is a subnormal number in float32, and those are very slow
_FIRST = 3.0  # logarithm of the precision tried first, in units of the mean distance
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
    # Neither a shift nor a scale of a row's distances changes its solution; both keep exp() in range.
    others = _off_diagonal(distances).reshape(n_cells, n_cells - 1)
    others = others - others.amin(dim=1, keepdim=True)
    scale = others.mean(dim=1, keepdim=True).clamp_(min=torch.finfo(distances.dtype).tiny)
    found = _search(others.div_(scale), math.log(perplexity), tolerance)
    probabilities = torch.zeros_like(distances)
    _off_diagonal(probabilities).copy_(found.reshape(n_cells - 1, n_cells))
    return probabilities


def _off_diagonal(square: Tensor) -> Tensor:
    """View (b - 1, b) of all numbers of a contiguous (b, b) matrix but its diagonal, in their order."""
    n = square.shape[0]
    return square.view(-1)[1:].view(n - 1, n + 1)[:, :-1]


def _search(distances: Tensor, target: float, tolerance: float) -> Tensor:
    """Probabilities (b, k) whose rows have the entropy ``target``; solved rows drop out of the search."""
    # Three buffers for all steps: fresh megabytes for every operation cost several times the arithmetic.
    found, *scratch = (torch.empty_like(distances) for _ in range(4))
    rows = torch.arange(distances.shape[0], device=distances.device)
    log_precision = distances.new_full((len(rows), 1), _FIRST)
    low, high = torch.full_like(log_precision, -30.0), torch.full_like(log_precision, 30.0)
    for step in range(_MAX_STEPS):
        probabilities, entropy, slope = _at_precision(distances, log_precision, [x[: len(rows)] for x in scratch])
        error = entropy - target
        solved = ((error.abs() <= tolerance) | (high - low < _BRACKET)).squeeze(1)
        if step == _MAX_STEPS - 1:
            solved = torch.ones_like(solved)
        found[rows[solved]] = probabilities[solved]
        if bool(solved.all()):
            break
        low = torch.where(error > 0, log_precision, low)
        high = torch.where(error > 0, high, log_precision)
        newton = log_precision + (error / slope).clamp_(-_LONGEST, _LONGEST)
        inside = (newton > low) & (newton < high)
        log_precision = torch.where(inside, newton, (low + high) / 2)
        if bool(solved.any()):
            left = ~solved
            rows, distances, log_precision, low, high = (x[left] for x in (rows, distances, log_precision, low, high))
    return found


def _at_precision(distances: Tensor, log_precision: Tensor, scratch: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities (b, k), entropies (b, 1) and minus the entropies' slopes in the log-precision (b, 1)."""
    exponents, weights, products = scratch
    torch.mul(distances, -log_precision.exp(), out=exponents).clamp_(min=_FARTHEST)
    torch.exp(exponents, out=weights)
    total = weights.sum(dim=1, keepdim=True)
    mean = torch.mul(weights, exponents, out=products).sum(dim=1, keepdim=True) / total
    second = products.mul_(exponents).sum(dim=1, keepdim=True) / total
    variance = (second - mean * mean).clamp_(min=1e-12)
    return weights.div_(total), total.log() - mean, variance
