"""Simulated cells of any number, and an encoder for them, at the price of a small simulation."""

from __future__ import annotations

import anndata as ad
import numpy as np
import scanpy as sc

import scgce
from scgce.encoders import Encoder, encoder_from_uns

BLOCK = 10_000
DENSITY = 0.05


def some_cells(n_genes: int, n_groups: int, n_cells: int = BLOCK, density: float = DENSITY) -> ad.AnnData:
    """One block of cells, about ``density`` of it non-zero."""
    adata = scgce.datasets.simulated_cells(
        n_cells, n_genes, n_groups, library_size=1.15 * density * n_genes, dispersion=0.1, dropout=0.0, rng=0
    )
    del adata.layers["counts"]
    return adata


def many_cells(some: ad.AnnData, n_cells: int) -> ad.AnnData:
    """As many cells as asked for: the block again and again, each time another tenth of its entries lost."""
    parts = []
    for start in range(0, n_cells, some.n_obs):
        part = some[: n_cells - start].copy()
        part.X.data[np.random.default_rng(start).random(part.X.nnz) < 0.1] = 0.0
        part.X.eliminate_zeros()
        parts.append(part)
    return ad.concat(parts, index_unique="-")


def encoder_of(some: ad.AnnData) -> Encoder:
    """A network on 50 principal components, trained on at most 5,000 cells."""
    part = some[: min(5000, some.n_obs)].copy()
    sc.pp.pca(part, n_comps=min(50, part.n_vars - 1), random_state=0)
    scgce.tl.autoencoder(part, n_epochs=20, rng=0, device="cpu")
    return encoder_from_uns(part.uns["X_autoencoder"]["encoder"])


def encoded(n_cells: int, n_genes: int, n_groups: int, density: float = DENSITY) -> tuple[ad.AnnData, Encoder]:
    """As many cells as asked for, and their encoder; what is compiled on first use is compiled."""
    some = some_cells(n_genes, n_groups, min(n_cells, BLOCK), density)
    encoder = encoder_of(some)
    few = some[:: max(1, min(8, len(some) // (40 * n_groups)))].copy()
    scgce.tl.tgt(few, "group", encoder=encoder, sparsity=5, min_cells=1, device="cpu")
    return many_cells(some, n_cells), encoder
