"""A PCA of the matrix as a linear encoder, for students whose teacher left no loadings."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from torch import nn

from scgce.matrix.arrays import csr_rows

from ._base import Encoder
from ._fidelity import sample_rows

MAX_CELLS = 10_000
_FULL = 200
"""Cells or genes up to which all components are found, as the iteration finds no more than all but one."""


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
        Which cells.
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
    if min(sample.shape) <= _FULL:
        found = PCA(n_pcs, svd_solver="full").fit(sample.toarray())
    else:
        found = PCA(n_pcs, svd_solver="arpack", random_state=0).fit(sample)
    loadings = found.components_.T
    return Encoder(
        kind="linear",
        genes=genes,
        W=loadings,
        b=-(found.mean_ @ loadings),
        tail=nn.Identity(),
        n_dims=n_pcs,
        name=f"PCA of {sample.shape[0]} cells",
    )
