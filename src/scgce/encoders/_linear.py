"""PCA as an exact linear encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from scgce._api.adata import basis_key, check_finite, coordinates, gene_names, get_matrix, is_real, numbers
from scgce._api.warn import warn

from ._base import Encoder
from ._fidelity import MAX_CELLS, neighbours_kept, r_squared, rows_used, sample_rows, sampled_blocks

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
    adata: AnnData,
    use_rep: str = "X_pca",
    *,
    layer: str | None = None,
    rng: int | np.random.Generator = 0,
    used: np.ndarray | None = None,
) -> Encoder:
    """The linear encoder whose loadings are stored beside a PCA.

    The offset (centring) is read off the data, so that centred and uncentred PCA and subsets of cells all work.
    If ``sc.pp.scale`` left ``var["std"]``, the loadings divided by it are tried as well: a PCA of scaled data,
    explained on data that are not scaled.

    Parameters
    ----------
    adata
        Has ``obsm[use_rep]`` (n, m) and its loadings in ``varm["PCs"]`` (or ``varm[use_rep]``), (d, m) or longer: the
        first m are taken.
    use_rep
        The PCA's key.
    layer
        Matrix to be explained, None for X.
    rng
        Which cells (at most 5,000) are used for the check.
    used
        Cells that take part, bool (n,), and must have coordinates; None: all that have.

    Returns
    -------
    Encoder of kind ``"linear"``; ``fidelity["r2"]`` is 1 to float precision if the map is exact.

    Raises
    ------
    ValueError
        If there are no loadings, a cell that takes part has no coordinates, or r2 is below 0.95: the representation
        does not belong to the matrix.

    Warns
    -----
    UserWarning
        If r2 is between 0.95 and 0.999, as after ``sc.pp.scale(max_value=…)``.
    """
    key = basis_key(adata, use_rep)
    target = coordinates(adata, key)
    name, loadings = _loadings(adata, key, target.shape[1])
    if used is None:
        used = np.isfinite(target).all(axis=1)
    else:
        check_finite(target, adata, f"adata.obsm[{key!r}]", used)
    X = get_matrix(adata, layer)
    there = rows_used(adata.n_obs, used)
    rows = there[sample_rows(len(there), MAX_CELLS, rng)]
    target = target[rows]
    maps = {"as they are": loadings}
    if "std" in adata.var and is_real(adata.var["std"].dtype):
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


def is_pca(adata: AnnData, key: str) -> bool:
    """Whether an obsm key is a PCA, with its loadings or without (``varm["PCs"]`` belongs to ``X_pca`` and ``pca``)."""
    return key in ("X_pca", "pca") or (key in adata.varm and "variance_ratio" in adata.uns.get(key, {}))


def has_loadings(adata: AnnData, key: str) -> bool:
    """Whether an obsm key is a PCA with loadings for all of its dimensions."""
    return is_pca(adata, key) and _stored_loadings(adata, key, np.shape(adata.obsm[key])[1]) is not None


def missing_loadings(adata: AnnData, key: str) -> str:
    """What is missing of a PCA without usable loadings, for messages."""
    found = ", ".join(f"{name} {tuple(values.shape)}" for name, values in adata.varm.items()) or "nothing"
    shape = (adata.n_vars, np.shape(adata.obsm[key])[1])
    return f"use_rep={key!r}: its loadings, varm['PCs'] of shape {shape}, are missing (varm has {found})"


def _stored_loadings(adata: AnnData, key: str, m: int) -> tuple[str, Any] | None:
    """Those of exactly m components before longer ones, of which the first m belong to a PCA that was cut."""
    there = [(name, adata.varm[name]) for name in (key, "PCs") if name in adata.varm and adata.varm[name].ndim == 2]
    fitting = [(name, values) for name, values in there if values.shape[1] >= m]
    return min(fitting, key=lambda one: one[1].shape[1] != m, default=None)


def _loadings(adata: AnnData, key: str, m: int) -> tuple[str, np.ndarray]:
    found = _stored_loadings(adata, key, m)
    if found is None:
        raise ValueError(
            f"{missing_loadings(adata, key)}. Recompute the PCA on this AnnData (sc.pp.pca), or explain a student: "
            f"scgce.tl.distill(adata, {key!r}, basis='X'), then use_rep='{key}_student'"
        )
    name, values = found
    return name, np.nan_to_num(numbers(values, f"adata.varm[{name!r}]", adata.n_vars)[:, :m])


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
        f"recompute the PCA on this matrix (sc.pp.pca), or explain a student of it: scgce.tl.distill(adata, {key!r}, "
        f"basis='X'), then use_rep='{key}_student'"
    )
