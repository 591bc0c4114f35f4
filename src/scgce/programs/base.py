"""What gene programmes are, and the cells that they may be learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from scgce.matrix import arrays

_SLACK = 1e-6
"""Rows may exceed 1 by so much: shares that were stored as float32 and read again."""


@dataclass(frozen=True, eq=False)
class Programs:
    """Gene programmes: sets of genes that are moved together, by shares.

    The membership is a partition of unity: moving every programme moves each covered gene once and wholly.

    Attributes
    ----------
    names
        Names (M,), unique strings.
    genes
        Genes of the matrix (d,), in its order.
    membership
        Share of every gene in every programme, float64 CSC (d, M): at least 0, rows sum to 1 (covered gene) or 0.
    learned
        Whether the programme was learned from the cells, bool (M,); the others were given.
    source
        Where they come from: ``"profile"``, ``"coexpression"``, ``"nmf"``, or the kind of what was given.
    n_given
        Genes that the given set names (M,); of a learned programme those it has.
    matched
        Share of the given genes that are genes of the matrix (M,); 1 for a learned programme.
    learned_by
        How the learned ones were: ``"profile"``, ``"coexpression"``, ``"nmf"``; empty where none is.
    weights
        How much each gene leads its programme, float64 CSC (d, M); the membership itself if not given.
    """

    names: np.ndarray
    genes: np.ndarray
    membership: sparse.csc_array
    learned: np.ndarray
    source: str
    n_given: np.ndarray
    matched: np.ndarray
    learned_by: str = ""
    weights: sparse.csc_array | None = None

    def __post_init__(self) -> None:
        n = len(self.names)
        if self.membership.shape != (len(self.genes), n) or n == 0:
            raise ValueError(f"membership has shape {self.membership.shape}; expected ({len(self.genes)}, {n})")
        values = self.membership.data
        if not np.isfinite(values).all() or (values < 0).any() or (self.membership.sum(axis=1) > 1 + _SLACK).any():
            raise ValueError("membership must hold finite shares of at least 0 whose rows sum to at most 1")
        if len(set(self.names)) < n:
            raise ValueError("names of programmes must be unique")

    @property
    def n(self) -> int:
        """Number M of programmes."""
        return len(self.names)

    @property
    def sizes(self) -> np.ndarray:
        """Number of genes with a share in each programme (M,)."""
        return np.asarray((self.membership > 0).sum(axis=0)).ravel()

    @property
    def origins(self) -> np.ndarray:
        """Where each programme comes from (M,): ``source``, or for those learned besides ``learned_by``."""
        return np.array([self.learned_by if one else self.source for one in self.learned], dtype=object)

    @property
    def covered(self) -> np.ndarray:
        """Genes that any programme moves, bool (d,)."""
        return np.asarray(self.membership.sum(axis=1)).ravel() > 0

    def leading(self, program: int, most: int | None = None) -> np.ndarray:
        """Positions of the genes of one programme, the leading ones first; ties by name."""
        genes = np.flatnonzero(self._column(self.membership, program) > 0)
        leads = self._column(self.membership if self.weights is None else self.weights, program)[genes]
        return genes[np.lexsort((self.genes[genes].astype(str), -leads))][:most]

    @staticmethod
    def _column(matrix: sparse.csc_array, column: int) -> np.ndarray:
        dense: np.ndarray = matrix[:, [column]].toarray().ravel()
        return dense

    def take(self, programs: Sequence[int] | np.ndarray) -> Programs:
        """Some of the programmes, in the order given; the shares stay as they are."""
        kept = np.asarray(programs, dtype=np.int64)
        weights = None if self.weights is None else sparse.csc_array(self.weights[:, kept])
        return replace(
            self,
            names=self.names[kept],
            membership=sparse.csc_array(self.membership[:, kept]),
            learned=self.learned[kept],
            n_given=self.n_given[kept],
            matched=self.matched[kept],
            weights=weights,
        )


@dataclass(frozen=True, eq=False)
class FittingCells:
    """The cells that programmes may be learned from.

    Attributes
    ----------
    X
        Matrix (n, d) of any accepted kind, log values.
    codes
        Group of every cell (n,), 0 … l−1; −1: in no group. All 0 where no groups are known.
    rows
        Row numbers of the fitting cells, in an order that does not depend on how the cells are arranged.
    means
        Mean of every group over the fitting cells (l, d), if it is at hand; else X is read for it.
    """

    X: Any
    codes: np.ndarray
    rows: np.ndarray
    means: np.ndarray | None = None

    @property
    def n_groups(self) -> int:
        """Number l of groups."""
        return int(self.codes.max(initial=-1)) + 1

    def group_means(self) -> np.ndarray:
        """Mean of every group over the fitting cells, float64 (l, d)."""
        if self.means is not None:
            return np.asarray(self.means, dtype=np.float64)
        fitting = np.full(len(self.codes), -1, dtype=np.int64)
        fitting[self.rows] = self.codes[self.rows]
        sizes = np.bincount(fitting[fitting >= 0], minlength=self.n_groups)[:, None]
        return arrays.group_sums(self.X, fitting, self.n_groups) / np.maximum(sizes, 1)
