"""AnnData objects with a stored result in the layout that the tools write, built without running any of them."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from torch import nn

from scgce.encoders import Encoder, encoder_to_uns

NAMES = (
    "CD4+/CD25 T Reg",
    "CD8+/CD45RA+ Naive Cytotoxic",
    "CD34+",
    "Dendritic",
    "CD14+ Monocyte",
    "CD19+ B",
    "CD56+ NK",
    "CD4+/CD45RO+ Memory",
    "CD4+/CD45RA+/CD25- Naive T",
    "CD8+ Cytotoxic T",
)


def group_names(n_groups: int) -> list[str]:
    """Real, long labels, numbered once there are more groups than labels."""
    return [NAMES[g % len(NAMES)] + (f" {g // len(NAMES) + 1}" if g >= len(NAMES) else "") for g in range(n_groups)]


def blobs(n_groups: int = 4, n_genes: int = 30, cells: int = 25, seed: int = 0) -> ad.AnnData:
    """Cells of groups around a ring, non-negative log-like values; ``X_umap`` is exactly linear in the genes."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_groups), cells + np.arange(n_groups))
    means = rng.gamma(1.0, 1.0, (n_groups, n_genes))
    X = np.maximum(means[codes] + 0.3 * rng.standard_normal((len(codes), n_genes)), 0.0).astype(np.float32)
    angle = 2 * np.pi * codes / n_groups
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (2 + n_groups / 4)
    inputs = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    weights = np.linalg.solve(inputs.T @ inputs + np.eye(n_genes + 1), inputs.T @ ring)
    obs = pd.DataFrame({"cell_type": pd.Categorical.from_codes(codes, group_names(n_groups))})
    obs.index = [f"cell{i}" for i in range(len(codes))]
    adata = ad.AnnData(sp.csr_matrix(X), obs=obs, var=pd.DataFrame(index=[f"GENE{g}" for g in range(n_genes)]))
    adata.obsm["X_umap"] = (inputs @ weights).astype(np.float32)
    return adata


def linear_encoder(adata: ad.AnnData, basis: str = "X_umap") -> Encoder:
    """The linear encoder of a map that is linear in the genes."""
    inputs = np.column_stack([adata.X.toarray(), np.ones(adata.n_obs)]).astype(np.float64)
    weights = np.linalg.lstsq(inputs, adata.obsm[basis].astype(np.float64), rcond=None)[0]
    n_dims = weights.shape[1]
    return Encoder(
        kind="linear", genes=adata.var_names, W=weights[:-1], b=weights[-1], tail=nn.Identity(), n_dims=n_dims
    )


def parts_of(codes: np.ndarray, n_groups: int, rng: np.random.Generator) -> np.ndarray:
    """Every group's cells dealt to the three parts at random, so that each part has some."""
    split = np.empty(len(codes), dtype=np.int8)
    for group in range(n_groups):
        rows = np.flatnonzero(codes == group)
        split[rng.permutation(rows)] = np.arange(len(rows)) % 3
    return split


def store_result(
    adata: ad.AnnData,
    *,
    sparsities: Sequence[int] = (1, 2, 5),
    selected: int = 5,
    pair_cut: bool = True,
    key: str = "tgt",
    seed: int = 1,
) -> ad.AnnData:
    """Write a result whose basis is the group means on a growing set of genes and whose metrics are drawn at random."""
    rng = np.random.default_rng(seed)
    codes = adata.obs["cell_type"].cat.codes.to_numpy()
    names = np.array(adata.obs["cell_type"].cat.categories, dtype=object)
    size, dims = len(names), adata.n_vars
    means = np.stack([np.asarray(adata.X[codes == g].mean(axis=0)).ravel() for g in range(size)])
    order = np.argsort(-means.std(axis=0))
    blocks = []
    for k in sparsities:
        basis = np.zeros((size, dims))
        active = order[: min(3 * k if pair_cut else k, dims)]
        basis[:, active] = means[:, active] - means[0, active]
        blocks.append(basis.astype(np.float32))
    count = len(sparsities)
    scores = {name: np.sort(rng.random((count, size, size)), axis=0) for name in _SCORES}
    at = list(sparsities).index(selected)
    adata.uns[key] = {
        "params": {"groupby": "cell_type", "use_rep": "X_umap", "layer": "X", "method": "truncate", "amplitude": -1.0}
        | {"clip": False, "sparsity_selected": selected, "seed": 0, "pair_cut": pair_cut, "reference": str(names[0])}
        | {"scgce_version": "0.1.0"},
        "groups": names,
        "genes": np.array(adata.var_names, dtype=object),
        "sizes": np.bincount(codes),
        "means": means.astype(np.float32),
        "deltas": blocks[at],
        "correctness": scores["correctness"][at],
        "coverage": scores["coverage"][at],
        "percent_explained": rng.random((size, size)),
        "judge_logreg": scores["judge_logreg"][at],
        "judge_knn": scores["judge_knn"][at],
        "epsilon": 0.4,
        "center_distance": 3.0,
        "sweep": {
            "sparsity": np.array(sparsities),
            "lam": np.geomspace(1, 0.1, count),
            "similarity": np.linspace(0.5, 0.9, count - 1),
            "deltas": sp.csr_matrix(np.concatenate(blocks)),
            **scores,
        },
        "path": {
            "lam": np.geomspace(2, 0.01, 12),
            "objective": np.geomspace(5, 0.2, 12),
            "n_genes_mean": np.linspace(0, 20, 12),
            "n_genes_max": np.linspace(0, 28, 12),
        },
        "encoder": encoder_to_uns(linear_encoder(adata)),
        "split": parts_of(codes, size, rng),
    }
    return adata


