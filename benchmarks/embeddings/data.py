"""The three data sets, with scanpy's standard preprocessing."""

from __future__ import annotations

import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import scanpy as sc

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

#: file, column of labels, whether X holds counts
SETS = {
    "pbmc3k": ("pbmc3k_raw_labelled.h5ad", "cell_type", True),
    "retina": ("voigt_human_retina.h5ad", "cell_type", False),
    "paul15": ("paul15.h5ad", "paul15_clusters", True),
}
HELD_OUT = 0.2


def load(name: str, folder: Path = SHARED) -> ad.AnnData:
    """Normalised, log1p, 2,000 variable genes, 50 components, 15 neighbours; labels in ``obs["label"]``."""
    file, label, counts = SETS[name]
    adata = ad.read_h5ad(folder / file)
    if counts:
        sc.pp.filter_genes(adata, min_cells=3)
        sc.pp.normalize_total(adata, target_sum=1e4)
        sc.pp.log1p(adata)
    adata.obs["label"] = adata.obs[label].astype("category")
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    adata.obs["held_out"] = _stratified(adata.obs["label"].cat.codes.to_numpy())
    return with_pca(adata)


def with_pca(adata: ad.AnnData) -> ad.AnnData:
    """PCA on the variable genes and the neighbour graph, in place."""
    sc.pp.pca(adata, n_comps=50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap's remarks on threads and tensorflow
        sc.pp.neighbors(adata, n_neighbors=15, random_state=0)
    return adata


def training_part(adata: ad.AnnData) -> ad.AnnData:
    """The cells not held out, with a PCA and a graph of their own."""
    part = adata[~adata.obs["held_out"].to_numpy()].copy()
    for key in list(part.obsm):
        del part.obsm[key]
    return with_pca(part)


def _stratified(codes: np.ndarray) -> np.ndarray:
    """A fifth of the cells of every label."""
    rng = np.random.default_rng(0)
    out = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        cells = rng.permutation(np.flatnonzero(codes == code))
        out[cells[: round(HELD_OUT * len(cells))]] = True
    return out
