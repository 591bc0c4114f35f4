"""How much the depth to which counts are scaled matters to explanations of few genes.

``python -m benchmarks.normalisation`` prints the table: pbmc3k (raw counts, all genes), its UMAP distilled anew for
every target sum; refinement with the default bound and without, and the difference of means, cut to as many genes.
"""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pandas as pd

import scgce

from ._cells import logged, read, with_umap
from ._run import publish, quiet

RESULTS = Path(__file__).parent / "normalisation.csv"
TARGETS: dict[str, float | None] = {"1,000": 1e3, "median": None, "10,000": 1e4}
SPARSITIES = (10, 20, 50)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]


def cells(target: float | None) -> ad.AnnData:
    """Log-normalised cells with a UMAP of 50 components and its student."""
    adata = with_umap(logged(read("pbmc3k"), target))
    scgce.tl.distill(adata, "X_umap", device="cpu")
    return adata


def rows(name: str, adata: ad.AnnData) -> pd.DataFrame:
    """Means over all ordered pairs, one row for every method and number of genes."""
    options = {"use_rep": "X_umap_student", "sparsity": SPARSITIES, "device": "cpu"}
    scgce.tl.tgt(adata, "cell_type", key_added="refine, c=3", **options)
    scgce.tl.tgt(adata, "cell_type", key_added="refine, c=∞", amplitude=None, **options)
    scgce.tl.dbm(adata, "cell_type", key_added="DBM", **options)
    table = scgce.get.compare(adata, ["refine, c=3", "refine, c=∞", "DBM"])
    names = {"key": "method", "sparsity": "genes"}
    found = table[[*names, *NAMES]].rename(columns=names)
    found.insert(0, "target_sum", name)
    return found


if __name__ == "__main__":
    quiet()
    found = pd.concat([rows(name, cells(target)) for name, target in TARGETS.items()])
    publish(found.sort_values("genes", kind="stable"), RESULTS, ".2f")
