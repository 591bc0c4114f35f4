"""Embeddings side by side: how good the maps are, how well they take new cells: ``python -m benchmarks.embeddings``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

from benchmarks._cells import logged, read
from benchmarks._run import publish, quiet, write
from scgce import get, tl

from . import scores

RESULTS = Path(__file__).resolve().parent / "results"
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
GENES = 10


def load(name: str) -> ad.AnnData:
    """Counts to 10,000, log1p, 2,000 variable genes, 50 components, 15 neighbours; labels in ``obs["label"]``."""
    adata = logged(read(name), 1e4)
    adata.obs["label"] = adata.obs[SETS[name]].astype("category")
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    adata.obs["held_out"] = scores.stratified(adata.obs["label"].cat.codes.to_numpy(), HELD_OUT)
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


def quality(name: str, methods: list[str]) -> pd.DataFrame:
    """A row for every method: the quality of the map, seconds, new cells, another seed."""
    adata = load(name)
    part = adata[~adata.obs["held_out"].to_numpy()].copy()
    part.obsm.clear()
    with_graph(part)
    labels, pca = adata.obs["label"].astype(str).to_numpy(), adata.obsm["X_pca"]
    rows = []
    for method in methods:
        row: dict[str, Any] = {"data": name, "method": method}
        started = time.perf_counter(), time.process_time()
        Z = fit(method, adata)
        row |= {"seconds": time.perf_counter() - started[0], "cpu_seconds": time.process_time() - started[1]}
        other = fit(method, adata.copy(), seed=1)
        row |= {
            "trustworthiness": scores.trust(pca, Z),
            "label_accuracy": scores.label_accuracy(Z, labels),
            "global_structure": scores.global_structure(pca, Z, labels),
            "reseeded_cells": scores.shared_neighbours(Z, other),
            "reseeded_groups": scores.global_structure(Z, other, labels),
        }
        fidelity = adata.uns.get(METHODS[method], {}).get("encoder", {}).get("fidelity", {})
        row |= {"held_out_r2": fidelity["r2"]} if "r2" in fidelity else {}
        rows.append(row | ({} if method in NO_NEW_CELLS else _new_cells(method, adata, part)))
        print("  ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{v}" for k, v in row.items()), flush=True)
    return pd.DataFrame(rows)


def _new_cells(method: str, adata: ad.AnnData, part: ad.AnnData) -> dict[str, float]:
    """Accuracy of cells that took no part in the PCA, the graph or the training, beside that of those that did."""
    Z, key = fit(method, part), METHODS[method]
    new = adata[adata.obs["held_out"].to_numpy()].copy()
    tl.embed_new(new, key=key, reference=part)
    labels, labels_new = (a.obs["label"].astype(str).to_numpy() for a in (part, new))
    return {
        "training_accuracy": scores.label_accuracy(Z, labels),
        "held_out_accuracy": scores.held_out_accuracy(Z, labels, new.obsm[key], labels_new),
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--only", nargs="+", choices=("quality", "explain"), default=("quality", "explain"))
    parser.add_argument("--keep", action="store_true", help="keep the sets of quality.csv that are there")
    asked = parser.parse_args()
    quiet()
    file = RESULTS / "quality.csv"
    if "quality" in asked.only:
        table = pd.read_csv(file) if asked.keep and file.exists() else pd.DataFrame({"data": []})
        for name in asked.sets:
            if name not in set(table["data"]):
                table = pd.concat([table, quality(name, asked.methods)], ignore_index=True)
                write(table, file, ".4f")
        publish(table, file, ".4f")
    if "explain" in asked.only:
        publish(explained(asked.methods), RESULTS / "explain.csv", ".4f")


if __name__ == "__main__":
    main()
