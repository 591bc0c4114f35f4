"""The range of every gene, found while X is read: its smallest and largest value, outliers aside."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from . import kernels as _kernels

KEPT = 3
"""Largest and smallest values kept of each gene. As many cells as that show a value to be no outlier: a group may be as
small (``min_cells``), and its marker is found in no other."""
FEW = 10
"""Of fewer cells with a value of the gene, one in so many may be an outlier: what three cells show is kept whole."""


_SLACK = 1 + 1e-5
"""Logarithms of counts lie exactly as far apart as the bulk is wide (log 4 = 2 log 2): rounding must not decide."""


class Extremes:
    """The largest and smallest values of every gene over the rows added so far; rows may come in any order and parts.

    Parameters
    ----------
    n_genes
        d.
    n_groups
        Rows with a code from 0 to n_groups − 1 count; None: all with a code.
    """

    def __init__(self, n_genes: int, n_groups: int | None = None) -> None:
        self.n_groups = np.iinfo(np.int64).max if n_groups is None else n_groups
        self.n_rows = 0
        self.counts = np.zeros(n_genes, np.int64)
        """Rows with another value than 0."""
        self.top = np.full((n_genes, KEPT), -np.inf, np.float32)
        """Largest such values, descending."""
        self.bottom = np.full((n_genes, KEPT), np.inf, np.float32)
        """Smallest such values, ascending."""

    def add(self, block: Any, codes: np.ndarray) -> None:
        """Add the rows of a block, numpy or CSR, whose code counts."""
        kept = (codes >= 0) & (codes < self.n_groups)
        self.n_rows += int(kept.sum())
        if sparse.issparse(block):
            _kernels.add_extremes_csr(block.indptr, block.indices, block.data, kept, self.top, self.bottom, self.counts)
        else:
            _kernels.add_extremes_dense(np.ascontiguousarray(block), kept, self.top, self.bottom, self.counts)

    def merge(self, other: Extremes) -> None:
        """Add what other rows gave."""
        self.n_rows += other.n_rows
        self.counts += other.counts
        self.top = -np.sort(-np.concatenate([self.top, other.top], axis=1), axis=1)[:, :KEPT]
        self.bottom = np.sort(np.concatenate([self.bottom, other.bottom], axis=1), axis=1)[:, :KEPT]

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of every gene, float32 (d,) each: values of cells, outliers passed over.

        The bulk of a gene reaches from its r-th smallest to its r-th largest value (zeros included). What lies further
        outside the bulk than the bulk is wide is an outlier; the range ends at the first value that is none. r is 3, or
        2 or 1 for a gene seen in at most 20 or 10 cells. −inf and inf if no row was added.
        """
        if not self.n_rows:
            nothing = np.full(len(self.counts), np.inf, np.float32)
            return -nothing, nothing
        zeros = self.n_rows - self.counts
        zero = np.arange(KEPT)[None, :] < zeros[:, None]
        top = -np.sort(-np.concatenate([self.top, np.where(zero, 0, -np.inf)], axis=1), axis=1)[:, :KEPT]
        bottom = np.sort(np.concatenate([self.bottom, np.where(zero, 0, np.inf)], axis=1), axis=1)[:, :KEPT]
        rank = np.clip(-(-self.counts // FEW), 1, min(KEPT, self.n_rows))[:, None] - 1
        upper, lower = np.take_along_axis(top, rank, axis=1), np.take_along_axis(bottom, rank, axis=1)
        width = np.maximum(upper - lower, 0) * _SLACK
        high = np.where(top <= upper + width, top, -np.inf).max(axis=1)
        low = np.where(bottom >= lower - width, bottom, np.inf).min(axis=1)
        return low.astype(np.float32), high.astype(np.float32)
