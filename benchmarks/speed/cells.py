"""Simulated cells of any number, and an encoder for them, at the price of a small simulation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import anndata as ad
import numpy as np
import scanpy as sc
from scipy import sparse

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


def blocks(some: ad.AnnData, n_cells: int) -> Iterator[tuple[sparse.csr_matrix, np.ndarray]]:
    """As many cells as asked for: the block again and again, each time another tenth of its entries lost."""
    for start in range(0, n_cells, some.n_obs):
        X = some.X[: min(some.n_obs, n_cells - start)].copy()
        lost = np.random.default_rng(start).random(X.nnz) < 0.1
        X.data[lost] = 0.0
        X.eliminate_zeros()
        yield X, some.obs["group"].to_numpy()[: X.shape[0]]


def many_cells(some: ad.AnnData, n_cells: int) -> ad.AnnData:
    """All of `blocks` in memory."""
    parts = list(blocks(some, n_cells))
    X = sparse.vstack([part for part, _ in parts], format="csr")
    out = ad.AnnData(sparse.csr_matrix(X), var=some.var[[]])
    out.obs["group"] = np.concatenate([labels for _, labels in parts])
    out.obs["group"] = out.obs["group"].astype("category")
    return out


def encoder_of(some: ad.AnnData) -> Encoder:
    """A network on 50 principal components, trained on at most 5,000 cells."""
    part = some[: min(5000, some.n_obs)].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.pca(part, n_comps=min(50, part.n_vars - 1), random_state=0)
        scgce.tl.autoencoder(part, n_epochs=20, rng=0, device="cpu")
    return encoder_from_uns(part.uns["X_autoencoder"]["encoder"])
