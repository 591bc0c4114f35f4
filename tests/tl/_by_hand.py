"""What the tools compute, written out plainly for the linear encoder of ``blobs``: r(x) = x·PCs up to a constant."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

import scgce


def dense(adata: ad.AnnData) -> np.ndarray:
    return adata.X.toarray().astype(np.float64)


def members(adata: ad.AnnData, key: str, part: int, groupby: str = "group") -> dict[str, np.ndarray]:
    """Rows of each group's cells of one part (0 fit, 1 validate, 2 report)."""
    split, labels = np.asarray(adata.uns[key]["split"]), adata.obs[groupby].astype(str).to_numpy()
    return {str(g): np.flatnonzero((labels == g) & (split == part)) for g in adata.uns[key]["groups"]}


def delta(adata: ad.AnnData, source: str, target: str, key: str, sparsity: int | None = None) -> np.ndarray:
    """An explanation as a vector over ``adata.var_names``."""
    frame = scgce.get.explanation(adata, source, target, key=key, sparsity=sparsity).set_index("gene")
    return frame["delta"].reindex(adata.var_names).fillna(0.0).to_numpy()


def bounds(adata: ad.AnnData, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Between which values the translated cells of a result stay, gene by gene."""
    entry = adata.uns[key]
    if entry["params"]["clip"] == "range":
        return np.asarray(entry["low"], float), np.asarray(entry["high"], float)
    below = 0.0 if entry["params"]["clip"] == "zero" else -np.inf
    return np.full(adata.n_vars, below), np.full(adata.n_vars, np.inf)


def scored(
    adata: ad.AnnData,
    key: str,
    sparsity: int | None = None,
    groupby: str = "group",
    rows: dict[str, np.ndarray] | None = None,
    dose: float = 1.0,
) -> pd.DataFrame:
    """Correctness and coverage of every ordered pair on the reported cells, from all distances."""
    X, pcs, epsilon = dense(adata), adata.varm["PCs"], adata.uns[key]["epsilon"]
    cells = members(adata, key, 2, groupby) if rows is None else rows
    found = []
    low, high = bounds(adata, key)
    for source, mine in cells.items():
        for target, theirs in cells.items():
            if source != target:
                amounts = dose * delta(adata, source, target, key, sparsity)
                cells_moved = np.where(amounts != 0, np.clip(X[mine] + amounts, low, high), X[mine])
                moved = cells_moved @ pcs
                near = cdist(moved, X[theirs] @ pcs) <= epsilon
                scores = near.any(axis=1).mean(), near.any(axis=0).mean()
                found.append((source, target, *scores))
    return pd.DataFrame(found, columns=["source", "target", "correctness", "coverage"])


def assert_scored(frame: pd.DataFrame, expected: pd.DataFrame, cells: int = 18) -> None:
    """Equal but for a cell that lies at ε to within float32."""
    merged = frame.merge(expected, on=["source", "target"], suffixes=("", "_expected"))
    assert len(merged) == len(expected) == len(frame)
    for name in ("correctness", "coverage"):
        np.testing.assert_allclose(merged[name], merged[f"{name}_expected"], atol=1.01 / cells)
        assert (merged[name] - merged[f"{name}_expected"]).abs().mean() < 0.2 / cells
