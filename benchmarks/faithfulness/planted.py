"""Which of the genes that were planted are found: precision and recall of each pair's k genes."""

from __future__ import annotations

from itertools import combinations
from typing import Any, NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce
from scgce.datasets import simulated_cells, synthetic

from . import methods

SPARSITIES = (5, 10, 20)
FOUND = ["refine, c=3", "refine_consistent, c=3", "truncate, c=∞", *methods.BASELINES]
GRADIENTS = "integrated gradients"
PROGRAMME = "one programme"


class Seed(NamedTuple):
    """One draw, or one encoder trained anew."""

    seed: int


def cells(job: Seed) -> pd.DataFrame:
    """Simulated cells, their PCA explained; truth: the planted genes in which two groups differ."""
    (seed,) = job
    adata = simulated_cells(800, 400, 4, rng=seed)
    sc.pp.pca(adata, n_comps=10, random_state=0)
    explain(adata, "X_pca", SPARSITIES, seed)
    copies = set(adata.var_names[adata.var["copy_of"] != ""])
    return means_over_pairs(adata, np.asarray(adata.uns["truth"]["log_fold"]), SPARSITIES, copies, "copies", seed)


def causal(job: Seed) -> pd.DataFrame:
    """The paper's example, one autoencoder a seed: which of x1, x2 (causes), x3 (noise), x4 (a copy of x1) is used."""
    (seed,) = job
    adata = synthetic(400, rng=0)
    scgce.tl.autoencoder(adata, use_rep="X", rng=seed, device="cpu", n_epochs=500)
    explain(adata, "X_autoencoder", (1, 2), seed)
    return means_over_pairs(adata, np.asarray(adata.uns["truth"]["deltas"]), (1, 2), {"x4"}, "x4", seed)


def explain(adata: ad.AnnData, use_rep: str, sparsity: int | tuple[int, ...], seed: int) -> None:
    """Every method that is compared."""
    options: dict[str, Any] = {"use_rep": use_rep, "rng": seed}
    for name in FOUND:
        methods.explain(adata, "group", name, sparsity=sparsity, judges=False, **options)
    scgce.tl.integrated_gradients(adata, "group", n_pairs=100, key_added=GRADIENTS, device="cpu", **options)


def means_over_pairs(
    adata: ad.AnnData, truth: np.ndarray, sparsities: tuple[int, ...], copies: set[str], label: str, seed: int
) -> pd.DataFrame:
    """Precision, recall and share of copies over the pairs of groups; true is where rows of ``truth`` (l, d) differ."""
    rows = []
    for name in [*FOUND, GRADIENTS]:
        for k in sparsities:
            scores = [
                recovered(chosen(adata, str(i), str(j), name, k), set(adata.var_names[truth[i] != truth[j]]), copies)
                for i, j in combinations(range(4), 2)
            ]
            precision, recall, copied = np.mean(scores, axis=0)
            rows.append({"method": name, "sparsity": k, "precision": precision, "recall": recall, label: copied})
    return pd.DataFrame(rows).assign(seed=seed)


def programme(job: Seed) -> pd.DataFrame:
    """One of 50 sets of six genes shifted in one of two groups: one programme beside as many single genes.

    The 49 others hold what chance gives. Every method but the programme has to find the six by themselves.
    """
    (seed,) = job
    rng = np.random.default_rng(seed)
    n_sets, size, n_cells = 50, 6, 60
    sets = rng.permutation(np.repeat(np.arange(n_sets), size))
    shifted = sets == rng.integers(n_sets)
    X = np.log1p(rng.poisson(0.5, (2 * n_cells, n_sets * size))).astype(np.float32)
    X[n_cells:, shifted] += 0.5
    adata = ad.AnnData(X, obs=pd.DataFrame({"group": np.repeat(["0", "1"], n_cells)}).astype("category"))
    adata.obs_names, adata.var_names = (
        [f"{what}{i}" for i in range(n)] for what, n in zip(("cell", "gene"), adata.shape, strict=True)
    )
    sc.pp.pca(adata, n_comps=10, random_state=0)
    explain(adata, "X_pca", size, seed)
    given = {f"set {m}": list(adata.var_names[sets == m]) for m in range(n_sets)}
    how: dict[str, Any] = {"use_rep": "X_pca", "rng": seed, "judges": False, "device": "cpu"}
    scgce.tl.tgt(adata, "group", programs=given, sparsity=1, key_added=PROGRAMME, **how)
    truth, rows = set(adata.var_names[shifted]), []
    for name in (PROGRAMME, *FOUND, GRADIENTS):
        by = {"by": "gene"} if name == PROGRAMME else {}
        genes = chosen(adata, "0", "1", name, 1 if by else size, **by)
        precision, recall, _ = recovered(genes, truth, set())
        rows.append({"method": name, "genes": len(genes), "precision": precision, "recall": recall})
    return pd.DataFrame(rows).assign(sparsity=1, seed=seed)


def chosen(adata: ad.AnnData, source: str, target: str, name: str, k: int, **options: Any) -> list[str]:
    """The genes that explain a pair."""
    if name == GRADIENTS:
        return list(scgce.get.attributions(adata, source, target, key=name)["gene"][:k])
    return list(scgce.get.explanation(adata, source, target, sparsity=k, key=name, **options)["gene"])


def recovered(genes: list[str], truth: set[str], copies: set[str]) -> tuple[float, float, float]:
    """Share of the genes that are true, share of the true ones among the first that could be had, share of copies."""
    hits = len(set(genes) & truth)
    copied = len(set(genes) & copies)
    size = max(len(genes), 1)
    return hits / size, hits / max(len(truth), 1), copied / size


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over seeds."""
    by = table.groupby(["method", "sparsity"], sort=False).agg(["mean", "sem"]).drop(columns="seed", level=0)
    by.columns = [name if kind == "mean" else f"{name}_se" for name, kind in by.columns]
    return by.reset_index().sort_values(["sparsity", "precision"], ascending=[True, False], ignore_index=True)
