"""Where a map starts: at the first principal components, so that its broad layout depends less on the seed."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from scgce.embedding.batches import Rows, shuffled

Init: TypeAlias = Literal["pca", "random"]
_SAMPLE = 1000
STEPS = 300
_BATCH = 256


def start_at_pca(
    mapping: nn.Module,
    rows: Rows,
    cells: Tensor,
    n_components: int,
    *,
    generator: torch.Generator,
    n_steps: int = STEPS,
    spread: float = 1.0,
) -> None:
    """
    Train ``mapping`` for a moment to give the principal components of its input, in place.

    Parameters
    ----------
    mapping
        From rows (b, p) to positions (b, m).
    rows, cells
        The training input, (n, p), and the cells (k,) of it that may be looked at.
    n_components
        Dimensions m; those beyond the rank of the input are left as they are.
    generator
        Draws the cells.
    n_steps
        Mini-batches.
    spread
        Standard deviation of the first component.

    References
    ----------
    Kobak & Linderman 2021, Nature Biotechnology 39:156, on why t-SNE and UMAP should start there.
    """
    drawn = cells[torch.randperm(len(cells), generator=generator)[:_SAMPLE]]
    centre, axes = principal_axes(rows(drawn), n_components)
    if not axes.shape[1]:
        return
    axes = axes * (spread / ((rows(drawn) - centre) @ axes[:, 0]).std().clamp_min(1e-12))
    optimiser = torch.optim.Adam(mapping.parameters(), lr=3e-3, fused=True)
    for _, index in zip(range(n_steps), shuffled(cells, min(_BATCH, len(cells)), generator), strict=False):
        X = rows(index)
        optimiser.zero_grad(set_to_none=True)
        error = mapping(X)[:, : axes.shape[1]] - (X - centre) @ axes
        error.square().sum(dim=1).mean().backward()
        optimiser.step()


def principal_axes(X: Tensor, n_components: int) -> tuple[Tensor, Tensor]:
    """The mean (p,) of ``X`` (k, p) and its leading unit axes (p, at most n_components), their signs fixed."""
    centre = X.mean(dim=0)
    centred = (X - centre).double()
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    kept = values > 1e-9 * values[-1].clamp_min(1e-30)
    leading = vectors[:, kept].flip(1)[:, :n_components]
    axes = centred.T @ leading
    axes = axes / axes.norm(dim=0)
    largest = axes.gather(0, axes.abs().argmax(dim=0, keepdim=True))
    return centre, (axes * largest.sign()).to(X.dtype)
