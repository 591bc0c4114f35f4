"""Table 1, Figures 17 and 18, and appendix A.1: is the variable that causes nothing left out?"""

from __future__ import annotations

from itertools import permutations

import anndata as ad
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

import scgce
from scgce.datasets import synthetic

from . import maps
from .studies import CONVENTION, PAPER, Settings

AUTOENCODER = "X_autoencoder"
#: Share of points in their true group from which a map of the causal example shows the four groups.
DISTINCT = 0.9
FEATURES = ["x1", "x2", "x3", "x4"]
SPARSITIES = (1, 2, 3, 4)
#: The paper's fit, and scgce's own default.
FITS = {"paper": PAPER, "default": {"validation_fraction": 0.25, "judges": False}}


def run(settings: Settings) -> None:
    names = ("table1_causal", "fig17_18_causal_scores", "a1_group_integrated_gradients")
    for name, parts in zip(names, zip(*maps.each(one, settings), strict=True), strict=True):
        settings.table(pd.concat(parts, ignore_index=True), name)


def one(seed: int, settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One autoencoder: explanations from group 0, their scores, and what Integrated Gradients marks."""
    adata = synthetic(400, rng=0)
    scgce.tl.autoencoder(adata, use_rep="X", rng=seed, device="cpu", key_added=AUTOENCODER)
    adata.obs["cluster"] = named_as_the_truth(maps.groups_in(adata.obsm[AUTOENCODER], 4), adata)
    options = {"use_rep": AUTOENCODER, "sparsity": SPARSITIES, "device": "cpu"}
    for key, fit in FITS.items():
        scgce.tl.tgt(adata, "cluster", **options, **fit, key_added=key)
    scgce.tl.dbm(adata, "cluster", **options, **CONVENTION, key_added="dbm")
    agreement = float((adata.obs["cluster"].astype(str) == adata.obs["group"].astype(str)).mean())
    tables = [amounts(adata, key, k) for key in (*FITS, "dbm") for k in (2, 4)]
    scores = [
        scgce.get.sweep(adata, key=key)[["sparsity", "lam", "correctness", "coverage"]].assign(method=key)
        for key in (*FITS, "dbm")
    ]
    scgce.tl.integrated_gradients(
        adata, "cluster", use_rep=AUTOENCODER, n_pairs=1000, validation_fraction=0.0, device="cpu", key_added="gig"
    )
    gig = adata.uns["gig"]
    n_groups = len(gig["groups"])
    marked = attributed(gig["attributions"].reshape(n_groups, n_groups, -1), list(gig["groups"]), list(gig["genes"]))
    label = {"seed": seed, "agreement": agreement}
    return pd.concat(tables).assign(**label), pd.concat(scores).assign(**label), marked.assign(**label)


def named_as_the_truth(clusters: pd.Categorical, adata: ad.AnnData) -> pd.Categorical:
    """The clusters under the names of the true groups that they share most points with."""
    counts = pd.crosstab(pd.Series(clusters, index=adata.obs_names), adata.obs["group"])
    rows, columns = linear_sum_assignment(-counts.to_numpy())
    names = dict(zip(counts.index[rows], counts.columns[columns], strict=True))
    return pd.Categorical([names.get(c) for c in clusters], categories=list(adata.obs["group"].cat.categories))


def amounts(adata: ad.AnnData, key: str, sparsity: int) -> pd.DataFrame:
    """What is added to x1 … x4 from group 0 to each other group, the form of the paper's Table 1."""
    parts = []
    for target in "123":
        frame = scgce.get.explanation(adata, "0", target, sparsity=sparsity, key=key).set_index("gene")["delta"]
        parts.append({"method": key, "sparsity": sparsity, "target": target} | frame.to_dict())
    return pd.DataFrame(parts).reindex(columns=["method", "sparsity", "target", *FEATURES]).fillna(0.0)


def share_of_x4(table: pd.DataFrame) -> np.ndarray:
    """|x4| as a share of the whole amount, one number per row of Table 1."""
    sizes = table[FEATURES].abs().to_numpy()
    return sizes[:, 3] / sizes.sum(axis=1)


def attributed(table: np.ndarray, groups: list[str], features: list[str]) -> pd.DataFrame:
    """Attributions (l, l, d) of Group Integrated Gradients (Eq. 11) as rows, and how far pairs are from consistent.

    ``asymmetry`` is the relative size of δ_ij + δ_ji, ``triangle`` the largest relative failure of δ_ik + δ_kj = δ_ij.
    """
    rows, size = [], np.abs(table).sum(axis=2)
    for i, j in permutations(range(len(groups)), 2):
        others = [k for k in range(len(groups)) if k not in (i, j)]
        error = np.abs(table[i, others] + table[others, j] - table[i, j]).sum(axis=1).max()
        pair = {"source": groups[i], "target": groups[j], "feature": features, "attribution": table[i, j]}
        asymmetry = np.abs(table[i, j] + table[j, i]).sum()
        rows.append(pd.DataFrame(pair | {"asymmetry": asymmetry / size[i, j], "triangle": error / size[i, j]}))
    return pd.concat(rows, ignore_index=True)
