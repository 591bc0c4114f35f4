"""The embeddings compared: how each is fitted, and how it takes new cells."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import anndata as ad
import numpy as np
import scanpy as sc

from scgce import tl

Fit = Callable[[ad.AnnData, int], str]


def _umap(adata: ad.AnnData, seed: int) -> str:
    sc.tl.umap(adata, random_state=seed)
    return "X_umap"


def _tsne(adata: ad.AnnData, seed: int) -> str:
    sc.tl.tsne(adata, use_rep="X_pca", random_state=seed)
    return "X_tsne"


def _scvis(adata: ad.AnnData, seed: int) -> str:
    tl.scvis(adata, rng=seed, device="cpu")
    return "X_scvis"


def _umap_loss(adata: ad.AnnData, seed: int) -> str:
    tl.umap_loss(adata, rng=seed, device="cpu")
    return "X_umap_loss"


def _autoencoder(adata: ad.AnnData, seed: int) -> str:
    tl.autoencoder(adata, rng=seed, device="cpu")
    return "X_autoencoder"


def _distilled(adata: ad.AnnData, seed: int) -> str:
    if "X_umap" not in adata.obsm:
        _umap(adata, 0)
    tl.distill(adata, "X_umap", rng=seed, device="cpu")
    return "X_umap_student"


#: name → how it is fitted, and whether the result can be put on new cells
METHODS: dict[str, tuple[Fit, bool]] = {
    "umap": (_umap, False),
    "tsne": (_tsne, False),
    "scvis": (_scvis, True),
    "umap_loss": (_umap_loss, True),
    "autoencoder": (_autoencoder, True),
    "distilled_umap": (_distilled, True),
}


def fit(name: str, adata: ad.AnnData, seed: int = 0) -> tuple[np.ndarray, str]:
    """The map of ``adata`` (n, 2), and its key."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        key = METHODS[name][0](adata, seed)
    return np.asarray(adata.obsm[key], dtype=np.float64), key
