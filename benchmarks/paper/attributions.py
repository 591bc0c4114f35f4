"""Group Integrated Gradients (the paper's Eq. 11): which features they mark, and whether they are consistent."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

import scgce

PAIRS = 1000


def group_integrated_gradients(adata: ad.AnnData, groupby: str, use_rep: str) -> pd.DataFrame:
    """
    Mean attribution of every feature for every ordered pair of groups, and how far that is from being consistent.

    Returns
    -------
    One row per ordered pair and feature: ``source``, ``target``, ``feature``, ``attribution``; ``asymmetry``, the
    relative size of δ_ij + δ_ji; and ``triangle``, the largest relative failure of δ_ik + δ_kj = δ_ij over k.
    """
    scgce.tl.integrated_gradients(
        adata, groupby, use_rep=use_rep, n_pairs=PAIRS, validation_fraction=0.0, device="cpu", key_added="gig"
    )
    stored = adata.uns["gig"]
    groups, genes = list(stored["groups"]), list(stored["genes"])
    return tidy(np.asarray(stored["attributions"]).reshape(len(groups), len(groups), -1), groups, genes)


def tidy(table: np.ndarray, groups: list[str], features: list[str]) -> pd.DataFrame:
    """The attributions (l, l, d) as rows, with asymmetry and triangle error of each pair."""
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
