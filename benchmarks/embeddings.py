"""Embeddings side by side: how good the maps are, how well they take new cells: ``python -m benchmarks.embeddings``."""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr
from sklearn.manifold import trustworthiness
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from scgce import get, tl

from ._cells import logged, read
from ._run import command, grown, publish

RESULTS = Path(__file__).resolve().parent / "embeddings" / "results"
SETS = {"pbmc3k": "cell_type", "retina": "cell_type", "paul15": "paul15_clusters"}
METHODS = {
    "umap": "X_umap",
    "tsne": "X_tsne",
    "scvis": "X_scvis",
    "umap_loss": "X_umap_loss",
    "autoencoder": "X_autoencoder",
    "distilled_umap": "X_umap_student",
}
"""Where each leaves its map."""
NO_NEW_CELLS = ("umap", "tsne")
HELD_OUT = 0.2
K = 15
GENES = 10


def load(name: str) -> ad.AnnData:
    """Counts to 10,000, log1p, 2,000 variable genes, 50 components, 15 neighbours; labels in ``obs["label"]``."""
    adata = logged(read(name), 1e4)
    adata.obs["label"] = adata.obs[SETS[name]].astype("category")
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    adata.obs["held_out"] = stratified(adata.obs["label"].cat.codes.to_numpy(), HELD_OUT)
    return with_graph(adata)


def with_graph(adata: ad.AnnData) -> ad.AnnData:
    """PCA on the variable genes and the neighbour graph, in place."""
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, n_neighbors=15, random_state=0)
    return adata


def fit(method: str, adata: ad.AnnData, seed: int = 0) -> np.ndarray:
    """The map of ``adata``, (n, 2), which keeps it."""
    if method == "umap" or (method == "distilled_umap" and "X_umap" not in adata.obsm):
        sc.tl.umap(adata, random_state=seed if method == "umap" else 0)
    if method == "tsne":
        sc.tl.tsne(adata, use_rep="X_pca", random_state=seed)
    elif method == "distilled_umap":
        tl.distill(adata, "X_umap", rng=seed, device="cpu")
    elif method != "umap":
        getattr(tl, method)(adata, rng=seed, device="cpu")
    return np.asarray(adata.obsm[METHODS[method]], dtype=np.float64)


def trust(scores: np.ndarray, Z: np.ndarray) -> float:
    """Trustworthiness of the 15 nearest on the map, against the PCA (at most 3,000 cells)."""
    rows = np.random.default_rng(0).permutation(len(Z))[:3000]
    return float(trustworthiness(scores[rows], Z[rows], n_neighbors=K))


def label_accuracy(Z: np.ndarray, labels: np.ndarray) -> float:
    """15-NN accuracy of the labels on the map, five-fold cross-validated."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return float(cross_val_score(KNeighborsClassifier(K), Z, labels, cv=folds).mean())


def held_out_accuracy(Z: np.ndarray, labels: np.ndarray, Z_new: np.ndarray, labels_new: np.ndarray) -> float:
    """15-NN accuracy of new cells among the old ones."""
    return float(KNeighborsClassifier(K).fit(Z, labels).score(Z_new, labels_new))


def global_structure(scores: np.ndarray, Z: np.ndarray, labels: np.ndarray) -> float:
    """Rank correlation of the distances between group centres on the map with those in the PCA."""
    groups = np.unique(labels)
    centres = [np.array([M[labels == g].mean(axis=0) for g in groups]) for M in (scores, Z)]
    return float(spearmanr(pdist(centres[0]), pdist(centres[1])).statistic)


def shared_neighbours(Z: np.ndarray, other: np.ndarray, k: int = 50) -> float:
    """Share of the 50 nearest cells that two maps have in common (0 to 1)."""
    nearest = [NearestNeighbors(n_neighbors=k).fit(M).kneighbors(return_distance=False) for M in (Z, other)]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(*nearest, strict=True)]))


def stratified(codes: np.ndarray, share: float) -> np.ndarray:
    """That share of the cells of every label, at random; bool (n,)."""
    rng = np.random.default_rng(0)
    out = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        cells = rng.permutation(np.flatnonzero(codes == code))
        out[cells[: round(share * len(cells))]] = True
    return out


class Job(NamedTuple):
    """One map of one data set."""

    data: str
    method: str


def quality(job: Job) -> pd.DataFrame:
    """The quality of the map, seconds, new cells, another seed."""
    adata, method = load(job.data), job.method
    if method == "distilled_umap":  # what it is distilled from is not its own time
        fit("umap", adata)
    labels, pca = adata.obs["label"].astype(str).to_numpy(), adata.obsm["X_pca"]
    started = time.perf_counter(), time.process_time()
    Z = fit(method, adata)
    row: dict[str, Any] = job._asdict() | {"seconds": time.perf_counter() - started[0]}
    row |= {"cpu_seconds": time.process_time() - started[1]}
    other = fit(method, adata.copy(), seed=1)
    row |= {
        "trustworthiness": trust(pca, Z),
        "label_accuracy": label_accuracy(Z, labels),
        "global_structure": global_structure(pca, Z, labels),
        "reseeded_cells": shared_neighbours(Z, other),
        "reseeded_groups": global_structure(Z, other, labels),
    }
    fidelity = adata.uns.get(METHODS[method], {}).get("encoder", {}).get("fidelity", {})
    row |= {"held_out_r2": fidelity.get("r2", np.nan)}
    return pd.DataFrame([row if method in NO_NEW_CELLS else row | _new_cells(method, adata)])


def _new_cells(method: str, adata: ad.AnnData) -> dict[str, float]:
    """Accuracy of cells that took no part in the PCA, the graph or the training, beside that of those that did."""
    new, part = (adata[adata.obs["held_out"].to_numpy() == aside].copy() for aside in (True, False))
    part.obsm.clear()
    Z, key = fit(method, with_graph(part)), METHODS[method]
    tl.embed_new(new, key=key, reference=part)
    labels, labels_new = (a.obs["label"].astype(str).to_numpy() for a in (part, new))
    return {
        "training_accuracy": label_accuracy(Z, labels),
        "held_out_accuracy": held_out_accuracy(Z, labels, new.obsm[key], labels_new),
    }


def explained(methods: list[str]) -> pd.DataFrame:
    """``tl.tgt`` with ten genes a pair on each map of pbmc3k, beside the difference of means."""
    adata, rows = load("pbmc3k"), []
    for method in methods:
        fit(method, adata)
        tl.tgt(adata, "label", use_rep=METHODS[method], sparsity=GENES, device="cpu")
        row = {"method": method, "n_genes": GENES, "validation_fraction": 0.25, "amplitude": 3.0}
        names = ["correctness", "coverage", "dbm_correctness", "dbm_coverage", "judge_logreg", "judge_knn"]
        rows.append(row | get.sweep(adata)[names].iloc[0].to_dict())
    return pd.DataFrame(rows)


if __name__ == "__main__":
    parser = command(__doc__, "jobs", "keep")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--only", nargs="+", choices=("quality", "explain"), default=("quality", "explain"))
    asked = parser.parse_args()
    if "quality" in asked.only:
        jobs, file = [Job(*both) for both in product(asked.sets, asked.methods)], RESULTS / "quality.csv"
        publish(grown(quality, jobs, file, most=asked.jobs, keep=asked.keep), file, ".4f")
    if "explain" in asked.only:
        publish(explained(asked.methods), RESULTS / "explain.csv", ".4f")
