"""How well an encoder reproduces a representation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from scgce.matrix.arrays import csr_rows, dense_rows

if TYPE_CHECKING:
    from ._base import Encoder

MAX_CELLS = 5000
N_NEIGHBORS = 15
_BLOCK_BYTES = 2**26


def check_fidelity(
    encoder: Encoder,
    X: Any,
    target: Any,
    *,
    rng: int | np.random.Generator = 0,
    max_cells: int = MAX_CELLS,
    used: np.ndarray | None = None,
) -> dict[str, float]:
    """Compare r(X) with a representation on at most ``max_cells`` random cells.

    Parameters
    ----------
    encoder
        The encoder r.
    X
        Matrix (n, d) of any kind.
    target
        The representation, (n, m).
    rng
        Which cells are sampled.
    used
        From which cells, bool (n,); from all if None.

    Returns
    -------
    ``r2``: one minus the residual over the total sum of squares, all dimensions together.  ``neighbours``: share
    of the 15 nearest sampled cells in the representation that are among the 15 nearest in r.  ``n_cells``.
    """
    target = np.asarray(target)
    there = rows_used(target.shape[0], used)
    rows = there[sample_rows(len(there), max_cells, rng)]
    wanted = np.asarray(target[rows], dtype=np.float64)
    found = np.concatenate([encoder(block) for block in sampled_blocks(X, rows)]).astype(np.float64)
    if found.shape != wanted.shape:
        raise ValueError(f"the encoder has {found.shape[1]} dimensions, the representation {wanted.shape[1]}")
    return {
        "r2": r_squared(wanted, found),
        "neighbours": neighbours_kept(wanted, found),
        "n_cells": float(len(rows)),
    }


def sampled_blocks(X: Any, rows: np.ndarray) -> Iterator[Any]:
    """The given rows of X in bounded blocks: CSR, or dense where most values are not zero."""
    look = csr_rows(X, rows[:20])
    take = dense_rows if look.nnz > 0.4 * max(1, look.shape[0] * look.shape[1]) else csr_rows
    step = max(1, _BLOCK_BYTES // (4 * X.shape[1])) if take is dense_rows else len(rows)
    for start in range(0, len(rows), step):
        yield take(X, rows[start : start + step])


def rows_used(n: int, used: np.ndarray | None) -> np.ndarray:
    """Row numbers of the cells that take part; of all n if ``used`` is None."""
    return np.arange(n) if used is None else np.flatnonzero(used)


def sample_rows(n: int, size: int, rng: int | np.random.Generator) -> np.ndarray:
    """Sorted indices of at most ``size`` of n rows, without replacement."""
    if n <= size:
        return np.arange(n)
    return np.sort(np.random.default_rng(rng).choice(n, size, replace=False))


def r_squared(wanted: np.ndarray, found: np.ndarray) -> float:
    """Share of the variance of ``wanted`` (n, m) reproduced by ``found``, all dimensions together; at most 1."""
    residual = float(((wanted - found) ** 2).sum())
    total = float(((wanted - wanted.mean(axis=0)) ** 2).sum())
    if total == 0.0:
        return 1.0 if residual == 0.0 else 0.0
    return 1.0 - residual / total


def neighbours_kept(wanted: np.ndarray, found: np.ndarray, n_neighbors: int = N_NEIGHBORS) -> float:
    """Share of the nearest neighbours in ``wanted`` (n, m) that are nearest neighbours in ``found`` (n, m')."""
    k = min(n_neighbors, len(wanted) - 1)
    if k < 1:
        return 1.0
    nearest = [
        NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False) for points in (wanted, found)
    ]
    kept = (nearest[0][:, :, None] == nearest[1][:, None, :]).any(axis=2)
    return float(kept.mean())
