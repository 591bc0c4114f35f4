"""The cells: five groupings of four public sets, in halves; the first half has the map's encoder."""

from __future__ import annotations

from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import blood, logged, read, with_umap
from benchmarks._run import MEMORY

SETS = {
    "pbmc3k": ("pbmc3k", "cell_type"),
    "retina (11)": ("retina", "cell_type"),
    "retina (18)": ("retina", "cluster_label"),
    "paul15": ("paul15", "paul15_clusters"),
    "pbmc68k_reduced": ("", "bulk_labels"),
}
MAPS = {"UMAP": "X_map", "PCA": "X_pca", "scvis": "X_map"}
DEPTHS: dict[str, float | None] = {"10,000": 1e4, "median": None}
FEWEST = 8
"""Groups of fewer cells are left out: half of them is too little to fit, select and score on."""


class Case(NamedTuple):
    """A data set in one map at one depth."""

    dataset: str
    map: str
    depth: str

    @property
    def groupby(self) -> str:
        """Column of the groups."""
        return SETS[self.dataset][1]


@MEMORY.cache
def halves(case: Case) -> tuple[ad.AnnData, ad.AnnData]:
    """The half that fits and selects, with its map's encoder, and the half that is scored.

    The UMAP is one of all cells, as people have it; its student, the PCA of its input and scvis see one half.
    """
    file, groupby = SETS[case.dataset]
    adata = logged(read(file), DEPTHS[case.depth]) if file else blood()
    if file:
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sizes = adata.obs[groupby].value_counts()
    adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= FEWEST])].copy()
    if file and case.map == "UMAP":
        with_umap(adata)
    else:
        sc.pp.pca(adata, n_comps=50, random_state=0)
    draws = pd.Series(np.random.default_rng(0).random(adata.n_obs), adata.obs_names)
    rank = draws.groupby(adata.obs[groupby], observed=True).rank(pct=True)
    fitting, scored = adata[rank.to_numpy() <= 0.5].copy(), adata[rank.to_numpy() > 0.5].copy()
    if case.map != "PCA":
        sc.pp.pca(fitting, n_comps=50, random_state=0)
    if case.map == "UMAP":
        scgce.tl.distill(fitting, "X_umap", device="cpu", key_added="X_map")
    elif case.map == "scvis":
        scgce.tl.scvis(fitting, device="cpu", key_added="X_map")
    return fitting, scored
