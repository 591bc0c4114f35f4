"""Explanations made pair by pair: no common basis, hence no consistency; stored as one sparse row a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import sparse

from scgce.core.choose.select import Explained
from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.pairs import Asked, listed
from scgce.core.score.metrics import Scores
from scgce.core.translations import Translations


@dataclass(frozen=True)
class PairExplained(Explained):
    """`translations` is the basis nearest to the pairs' explanations, for reading by group only."""

    pairs: PairCuts

    def cuts(self) -> PairCuts:
        """The explanations themselves."""
        return self.pairs


def pair_explained(
    sparsity: int, lam: float, pairs: PairCuts, validation: Scores, asked: Asked | None = None
) -> PairExplained:
    """Explanations of one sparsity, of the pairs asked for, with the basis beside them."""
    return PairExplained(sparsity, lam, nearest_basis(pairs, asked), False, validation, pairs)


def nearest_basis(pairs: PairCuts, asked: Asked | None = None) -> Translations:
    """The basis δ whose differences δ_j − δ_i are nearest to the explanations in the least squares.

    For e_ij of all ordered pairs the minimiser of Σ ‖δ_j − δ_i − e_ij‖² is δ_g = Σ_i (e_ig − e_gi) / 2l; of some pairs
    it is the same sum over them, divided by twice the Laplacian of the graph that they make.
    """
    n = pairs.n_groups
    total = torch.zeros(n, pairs.n_genes, dtype=torch.float64)
    for i, j in listed(n, asked):
        genes, values = pairs(i, j)
        total[j, genes] += values.double()
        total[i, genes] -= values.double()
    if asked is None:
        return Translations.of_dense(total / (2 * n)).rounded().drop_unused()
    inverse = torch.from_numpy(np.linalg.pinv(np.diag(asked.sum(1)) - asked.astype(float)))
    return Translations.of_dense(inverse @ total / 2).rounded().drop_unused()


def in_float32(deltas: Mapping[tuple[int, int], SparseDelta], n_groups: int, n_genes: int) -> PairCuts:
    """Amounts as they will be read again after storage."""
    rounded = {pair: SparseDelta(genes, values.float()) for pair, (genes, values) in deltas.items()}
    return PairCuts.given(rounded, n_groups, n_genes)


def pair_rows(pairs: PairCuts, wanted: Sequence[tuple[int, int]] | None = None) -> sparse.csr_matrix:
    """CSR float32 (l·l, d), row i·l + j for i → j; empty for a pair that is not wanted."""
    n = pairs.n_groups
    nothing = SparseDelta(torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    there = set(listed(n) if wanted is None else wanted)
    rows = [pairs(i, j) if (i, j) in there else nothing for i in range(n) for j in range(n)]
    indptr = np.cumsum([0, *(len(row.genes) for row in rows)])
    genes = torch.cat([row.genes for row in rows]).numpy()
    values = torch.cat([row.values.float() for row in rows]).numpy()
    return sparse.csr_matrix((values, genes, indptr), shape=(n * n, pairs.n_genes))


def from_rows(rows: Any, columns: np.ndarray, n_genes: int) -> PairCuts:
    """The explanations back from (l·l, d') rows; column c is gene ``columns[c]`` of n_genes, -1 for none."""
    n = int(np.sqrt(rows.shape[0]))
    deltas = {}
    for i in range(n):
        for j in range(n):
            if i != j:
                dense = np.zeros(n_genes, dtype=np.float32)
                row = rows[i * n + j].tocoo()
                there = columns[row.col] >= 0
                dense[columns[row.col[there]]] = row.data[there]
                genes = np.flatnonzero(dense)
                deltas[i, j] = SparseDelta(torch.from_numpy(genes), torch.from_numpy(dense[genes]))
    return PairCuts.given(deltas, n, n_genes)
