"""Encoders trained on every table for every seed, the groups found in their maps, and TGT as the paper fits it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from sklearn.cluster import AgglomerativeClustering
from threadpoolctl import threadpool_limits

import scgce
from scgce.encoders import encoder_from_uns

from .settings import PAPER, Settings
from .studies import STUDIES

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


def explain(adata: ad.AnnData, name: str, **changes: object) -> None:
    """TGT at every sparsity of the study, as the paper fits it unless *changes* say otherwise."""
    options = {"use_rep": MAP, "sparsity": STUDIES[name].sparsities, "device": "cpu"} | PAPER | changes
    scgce.tl.tgt(adata, "group", **options)


def load(name: str, seed: int, settings: Settings) -> ad.AnnData:
    """A table with map, groups and ``uns["tgt"]``; made on the first call, read from the cache afterwards."""
    file = settings.cache / f"{name}-{seed}.h5ad"
    if not file.exists():
        adata = STUDIES[name].load(drop_first_row=True)
        train(adata, name, seed)
        adata.obs["group"] = groups_in(adata.obsm[MAP], STUDIES[name].n_groups)
        explain(adata, name)
        settings.cache.mkdir(parents=True, exist_ok=True)
        adata.write_h5ad(file)
    return ad.read_h5ad(file)


def embed(adata: ad.AnnData) -> np.ndarray:
    """The map of *adata* by the encoder that it carries."""
    encoder = encoder_from_uns(adata.uns[MAP]["encoder"])
    return encoder(np.asarray(adata.X))


class Meter:
    """Processor seconds spent in workers."""

    workers: float = 0.0


METER = Meter()


def each(function: Callable[..., Any], jobs: list[tuple[Any, ...]], settings: Settings) -> list[Any]:
    """``function(*job, settings)`` for every job, some at a time, one thread each; in the order of the jobs."""
    results, seconds = zip(
        *Parallel(n_jobs=settings.jobs)(delayed(_single)(function, job, settings) for job in jobs), strict=True
    )
    METER.workers += sum(seconds) if settings.jobs > 1 else 0.0
    return list(results)


def _single(function: Callable[..., Any], job: tuple[Any, ...], settings: Settings) -> tuple[Any, float]:
    start = time.process_time()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        result = function(*job, settings)
    return result, time.process_time() - start
