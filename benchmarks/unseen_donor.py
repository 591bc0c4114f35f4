"""What scores on cells of the same donors promise, and what a donor that was not seen keeps.

``python -m benchmarks.unseen_donor``: cell types of the retina, fovea and periphery of three donors, in five samples.
Each donor in turn is kept aside. The other two are explained with their cells split at random, and the reported cells'
scores stand beside those of the donor kept aside; `split_by` gives whole samples or donors to the parts instead, and
reports on ones that it has not seen. The PCA has seen all cells in every case. Means over ordered pairs and runs, with
standard errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce

from ._run import publish, quiet, with_errors
from .faithfulness import cells

RESULTS = Path(__file__).parent / "unseen_donor.csv"
GROUPBY, LEAST, GENES, SEEDS = "cell_type", 10, 20, 3
"""Cell types with so many cells in every donor; genes per pair; draws of the samples."""
SCORES = ("correctness", "coverage", "self_similarity", "judge_logreg", "judge_knn")


def load(n_genes: int = 2000) -> ad.AnnData:
    """Cell types that every donor has, on variable genes, with a PCA."""
    adata, _ = cells.load("retina", quick=False)
    counts = pd.crosstab(adata.obs[GROUPBY], adata.obs["donor"]).min(axis=1)
    adata = adata[adata.obs[GROUPBY].isin(counts.index[counts >= LEAST])].copy()
    adata.obs["sample"] = (adata.obs["donor"].astype(str) + " " + adata.obs["region"].astype(str)).astype("category")
    sc.pp.highly_variable_genes(adata, n_top_genes=n_genes)
    adata = adata[:, adata.var["highly_variable"]].copy()
    sc.pp.pca(adata, n_comps=30, random_state=0)
    return adata


def table(adata: ad.AnnData, groupby: str = GROUPBY, seeds: int = SEEDS, **options: Any) -> pd.DataFrame:
    """A row for every run and way to score."""
    options = {"use_rep": "X_pca", "sparsity": GENES, "device": "cpu", **options}
    rows = []
    for donor in sorted(adata.obs["donor"].unique()):
        aside = (adata.obs["donor"] == donor).to_numpy()
        seen, unseen = adata[~aside].copy(), adata[aside].copy()
        scgce.tl.tgt(seen, groupby, **options)
        rows.append(_row(seen, "tgt", "cells", "cells of the same donors"))
        scgce.tl.evaluate(unseen, reference=seen, device="cpu")
        rows.append(_row(unseen, "tgt_evaluated", "cells", "a donor kept aside"))
    for split_by in ("sample", "donor"):
        for seed in range(seeds):
            scgce.tl.tgt(adata, groupby, split_by=split_by, rng=seed, **options)
            rows.append(_row(adata, "tgt", split_by, f"{split_by}s not seen"))
    return pd.DataFrame(rows)


def _row(adata: ad.AnnData, key: str, split_by: str, reported: str) -> dict[str, Any]:
    return {"split by": split_by, "scored on": reported, **scgce.get.metrics(adata, key=key)[list(SCORES)].mean()}


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over the runs of each way."""
    return with_errors(runs.groupby(["split by", "scored on"], sort=False)[list(SCORES)]).reset_index()


if __name__ == "__main__":
    quiet()
    publish(summary(table(load())), RESULTS)
