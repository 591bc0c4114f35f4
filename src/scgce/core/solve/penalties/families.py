"""The price of splitting the groups of a gene in two: concave families F(k).

A gene's penalty is ``c_g * sum_k F(k) * (u_(k) - u_(k+1))`` over its values in descending order: a step between the
k highest groups and the other l - k costs F(k) times its height. ``F(k) = 2 k (l - k) / (l (l - 1))`` is the mean of
``|u_i - u_j|`` over ordered pairs (paper, Eq. 9 averaged over pairs); a constant F charges a gene once, however many
pairs it tells apart (max - min), which favours a small panel of genes.
"""

from __future__ import annotations

from numbers import Real

import torch

NAMED = {"pair": 1.0, "gene": 0.0}


def exponent_of(penalty: str | float) -> float:
    """Exponent p of the family ``F(k) ~ (k (l - k))^p``: ``"pair"`` is 1, ``"gene"`` 0, a number in between itself."""
    if isinstance(penalty, str):
        if penalty in NAMED:
            return NAMED[penalty]
    elif isinstance(penalty, Real) and not isinstance(penalty, bool) and 0.0 <= float(penalty) <= 1.0:
        return float(penalty)
    raise ValueError(f"penalty={penalty!r}: expected 'pair', 'gene' or a number between 0 ('gene') and 1 ('pair')")


def split_prices(n_groups: int, exponent: float = 1.0) -> torch.Tensor:
    """F(1), …, F(l - 1), scaled so that its mean over k does not depend on the exponent.

    Parameters
    ----------
    n_groups
        Number of groups l, at least 2.
    exponent
        p in ``(k (l - k))^p``, between 0 and 1, where the family is concave in k, as the exact prox requires.

    Returns
    -------
    float64 tensor (l - 1,); for ``exponent=1`` exactly ``2 k (l - k) / (l (l - 1))``.
    """
    k = torch.arange(1, n_groups, dtype=torch.float64)
    pairs = 2 * k * (n_groups - k) / (n_groups * (n_groups - 1))
    if exponent == 1.0:
        return pairs
    family = (k * (n_groups - k)) ** exponent
    return family * (pairs.mean() / family.mean())


def asked_prices(order: torch.Tensor, pairs: torch.Tensor, exponent: float = 1.0) -> torch.Tensor:
    """F of every step of every gene, (l - 1, A), where only some pairs count: by the share of them that it tells apart.

    Parameters
    ----------
    order
        Groups by ascending mean, (l, A).
    pairs
        Source and target of the pairs that count, (P, 2).
    exponent
        Power of the share, between 0 and 1; prices are scaled to the mean that power 1 gives.

    Returns
    -------
    float64; 0 for a step that tells no such pair apart. With all pairs the prices of `split_prices`.
    """
    n_groups, n_genes = order.shape
    rank = order.argsort(dim=0)
    change = torch.zeros(n_groups, n_genes, dtype=torch.float64, device=order.device)
    for source, target in pairs.tolist():
        lower, upper = torch.minimum(rank[source], rank[target]), torch.maximum(rank[source], rank[target])
        change.scatter_add_(0, lower[None], torch.ones(1, n_genes, dtype=torch.float64, device=order.device))
        change.scatter_add_(0, upper[None], -torch.ones(1, n_genes, dtype=torch.float64, device=order.device))
    shares = change.cumsum(0)[:-1] / max(1, len(pairs))
    if exponent == 1.0:
        return shares
    family = torch.where(shares > 0, shares.clamp(min=1e-300) ** exponent, 0.0)
    return family * (shares.mean() / family.mean().clamp(min=1e-300))


def rank_weights(prices: torch.Tensor) -> torch.Tensor:
    """Weights w_k = F(k) - F(k - 1), k = 1…l, of ``sum_k w_k u_(k)`` over the descending order; non-increasing."""
    zero = prices.new_zeros(1)
    return torch.diff(torch.cat([zero, prices, zero]))
