"""PCA as an exact linear encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from scgce._api.adata import basis_key, gene_names, get_matrix
from scgce._api.warn import warn

from ._base import Encoder
from ._fidelity import MAX_CELLS, neighbours_kept, r_squared, sample_rows, sampled_blocks

if TYPE_CHECKING:
    from anndata import AnnData

EXACT_R2 = 0.999
"""From here up a linear map counts as the representation itself."""
LOWEST_R2 = 0.95
"""Below, the representation does not belong to the matrix."""


@dataclass(frozen=True)
class _Candidate:
    """One way the loadings may act on the matrix: (d, m) map, (m,) offset, sampled cells, their R²."""

    label: str
    W: np.ndarray
    offset: np.ndarray
    found: np.ndarray
    r2: float


def linear_from_pca(
    adata: AnnData, use_rep: str = "X_pca", *, layer: str | None = None, rng: int | np.random.Generator = 0
) -> Encoder:
    """The linear encoder whose loadings are stored beside a PCA.

    The offset (centring) is read off the data, so that centred and uncentred PCA and subsets of cells all work.
    If ``sc.pp.scale`` left ``var["std"]``, the loadings divided by it are tried as well: a PCA of scaled data,
    explained on data that are not scaled.

    Parameters
    ----------
    adata
        Has ``obsm[use_rep]`` (n, m) and its loadings in ``varm["PCs"]`` (or ``varm[use_rep]``), (d, m).
    use_rep
        The PCA's key.
    layer
        Matrix to be explained, None for X.
    rng
        Which cells (at most 5,000) are used for the check.

    Returns
    -------
    Encoder of kind ``"linear"``; ``fidelity["r2"]`` is 1 to float precision if the map is exact.

    Raises
    ------
    ValueError
        If there are no loadings, or r2 is below 0.95: the representation does not belong to the matrix.

    Warns
    -----
    UserWarning
        If r2 is between 0.95 and 0.999, as after ``sc.pp.scale(max_value=…)``.
    """
    key = basis_key(adata, use_rep)
    target = np.asarray(adata.obsm[key], dtype=np.float64)
    name, loadings = _loadings(adata, key, target.shape[1])
    X = get_matrix(adata, layer)
    rows = sample_rows(adata.n_obs, MAX_CELLS, rng)
    target = target[rows]
    maps = {"as they are": loadings}
    if "std" in adata.var:
        maps['divided by var["std"]'] = _unscaled(adata, loadings)
    candidates = _candidates(maps, X, rows, target)
    best = max(candidates, key=lambda candidate: candidate.r2)
    _judge(best, candidates, key, name, layer, loadings)
    return Encoder(
        kind="linear",
        genes=gene_names(adata),
        W=best.W,
        b=best.offset,
        tail=nn.Identity(),
        n_dims=target.shape[1],
        fidelity={"r2": best.r2, "neighbours": neighbours_kept(target, best.found), "n_cells": float(len(rows))},
        name=f"PCA {key}",
    )


def has_loadings(adata: AnnData, key: str) -> bool:
    """Whether an obsm key is a PCA with its loadings (``varm["PCs"]`` belongs to ``X_pca`` and ``pca``)."""
    return key in ("X_pca", "pca") or (key in adata.varm and "variance_ratio" in adata.uns.get(key, {}))


def _loadings(adata: AnnData, key: str, m: int) -> tuple[str, np.ndarray]:
    shape = (adata.n_vars, m)
    for name in (key, "PCs"):
        if name in adata.varm and tuple(adata.varm[name].shape) == shape:
            return name, np.nan_to_num(np.asarray(adata.varm[name], dtype=np.float64))
    found = ", ".join(f"{name} {tuple(values.shape)}" for name, values in adata.varm.items()) or "nothing"
    raise ValueError(
        f"use_rep={key!r}: its loadings, varm['PCs'] of shape {shape}, are missing (varm has {found}). "
        "Recompute the PCA on this AnnData (sc.pp.pca), or explain another representation"
    )


def _unscaled(adata: AnnData, loadings: np.ndarray) -> np.ndarray:
    """Loadings for data before ``sc.pp.scale``; a gene without spread is constant there and has no say."""
    std = np.asarray(adata.var["std"], dtype=np.float64)
    usable = np.isfinite(std) & (std > 0)
    return np.where(usable[:, None], loadings / np.where(usable, std, 1.0)[:, None], 0.0)


def _candidates(maps: dict[str, np.ndarray], X: Any, rows: np.ndarray, target: np.ndarray) -> list[_Candidate]:
    """Apply all maps in one read of the sampled rows, in float64."""
    together = np.concatenate(list(maps.values()), axis=1)
    products = np.concatenate([block.astype(np.float64) @ together for block in sampled_blocks(X, rows)])
    candidates = []
    for (label, W), product in zip(maps.items(), np.split(products, len(maps), axis=1), strict=True):
        offset = (target - product).mean(axis=0)
        found = product + offset
        candidates.append(_Candidate(label, W, offset, found, r_squared(target, found)))
    return candidates


def _judge(
    best: _Candidate, tried: list[_Candidate], key: str, name: str, layer: str | None, loadings: np.ndarray
) -> None:
    if best.r2 >= EXACT_R2:
        return
    matrix = "X" if layer is None else f"layers[{layer!r}]"
    numbers = ", ".join(f"{candidate.label}: {candidate.r2:.3g}" for candidate in tried)
    if best.r2 >= LOWEST_R2:
        warn(
            f"varm[{name!r}] reproduces obsm[{key!r}] from {matrix} only with R² = {best.r2:.4f} (values clipped by "
            "sc.pp.scale(max_value=…), or genes removed after the PCA?). What is explained is the linear map"
        )
        return
    norms = np.linalg.norm(loadings, axis=0)
    removed = " The loadings are shorter than 1, so genes were removed after the PCA." if norms.min() < 0.99 else ""
    raise ValueError(
        f"use_rep={key!r} does not belong to {matrix}: varm[{name!r}] does not reproduce it (R² with the loadings "
        f"{numbers}; needed: {LOWEST_R2}).{removed} Name the matrix that the PCA was computed from with layer=, "
        "recompute the PCA on this matrix (sc.pp.pca), or give another use_rep"
    )
