"""Group Integrated Gradients (the paper's Eq. 11): a classifier on the map, every pair of points of two groups."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression

from scgce.encoders import encoder_from_uns

STEPS = 32
PAIRS = 2000


def group_integrated_gradients(adata: ad.AnnData, groupby: str, use_rep: str, seed: int = 0) -> pd.DataFrame:
    """
    Mean attribution of every feature for every ordered pair of groups, and how far that is from being consistent.

    Returns
    -------
    One row per ordered pair and feature: ``source``, ``target``, ``feature``, ``attribution``; ``asymmetry``, the
    relative size of δ_ij + δ_ji; and ``triangle``, the largest relative failure of δ_ik + δ_kj = δ_ij over k.
    """
    encoder = encoder_from_uns(adata.uns[use_rep]["encoder"])
    labels = adata.obs[groupby].astype(str).to_numpy()
    classifier = LogisticRegression(max_iter=2000).fit(adata.obsm[use_rep], labels)
    groups = list(classifier.classes_)
    weight = torch.from_numpy(classifier.coef_.T.astype(np.float32))
    bias = torch.from_numpy(classifier.intercept_.astype(np.float32))
    rng = np.random.default_rng(seed)
    X = torch.from_numpy(np.asarray(adata.X, dtype=np.float32))
    members = [np.flatnonzero(labels == g) for g in groups]
    table = np.zeros((len(groups), len(groups), adata.n_vars))
    for i in range(len(groups)):
        for j in range(len(groups)):
            if i != j:
                # A sample of the pairs of points: the mean over all of them is what it estimates.
                starts, ends = X[rng.choice(members[i], PAIRS)], X[rng.choice(members[j], PAIRS)]
                table[i, j] = integrated(encoder, weight, bias, starts, ends, j).mean(axis=0)
    return tidy(table, groups, list(adata.var_names))


def integrated(
    encoder: object, weight: torch.Tensor, bias: torch.Tensor, starts: torch.Tensor, ends: torch.Tensor, label: int
) -> np.ndarray:
    """Integrated Gradients of the probability of *label* from each start to each end, midpoint rule."""
    total = torch.zeros_like(ends)
    tail, W, b = encoder.tail, encoder.W, encoder.b  # type: ignore[attr-defined]
    for step in range(STEPS):
        point = (starts + (step + 0.5) / STEPS * (ends - starts)).requires_grad_(True)
        probability = torch.softmax(tail(point @ W + b) @ weight + bias, dim=1)[:, label]
        total += torch.autograd.grad(probability.sum(), point)[0] / STEPS
    return (total * (ends - starts)).numpy()


def tidy(table: np.ndarray, groups: list[str], features: list[str]) -> pd.DataFrame:
    rows = []
    size = np.abs(table).sum(axis=2)
    for i, source in enumerate(groups):
        for j, target in enumerate(groups):
            if i == j:
                continue
            others = [k for k in range(len(groups)) if k not in (i, j)]
            error = max(np.abs(table[i, k] + table[k, j] - table[i, j]).sum() for k in others) / size[i, j]
            asymmetry = np.abs(table[i, j] + table[j, i]).sum() / size[i, j]
            rows += [
                {"source": source, "target": target, "feature": f, "attribution": table[i, j, n]}
                | {"asymmetry": asymmetry, "triangle": error}
                for n, f in enumerate(features)
            ]
    return pd.DataFrame(rows)
