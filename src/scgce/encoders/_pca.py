"""A PCA of the matrix as a linear encoder, for students whose teacher left no loadings."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from torch import nn

from scgce.matrix.arrays import csr_rows

from ._base import Encoder
from ._fidelity import sample_rows

MAX_CELLS = 10_000
_OVERSAMPLING = 20
_POWER_STEPS = 5


def pca_basis(
    X: Any, genes: Any, n_pcs: int = 50, *, rng: int | np.random.Generator = 0, order: np.ndarray | None = None
) -> Encoder:
    """Principal components of at most 10,000 cells, as an encoder; X is not made dense.

    Parameters
    ----------
    X
        Matrix (n, d) of any kind.
    genes
        Names (d,).
    n_pcs
        Components wanted, at most min(n − 1, d).
    rng
        Which cells, and the start of the iteration.
    order
        Row numbers of the cells to use, all by default, in the order in which they are sampled, so that the result
        does not depend on how they are arranged.

    Returns
    -------
    Linear encoder (d → p); centred on the mean of the cells used.
    """
    generator = np.random.default_rng(rng)
    order = np.arange(X.shape[0]) if order is None else order
    sample = csr_rows(X, order[sample_rows(len(order), MAX_CELLS, generator)])
    n_pcs = max(1, min(n_pcs, sample.shape[0] - 1, sample.shape[1]))
    mean = np.asarray(sample.sum(axis=0, dtype=np.float64)).ravel() / sample.shape[0]
    loadings = _right_singular_vectors(sample, mean.astype(np.float32), n_pcs, generator)
    return Encoder(
        kind="linear",
        genes=genes,
        W=loadings,
        b=-(mean @ loadings),
        tail=nn.Identity(),
        n_dims=n_pcs,
        name=f"PCA of {sample.shape[0]} cells",
    )


def _right_singular_vectors(
    X: sparse.csr_array, mean: np.ndarray, k: int, generator: np.random.Generator
) -> np.ndarray:
    """First k right singular vectors (d, k) of X − mean, by randomised subspace iteration (Halko et al. 2011)."""
    n, d = X.shape
    width = min(k + _OVERSAMPLING, n, d)
    basis = generator.standard_normal((d, width)).astype(np.float32)
    transposed = X.T.tocsr()
    for _ in range(_POWER_STEPS):
        scores, _ = np.linalg.qr(X @ basis - mean @ basis)
        basis, _ = np.linalg.qr(transposed @ scores - np.outer(mean, scores.sum(axis=0)))
    scores = X @ basis - mean @ basis
    _, _, rotation = np.linalg.svd(scores.astype(np.float64), full_matrices=False)
    return basis.astype(np.float64) @ rotation[:k].T
