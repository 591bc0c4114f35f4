"""What bounding the amounts costs and buys, on cells that took no part in the fit.

``python -m benchmarks.amplitude`` prints the table: 700 blood cells that scanpy brings, their distilled UMAP; a row for
every number of genes per pair and amplitude, and the difference of means cut to as many genes. ``off_manifold`` is the
median distance of translated cells to real cells of the target in PCA space, in units of the target's own spacing;
``beyond_max`` the share of amounts that are larger than the gene's largest value in any cell.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData

import scgce
from scgce.encoders import resolve

AMPLITUDES = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, None)
SPARSITIES = (5, 10, 20)
NAMES = ["correctness", "coverage", "judge_logreg", "judge_knn"]
RESULTS = Path(__file__).parent / "amplitude.csv"


def rows(adata: AnnData, key: str, **labels: object) -> list[dict[str, object]]:
    """Means over all ordered pairs, one row for every sparsity."""
    largest = np.asarray(adata.X.max(axis=0).todense()).ravel()
    found = []
    for k in SPARSITIES:
        scgce.tl.evidence(adata, key, sparsity=k, n_permutations=0, doses=(1.0,))
        parts = [
            scgce.get.explanation(adata, str(i), str(j), sparsity=k, key=key)
            for i in adata.uns[key]["groups"]
            for j in adata.uns[key]["groups"]
            if i != j
        ]
        genes = pd.concat(parts)
        beyond = genes["delta"].abs().to_numpy() > largest[adata.var_names.get_indexer(genes["gene"])]
        means = scgce.get.metrics(adata, key=key, sparsity=k)[NAMES].mean()
        far = scgce.get.evidence(adata, key=key)["off_manifold"].median()
        found.append({"genes": k, **labels, **means, "off_manifold": far, "beyond_max": beyond.mean()})
    return found


def table() -> pd.DataFrame:
    """One row for every method, amplitude and number of genes."""
    adata = sc.datasets.pbmc68k_reduced().raw.to_adata()
    options = {"encoder": resolve(adata, use_rep="X_umap"), "sparsity": SPARSITIES}
    found = []
    for amplitude in AMPLITUDES:
        scgce.tl.tgt(adata, "bulk_labels", amplitude=amplitude, **options)
        found += rows(adata, "tgt", method="refine", amplitude=str(amplitude))
    scgce.tl.dbm(adata, "bulk_labels", **options)
    found += rows(adata, "dbm", method="DBM", amplitude="1.0")
    return pd.DataFrame(found).sort_values("genes", kind="stable")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    result = table()
    result.to_csv(RESULTS, index=False, float_format="%.2f", lineterminator="\n")
    print(result.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
