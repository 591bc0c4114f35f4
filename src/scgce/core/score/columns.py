"""Expression of a few genes in the cells at hand: read once per gene, or looked up in a matrix held in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from .translator import Columns, Rows

_MOST = 2**27
"""Most numbers kept."""


class CachedColumns:
    """``columns(rows, genes)`` for a `Translator`; genes not seen before are fetched for all cells and kept.

    Once so many are kept that memory would suffer, further genes are fetched anew each time.

    Parameters
    ----------
    fetch
        Dense expression (n, |genes|) float32 of the given genes (int64) in all n cells.
    n_genes
        d.
    """

    def __init__(self, fetch: Callable[[Tensor], Tensor], n_genes: int) -> None:
        self._fetch = fetch
        self._position = torch.full((n_genes,), -1, dtype=torch.int64)
        self._stored: Tensor | None = None

    def __call__(self, rows: Rows, genes: Tensor) -> Tensor:
        wanted = genes.cpu()
        missing = wanted[self._position[wanted] < 0]
        if len(missing):
            before = 0 if self._stored is None else self._stored.shape[1]
            if self._stored is not None and (before + len(missing)) * len(self._stored) > _MOST:
                return self._fetch(wanted)[rows]
            fresh = self._fetch(missing)
            self._position[missing] = torch.arange(before, before + len(missing))
            self._stored = fresh if self._stored is None else torch.cat([self._stored, fresh], dim=1)
        if self._stored is None:
            raise ValueError("no gene was asked for; accepted: at least one")
        places = self._position[wanted].to(self._stored.device)
        if isinstance(rows, slice):
            return self._stored[rows][:, places]
        return self._stored[rows.to(self._stored.device)[:, None], places]


def sparse_columns(X: np.ndarray | sparse.sparray | sparse.spmatrix) -> Columns:
    """Look up columns of a matrix of cells held in memory, sparse or dense, shape (n, d).

    A sparse one is kept both by cell and by gene: a few genes are read by gene, many genes of a few cells by cell.
    """
    if not sparse.issparse(X):
        dense = torch.as_tensor(np.asarray(X))
        return lambda rows, genes: dense[rows][:, genes.to(dense.device)]
    by_cell, by_gene = sparse.csr_array(X), sparse.csc_array(X)
    n_cells, n_genes = by_cell.shape

    def columns(rows: Rows, genes: Tensor) -> Tensor:
        wanted = genes.cpu().numpy()
        cells = rows if isinstance(rows, slice) else rows.cpu().numpy()
        n_rows = len(range(n_cells)[cells]) if isinstance(cells, slice) else cells.size
        if n_cells * wanted.size <= n_rows * n_genes:
            return torch.as_tensor(by_gene[:, wanted].toarray()[cells])
        return torch.as_tensor(by_cell[cells].toarray()[:, wanted])

    return columns
