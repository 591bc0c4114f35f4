"""The codebook: for every gene programme a partition of the groups into levels, each pair moved between real means.

With membership P (d × M, rows sum to at most 1) and μ_m(j) the cell-weighted mean expression over the groups on the
level of j in programme m, ``δ_j = Σ_m P_m ⊙ μ_m(j)``: a programme takes part in i → j exactly if i and j lie on
different levels of it. Explanations are differences of rows, so they are symmetric and transitive; there is no
amplitude; every amount is a difference of real means. One level per group is the difference of means on the genes
covered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from scgce.core.pairs import Asked, mask_of
from scgce.core.translations import Translations


def canonical(levels: np.ndarray) -> np.ndarray:
    """The same partitions (…, l) with levels numbered in the order in which they first appear."""
    same = levels[..., :, None] == levels[..., None, :]
    first = same.argmax(-1)  # position of the first group on the same level
    opens = first == np.arange(levels.shape[-1])
    return np.asarray(np.take_along_axis(np.cumsum(opens, axis=-1) - 1, first, axis=-1))


def averaging(levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Matrices (…, l, l) that replace every group's vector by the weighted mean over its level."""
    same = (levels[..., :, None] == levels[..., None, :]) * weights
    return np.asarray(same / same.sum(-1, keepdims=True))


def differing(levels: np.ndarray) -> np.ndarray:
    """Programmes on which two groups lie on different levels, int64 (l, l), of levels (M, l)."""
    return np.asarray((levels[:, :, None] != levels[:, None, :]).sum(0))


def pairwise(levels: np.ndarray, asked: Asked | None = None) -> np.ndarray:
    """Programmes that take part in every ordered pair asked for (P,), of levels (M, l)."""
    return np.asarray(differing(levels)[mask_of(levels.shape[1], asked)])


@dataclass(frozen=True)
class ProgramMeans:
    """What programmes hold of the groups' means: all that a codebook is made of.

    Attributes
    ----------
    membership
        Shares (d, M), CSC.
    means
        Mean expression of the groups over the fitting cells (l, d), float64.
    weights
        Weight of every group in the mean of a level (l,): its number of fitting cells.
    """

    membership: sparse.csc_array
    means: np.ndarray
    weights: np.ndarray

    @property
    def n_programs(self) -> int:
        """M."""
        return int(self.membership.shape[1])

    @property
    def n_groups(self) -> int:
        """l."""
        return len(self.means)

    def genes(self, program: int) -> tuple[np.ndarray, np.ndarray]:
        """Genes of a programme and their shares."""
        span = slice(*self.membership.indptr[program : program + 2])
        return self.membership.indices[span], self.membership.data[span]

    def hidden(self, W: np.ndarray | None) -> np.ndarray:
        """(P_m ⊙ x̄_g)·W of every programme and group, float32 (M, l, h); h = d without W."""
        width = self.means.shape[1] if W is None else W.shape[1]
        found = np.zeros((self.n_programs, self.n_groups, width), dtype=np.float32)
        for program in range(self.n_programs):
            genes, shares = self.genes(program)
            part = self.means[:, genes] * shares
            if W is None:
                found[program][:, genes] = part
            else:
                found[program] = part @ W[genes]
        return found

    def products(self) -> np.ndarray:
        """Products Σ_g P_gm x̄_ig x̄_jg of the groups' deviations from their common mean, float64 (M, l, l)."""
        centred = self.means - self.means.mean(0)
        found = np.zeros((self.n_programs, self.n_groups, self.n_groups))
        for program in range(self.n_programs):
            genes, shares = self.genes(program)
            found[program] = (centred[:, genes] * shares) @ centred[:, genes].T
        return found

    def sizes(self) -> np.ndarray:
        """Mean amount of every programme in every group, Σ_g P_gm x̄_ig / Σ_g P_gm, float64 (M, l)."""
        total = np.asarray(self.membership.sum(0)).ravel()
        return np.asarray((self.membership.T @ self.means.T) / np.maximum(total, np.finfo(float).tiny)[:, None])

    def ordered(self, levels: np.ndarray) -> np.ndarray:
        """The same partitions (M, l) with level 0 the lowest mean amount of each programme."""
        amounts = np.einsum("mij,mj->mi", averaging(levels, self.weights), self.sizes())
        found = np.empty(levels.shape, dtype=np.int64)
        for program, (own, amount) in enumerate(zip(levels, amounts, strict=True)):
            names, first = np.unique(own, return_index=True)
            rank = np.empty(len(names), dtype=np.int64)
            rank[np.lexsort((first, amount[first]))] = np.arange(len(names))
            found[program] = rank[np.searchsorted(names, own)]
        return found

    def level_means(self, levels: np.ndarray) -> np.ndarray:
        """Mean amount of the level of every group in every programme, float64 (M, l)."""
        return np.asarray(np.einsum("mij,mj->mi", averaging(levels, self.weights), self.sizes()))

    def translations(self, levels: np.ndarray) -> Translations:
        """δ of a codebook on all genes that it moves.

        Rows of groups that share a level are equal to the last bit, and on the grid of `Translations.rounded`
        differences are exact.
        """
        delta = np.zeros_like(self.means)
        for program, matrix in enumerate(averaging(levels, self.weights)):
            genes, shares = self.genes(program)
            _, first, level = np.unique(levels[program], return_index=True, return_inverse=True)
            rows = (matrix[first] @ self.means[:, genes])[level]  # one product a level: equal rows for equal levels
            delta[:, genes] += shares * rows
        return Translations.of_dense(torch.from_numpy(delta)).rounded().drop_unused()
