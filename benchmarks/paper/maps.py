"""Encoders trained on every table for every seed, the groups found in their maps, and TGT as the paper fits it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.cluster import AgglomerativeClustering

import scgce
from benchmarks._run import whole

from .studies import PAPER, STUDIES, Settings

MAP = "X_scvis"
MIN_POINTS = 5


def groups_in(points: np.ndarray, n_groups: int) -> pd.Categorical:
    """
    Cut a Ward tree of the map into *n_groups* clusters, named "0", "1", … from the largest down.

    This stands for the polygons that the authors drew by hand. Clusters of fewer than five points are no group, as
    the authors also left single points out.
    """
    codes = AgglomerativeClustering(n_groups, linkage="ward").fit_predict(points)
    sizes = np.bincount(codes, minlength=n_groups)
    rank = np.empty(n_groups, dtype=int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(n_groups)
    kept = int((sizes >= MIN_POINTS).sum())
    codes = rank[codes]
    return pd.Categorical.from_codes(np.where(codes < kept, codes, -1), [str(g) for g in range(kept)])


def train(adata: ad.AnnData, name: str, seed: int) -> None:
    """Fit scvis to the features themselves and write the map."""
    scgce.tl.scvis(adata, use_rep="X", n_epochs=STUDIES[name].epochs, rng=seed, device="cpu", key_added=MAP)


def explain(adata: ad.AnnData, name: str) -> None:
    """TGT at every sparsity of the study, as the paper fits it."""
    scgce.tl.tgt(adata, "group", use_rep=MAP, sparsity=STUDIES[name].sparsities, device="cpu", **PAPER)


def load(name: str, seed: int, settings: Settings) -> ad.AnnData:
    """A table with map, groups and ``uns["tgt"]``; made on the first call, read from the cache afterwards."""
    file = settings.cache / f"{name}-{seed}.h5ad"
    if not file.exists():
        adata = STUDIES[name].load(drop_first_row=True)
        train(adata, name, seed)
        adata.obs["group"] = groups_in(adata.obsm[MAP], STUDIES[name].n_groups)
        explain(adata, name)
        whole(file, adata.write_h5ad)
    return ad.read_h5ad(file)


def each(function: Callable[..., Any], settings: Settings, names: Any = None) -> list[Any]:
    """``function([name,] seed, settings)`` for every seed (of every name), some at a time, in that order."""
    seeds = settings.seeds
    jobs = [(seed,) for seed in seeds] if names is None else [(name, seed) for name in names for seed in seeds]
    return Parallel(settings.jobs)(delayed(function)(*job, settings) for job in jobs)
