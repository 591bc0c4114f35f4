"""The terms of the embeddings' losses; every one is a mean over cells (or edges)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from scgce.embedding.affinities import squared_distances


class _NeighbourDivergence(torch.autograd.Function):
    """Asymmetric t-SNE term with its gradient in closed form: autograd keeps many (b, b) matrices and is slower."""

    @staticmethod
    def forward(ctx: Any, latent: Tensor, probabilities: Tensor, degrees: float) -> Tensor:
        n_cells = latent.shape[0]
        closeness = (squared_distances(latent) / degrees).add_(1.0).reciprocal_()
        kernel = closeness.clone() if degrees == 1.0 else closeness ** ((degrees + 1.0) / 2.0)
        kernel.fill_diagonal_(0.0)
        total = kernel.sum(dim=1, keepdim=True)
        # -log q = -(ν+1)/2 · log closeness + log total, and the rows of p sum to 1.
        cross = total.log().sum() - (degrees + 1.0) / 2.0 * (probabilities * closeness.log()).sum()
        loss = (cross - torch.special.entr(probabilities).sum()) / n_cells
        pull = (probabilities - kernel.div_(total)).mul_(closeness)
        pull = pull + pull.T
        gradient = pull.sum(dim=1, keepdim=True) * latent - pull @ latent
        ctx.save_for_backward(gradient * ((degrees + 1.0) / degrees / n_cells))
        return loss

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0], None, None


def neighbour_divergence(latent: Tensor, probabilities: Tensor, degrees: float = 1.0) -> Tensor:
    """
    Mean over cells of KL(p(· | i) ‖ q(· | i)), q a Student-t kernel on the latent distances.

    Parameters
    ----------
    latent
        (b, m) positions.
    probabilities
        (b, b) neighbour probabilities, rows summing to 1, diagonal 0; not differentiated.
    degrees
        Degrees of freedom of the kernel ``(1 + d²/ν)^(-(ν+1)/2)``.

    References
    ----------
    Ding, Condon & Shah 2018, "Methods"; van der Maaten & Hinton 2008.
    """
    loss: Tensor = _NeighbourDivergence.apply(latent, probabilities, degrees)
    return loss


def student_t_log_likelihood(X: Tensor, mean: Tensor, log_scale: Tensor, degrees: float) -> Tensor:
    """Log-density (b,) of the rows of ``X`` (b, p) under independent Student-t marginals; all shapes (b, p)."""
    half = (degrees + 1.0) / 2.0
    constant = math.lgamma(half) - math.lgamma(degrees / 2.0) - 0.5 * math.log(degrees * math.pi)
    standard = (X - mean) * torch.exp(-log_scale)
    density = constant - log_scale - half * torch.log1p(standard * standard / degrees)
    return density.sum(dim=1)


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL (b,) of N(mean, exp(log_variance)) from N(0, I); both (b, m)."""
    return 0.5 * (mean * mean + log_variance.exp() - log_variance - 1.0).sum(dim=1)


def edge_cross_entropy(heads: Tensor, tails: Tensor, others: Tensor, a: float, b: float) -> Tensor:
    """
    UMAP's cross-entropy on sampled edges, with negative samples.

    Parameters
    ----------
    heads, tails
        (e, m) positions of the two ends of each sampled edge.
    others
        (e, s, m) positions of s cells drawn at random for each edge.
    a, b
        Shape of the low-dimensional similarity ``1 / (1 + a·d^(2b))``.

    Returns
    -------
    Mean over edges of ``-log φ(edge) - Σ_s log(1 - φ(negative))``.

    References
    ----------
    McInnes, Healy & Melville 2018; Sainburg, McInnes & Gentner 2021.
    """
    tiny = torch.finfo(heads.dtype).eps
    attractive = torch.log(((heads - tails) ** 2).sum(dim=-1) + tiny)
    repulsive = torch.log(((heads[:, None, :] - others) ** 2).sum(dim=-1) + tiny)
    # With t = log(a·d^(2b)): -log φ = softplus(t) and -log(1 - φ) = softplus(-t).
    near = torch.nn.functional.softplus(math.log(a) + b * attractive)
    far = torch.nn.functional.softplus(-math.log(a) - b * repulsive)
    return near.mean() + far.sum(dim=1).mean()
