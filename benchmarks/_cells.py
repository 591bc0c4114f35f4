"""The real cells: three public sets beside the checkout, or where ``SCGCE_BENCHMARK_DATA`` says."""

from __future__ import annotations

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

SHARED = Path(__file__).resolve().parents[2] / "shared"
REFERENCE = SHARED / "reference"
PLACE = "SCGCE_BENCHMARK_DATA"
"""Environment variable with the folder of the three files, where they do not lie beside the checkout."""
FILES = {
    "pbmc3k": ("pbmc3k_raw_labelled.h5ad", "cell_type"),
    "retina": ("voigt_human_retina.h5ad", "cluster_label"),
    "paul15": ("paul15.h5ad", "paul15_clusters"),
}
"""File, and the groups that are explained."""


def path(name: str) -> Path:
    """Where the file of a data set lies."""
    return Path(os.environ.get(PLACE) or SHARED / "data") / FILES[name][0]


def here(name: str) -> bool:
    """Whether the file is there."""
    return path(name).exists()


def read(name: str) -> ad.AnnData:
    """The cells as they are in the file."""
    if not here(name):
        raise FileNotFoundError(f"{path(name)} is missing; {PLACE} names the folder of the data sets")
    return ad.read_h5ad(path(name))


def logged(adata: ad.AnnData, depth: float | None = None) -> ad.AnnData:
    """Counts scaled to ``depth`` (by default the median) and logged; genes seen in three cells or more."""
    adata = adata[:, np.asarray((adata.X > 0).sum(axis=0)).ravel() >= 3].copy()
    adata.X = adata.layers.pop("counts") if "counts" in adata.layers else adata.X
    sc.pp.normalize_total(adata, target_sum=depth)
    sc.pp.log1p(adata)
    return adata


def with_umap(adata: ad.AnnData) -> ad.AnnData:
    """50 principal components, the graph of neighbours and its UMAP, in place."""
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, random_state=0)
    sc.tl.umap(adata, random_state=0)
    return adata


def blood() -> ad.AnnData:
    """The 700 blood cells that scanpy brings, logged, all genes; their groups are ``bulk_labels``."""
    return sc.datasets.pbmc68k_reduced().raw.to_adata()


def drawn(groups: pd.Series, share: float, seed: int) -> np.ndarray:
    """That share of the cells of every group, at random; bool (n,)."""
    rng, found = np.random.default_rng(seed), np.zeros(len(groups), dtype=bool)
    for group in groups.cat.categories:
        cells = rng.permutation(np.flatnonzero(groups == group))
        found[cells[: int(share * len(cells) + 0.5)]] = True
    return found
