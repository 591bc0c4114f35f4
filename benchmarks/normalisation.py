"""How much the depth to which counts are scaled matters to explanations of few genes.

``python -m benchmarks.normalisation`` prints the table: pbmc3k (raw counts, all genes), its UMAP distilled anew for
every target sum; refinement with the default bound and without, and the difference of means, cut to as many genes.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "pbmc3k_raw_labelled.h5ad"
RESULTS = Path(__file__).parent / "normalisation.csv"
TARGETS: dict[str, float | None] = {"1,000": 1e3, "median": None, "10,000": 1e4}
SPARSITIES = (10, 20, 50)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]


def cells(target: float | None) -> ad.AnnData:
    """Log-normalised cells with a UMAP of 50 components and its student."""
    adata = ad.read_h5ad(FILE)
    sc.pp.filter_genes(adata, min_cells=3)
    sc.pp.normalize_total(adata, target_sum=target)
    sc.pp.log1p(adata)
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, random_state=0)
    sc.tl.umap(adata, random_state=0)
    scgce.tl.distill(adata, "X_umap", device="cpu")
    return adata


def rows(name: str, adata: ad.AnnData) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every method and number of genes."""
    options = {"use_rep": "X_umap_student", "sparsity": SPARSITIES, "device": "cpu"}
    scgce.tl.tgt(adata, "cell_type", key_added="refine, c=3", **options)
    scgce.tl.tgt(adata, "cell_type", key_added="refine, c=∞", amplitude=None, **options)
    scgce.tl.dbm(adata, "cell_type", key_added="DBM", **options)
    table = scgce.get.compare(adata, ["refine, c=3", "refine, c=∞", "DBM"])
    return table[["key", "sparsity", *NAMES]].set_axis(["method", "genes", *NAMES], axis=1).assign(target_sum=name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    found = pd.concat([rows(name, cells(target)) for name, target in TARGETS.items()])
    found = found.set_index("target_sum").reset_index().sort_values("genes", kind="stable")
    found.to_csv(RESULTS, index=False, float_format="%.2f", lineterminator="\n")
    print(found.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
