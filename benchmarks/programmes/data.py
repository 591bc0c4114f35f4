"""The cells: five groupings of four public sets, in halves; the first half has the map's encoder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SETS = {
    "pbmc3k": ("pbmc3k_raw_labelled.h5ad", "cell_type"),
    "retina (11)": ("voigt_human_retina.h5ad", "cell_type"),
    "retina (18)": ("voigt_human_retina.h5ad", "cluster_label"),
    "paul15": ("paul15.h5ad", "paul15_clusters"),
    "pbmc68k_reduced": ("", "bulk_labels"),
}
MAPS = {"UMAP": "X_map", "PCA": "X_pca", "scvis": "X_map"}
DEPTHS: dict[str, float | None] = {"10,000": 1e4, "median": None}
FEWEST = 8
"""Groups of fewer cells are left out: half of them is too little to fit, select and score on."""
CACHE = Path(tempfile.gettempdir()) / "scgce-programmes-cache"

Halves = tuple[ad.AnnData, ad.AnnData]


def halves(name: str, kind: str, depth: str) -> Halves:
    """The half that fits and selects, with its map's encoder, and the half that is scored; made once a run."""
    files = [CACHE / f"{name}-{kind}-{depth}-{part}.h5ad" for part in ("fitting", "scored")]
    if not all(file.exists() for file in files):
        CACHE.mkdir(exist_ok=True)
        for part, file in zip(_halved(name, kind, DEPTHS[depth]), files, strict=True):
            partial = file.with_name(f"{os.getpid()}-{file.name}")
            part.write_h5ad(partial)
            partial.replace(file)
    fitting, scored = (ad.read_h5ad(file) for file in files)
    return fitting, scored


def forget() -> None:
    """Make the halves anew."""
    shutil.rmtree(CACHE, ignore_errors=True)


def _halved(name: str, kind: str, depth: float | None) -> Halves:
    """The UMAP is one of all cells, as people have it; its student, the PCA of its input and scvis see one half."""
    file, groupby = SETS[name]
    adata = ad.read_h5ad(SHARED / file) if file else sc.datasets.pbmc68k_reduced().raw.to_adata()
    if file:
        adata.X = adata.layers.pop("counts") if "counts" in adata.layers else adata.X
        adata = adata[:, np.asarray((adata.X > 0).sum(axis=0)).ravel() >= 3].copy()
        sc.pp.normalize_total(adata, target_sum=depth)
        sc.pp.log1p(adata)
        sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    sizes = adata.obs[groupby].value_counts()
    adata = adata[adata.obs[groupby].isin(sizes.index[sizes >= FEWEST])].copy()
    sc.pp.pca(adata, n_comps=50, random_state=0)
    if file and kind == "UMAP":
        sc.pp.neighbors(adata, random_state=0)
        sc.tl.umap(adata, random_state=0)
    draws = pd.Series(np.random.default_rng(0).random(adata.n_obs), adata.obs_names)
    rank = draws.groupby(adata.obs[groupby], observed=True).rank(pct=True)
    fitting, scored = adata[rank.to_numpy() <= 0.5].copy(), adata[rank.to_numpy() > 0.5].copy()
    if kind == "PCA":
        return fitting, scored
    sc.pp.pca(fitting, n_comps=50, random_state=0)
    if kind == "UMAP":
        scgce.tl.distill(fitting, "X_umap", device="cpu", key_added="X_map")
    else:
        scgce.tl.scvis(fitting, device="cpu", key_added="X_map")
    return fitting, scored
