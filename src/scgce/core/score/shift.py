"""A linear map of translated cells, without touching the cells again: (x + δ)·M = x·M + δ·M."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta

Rows = slice | Tensor
Columns = Callable[[Rows, Tensor], Tensor]
"""`columns(rows, genes)`: the expression of some genes in some cells, dense (n_rows, n_genes)."""

_BLOCK_ENTRIES = 2**23


class LinearShift:
    """t(x)·M for cells x under any translation t, from x·M computed once.

    Without clipping t(x) = x + δ, hence t(x)·M = x·M + δ·M. With clipping t(x) = max(x + δ, 0) on the genes of
    the support (all others stay as they are), hence t(x)·M = x·M + Σ_g (max(x_g + δ_g, 0) − x_g)·M_g, which
    needs the expression of those genes only.

    Parameters
    ----------
    mapped
        x·M (+ any offset) of the n cells, shape (n, h).
    M
        The map, shape (d, h); None if `mapped` is x itself (h = d, the identity).
    columns
        Gives the expression of the support genes; needed for clipping unless M is None.
    """

    def __init__(self, mapped: Tensor, M: Tensor | None, columns: Columns | None = None) -> None:
        if M is not None and M.shape[1] != mapped.shape[1]:
            raise ValueError(f"M has shape {tuple(M.shape)}; accepted: (genes, {mapped.shape[1]}) as mapped")
        self.mapped = mapped
        self.M = M
        self.columns = columns

    def translated(self, rows: Rows, delta: SparseDelta, *, clip: bool = False) -> Tensor:
        """Map the rows after their translation, shape (n_rows, h).

        Parameters
        ----------
        rows
            Cells, as a slice or an int64 tensor.
        delta
            Support and amounts; amounts in the units of x.
        clip
            Whether t(x) = max(x + δ, 0).

        Raises
        ------
        ValueError
            If `clip` is set and no `columns` were given.
        """
        genes = delta.genes.to(self.mapped.device)
        values = delta.values.to(self.mapped)
        base = self.mapped[rows]
        if self.M is None:
            moved = base[:, genes] + values
            return base.index_copy(1, genes, moved.clamp_min(0) if clip else moved)
        if not clip:
            return base + values @ self.M[genes]
        return self._clipped(rows, base, genes, values)

    def steps(self, deltas: Sequence[SparseDelta]) -> Tensor:
        """δ·M of several translations, (T, h), by one product over the genes that any of them has."""
        if self.M is None:
            raise ValueError("M=None: the step is the translation itself")
        every = torch.cat([delta.genes for delta in deltas]).to(self.mapped.device)
        values = torch.cat([delta.values for delta in deltas]).to(self.mapped)
        genes, place = every.unique(return_inverse=True)
        counts = torch.tensor([len(delta.genes) for delta in deltas], device=every.device)
        rows = torch.arange(len(deltas), device=every.device).repeat_interleave(counts)
        table = values.new_zeros(len(deltas), len(genes))
        table[rows, place] = values
        return table @ self.M[genes]

    def _clipped(self, rows: Rows, base: Tensor, genes: Tensor, values: Tensor) -> Tensor:
        if self.columns is None:
            raise ValueError("clip=True needs the expression of the translated genes: give columns to LinearShift")
        if self.M is None:
            raise ValueError("M=None has no columns to add")
        out = base.clone()
        step = max(1, _BLOCK_ENTRIES // max(1, base.shape[0]))
        for start in range(0, genes.numel(), step):
            part = genes[start : start + step]
            x = self.columns(rows, part).to(base)
            # max(x + v, 0) − x written as max(v, −x): one rounding less
            out += torch.maximum(values[start : start + step].expand_as(x), -x) @ self.M[part]
        return out


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
