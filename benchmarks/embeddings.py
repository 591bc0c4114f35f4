"""Parametric maps beside UMAP: how good they are, how well they take new cells: ``python -m benchmarks.embeddings``."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path
from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from sklearn.manifold import trustworthiness
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from scgce import tl

from ._cells import drawn, logged, read
from ._run import command, grown, publish

RESULTS = Path(__file__).parent / "embeddings.csv"
SETS = {"pbmc3k": "cell_type", "retina": "cell_type", "paul15": "paul15_clusters"}
METHODS = {
    "umap": "X_umap",
    "scvis": "X_scvis",
    "umap_loss": "X_umap_loss",
    "autoencoder": "X_autoencoder",
    "distilled_umap": "X_umap_student",
}
"""Where each leaves its map."""
HELD_OUT = 0.2
K = 15


class Job(NamedTuple):
    """One map of one data set."""

    data: str
    method: str


def load(name: str) -> ad.AnnData:
    """Counts to 10,000, log1p, 2,000 variable genes, 50 components, 15 neighbours; labels in ``obs["label"]``."""
    adata = logged(read(name), 1e4)
    adata.obs["label"] = adata.obs[SETS[name]].astype("category")
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    return with_graph(adata)


def with_graph(adata: ad.AnnData) -> ad.AnnData:
    """PCA on the variable genes and the neighbour graph, in place."""
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, n_neighbors=15, random_state=0)
    return adata


def fit(method: str, adata: ad.AnnData) -> np.ndarray:
    """The map of ``adata``, (n, 2), which keeps it."""
    if method == "umap" or (method == "distilled_umap" and "X_umap" not in adata.obsm):
        sc.tl.umap(adata, random_state=0)
    if method == "distilled_umap":
        tl.distill(adata, "X_umap", rng=0, device="cpu")
    elif method != "umap":
        getattr(tl, method)(adata, rng=0, device="cpu")
    return np.asarray(adata.obsm[METHODS[method]], dtype=np.float64)


def accuracy(Z: np.ndarray, labels: pd.Series) -> float:
    """15-NN accuracy of the labels on the map, five-fold cross-validated."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(KNeighborsClassifier(K), Z, labels, cv=folds).mean())


def quality(job: Job) -> pd.DataFrame:
    """The quality of the map, seconds, and of a method that takes new cells their accuracy."""
    adata, method = load(job.data), job.method
    if method == "distilled_umap":  # what it is distilled from is not its own time
        fit("umap", adata)
    start = time.perf_counter()
    Z = fit(method, adata)
    row = job._asdict() | {"seconds": time.perf_counter() - start}
    some = np.random.default_rng(0).permutation(len(Z))[:3000]
    row["trustworthiness"] = trustworthiness(adata.obsm["X_pca"][some], Z[some], n_neighbors=K)
    row["label_accuracy"] = accuracy(Z, adata.obs["label"])
    return pd.DataFrame([row if method == "umap" else row | new_cells(method, adata)])


def new_cells(method: str, adata: ad.AnnData) -> dict[str, float]:
    """Accuracy of cells that took no part in the PCA, the graph or the training, beside that of those that did."""
    held_out, key = drawn(adata.obs["label"], HELD_OUT, seed=0), METHODS[method]
    new, part = adata[held_out].copy(), adata[~held_out].copy()
    part.obsm.clear()
    Z = fit(method, with_graph(part))
    tl.embed_new(new, key=key, reference=part)
    held_out_accuracy = KNeighborsClassifier(K).fit(Z, part.obs["label"]).score(new.obsm[key], new.obs["label"])
    return {"training_accuracy": accuracy(Z, part.obs["label"]), "held_out_accuracy": held_out_accuracy}


if __name__ == "__main__":
    asked = command(__doc__, "jobs", "keep").parse_args()
    jobs = [Job(*both) for both in product(SETS, METHODS)]
    publish(grown(quality, jobs, RESULTS, most=asked.jobs, keep=asked.keep), RESULTS, ".4f")