def store_pairs(adata: ad.AnnData, *, key: str = "tgt", seed: int = 3) -> ad.AnnData:
    """Turn a stored result into one of pairs explained on their own, which no basis could give."""
    rng = np.random.default_rng(seed)
    entry = adata.uns[key]
    size, dims = entry["deltas"].shape
    blocks = []
    for k in entry["sweep"]["sparsity"]:
        rows = np.zeros((size * size, dims), dtype=np.float32)
        for row in range(size * size):
            if row % (size + 1):  # not i → i
                rows[row, rng.choice(dims, k, replace=False)] = rng.normal(size=k)
        blocks.append(sp.csr_matrix(rows))
    at = list(entry["sweep"]["sparsity"]).index(entry["params"]["sparsity_selected"])
    entry["pair_deltas"], entry["sweep"]["pair_deltas"] = blocks[at], sp.vstack(blocks, format="csr")
    return adata


def store_stability(adata: ad.AnnData, *, key: str = "tgt", seed: int = 2) -> ad.AnnData:
    """Add bootstrap frequencies and intervals for every gene that the stored basis uses."""
    rng = np.random.default_rng(seed)
    basis = adata.uns[key]["deltas"]
    size, dims = basis.shape
    moved = (basis[None, :, :] - basis[:, None, :]).reshape(size * size, dims)
    frequency = np.where(moved != 0, rng.integers(1, 11, moved.shape) / 10, 0.0)
    spread = np.where(moved != 0, rng.random(moved.shape), 0.0)
    parts = {"frequency": frequency, "low": moved - spread, "high": moved + spread}
    stored = {name: sp.csr_matrix(values.astype(np.float32)) for name, values in parts.items()}
    stored |= {"similarity": rng.random((size, size)), "n_bootstraps": 10, "interval": 0.9, "refit": False}
    adata.uns[key]["stability"] = stored | {"sparsity": adata.uns[key]["params"]["sparsity_selected"]}
    return adata


def store_programmes(adata: ad.AnnData, *, n_programmes: int = 12, n_levels: int = 3, seed: int = 4) -> ad.AnnData:
    """Write a result in programmes of neighbouring genes, whose levels are drawn at random, to ``in_programmes``."""
    rng = np.random.default_rng(seed)
    store_result(adata, sparsities=(2,), selected=2, pair_cut=False, key="in_programmes", seed=seed)
    entry = adata.uns["in_programmes"]
    size, dims = entry["means"].shape
    membership = sp.csr_matrix(np.eye(n_programmes)[np.arange(dims) * n_programmes // dims].T)
    levels = rng.integers(0, n_levels, (n_programmes, size))
    levels[:, :n_levels] = np.arange(n_levels)  # every level is somebody's
    differ = (levels[:, :, None] != levels[:, None]).sum(axis=0)[~np.eye(size, dtype=bool)]
    weights = membership.astype(np.float32)
    weights.data = rng.random(weights.nnz).astype(np.float32)
    entry["programs"] = {
        "names": np.array([f"programme {m}" for m in range(n_programmes)]),
        "learned": np.ones(n_programmes, dtype=bool),
        "membership": membership.astype(np.float32),
        "weights": weights,
        "levels": levels[None].astype(np.int16),
        "amounts": (levels[None] + rng.random((1, n_programmes, 1))).astype(np.float32),
        "count_mean": np.array([differ.mean()]),
        "n_genes": np.array([2 * dims // n_programmes]),
        "count_max": np.array([differ.max()]),
    }
    return adata


_SCORES = (
    "correctness",
    "coverage",
    "dbm_correctness",
    "dbm_coverage",
    "validation_correctness",
    "validation_coverage",
    "judge_logreg",
    "judge_knn",
)
