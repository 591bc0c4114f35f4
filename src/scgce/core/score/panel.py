"""What a panel can do with cells that did not choose it: every beginning of it, and every pair of groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PanelScores:
    """Scores of the linear discriminant (balanced groups, one covariance) over the panel's genes.

    Attributes
    ----------
    recalls
        Share of every group's cells called by its name by the first 1 … k genes, (l, k); NaN for a group without cells.
    pairs
        Balanced accuracy of telling two groups apart by all k genes, (l, l), symmetric, NaN on the diagonal.
    sizes
        Cells scored of every group (l,).
    """

    recalls: Floats
    pairs: Floats
    sizes: NDArray[np.int64]

    @property
    def accuracy(self) -> Floats:
        """Mean recall over the groups that have cells (k,)."""
        return np.asarray(self.recalls[self.sizes > 0].mean(axis=0))

    @property
    def standard_error(self) -> Floats:
        """Of the accuracy (k,), cells of a group taken as independent."""
        found, sizes = self.recalls[self.sizes > 0], self.sizes[self.sizes > 0]
        return np.asarray(np.sqrt((found * (1 - found) / sizes[:, None]).sum(axis=0)) / len(sizes))


def score_panel(values: Floats, codes: NDArray[np.int64], means: Floats, factor: Floats) -> PanelScores:
    """Score every beginning of a panel.

    Parameters
    ----------
    values
        Cells × genes in the order of choice (n, k).
    codes
        Group of every cell (n,).
    means
        Group means of these genes (l, k), of the cells that chose them.
    factor
        Lower Cholesky factor of their covariance within groups (k, k).
    """
    n_groups, k = means.shape
    cells = solve_triangular(factor, values.T, lower=True).T
    centres = solve_triangular(factor, means.T, lower=True).T
    recalls, nearer = np.full((n_groups, k), np.nan), np.full((n_groups, n_groups), np.nan)
    for g in range(n_groups):
        mine = cells[codes == g]
        if len(mine):
            distances = np.cumsum((mine[:, None, :] - centres) ** 2, axis=2)
            recalls[g] = (distances.argmin(axis=1) == g).mean(axis=0)
            own, others = distances[:, [g], -1], distances[:, :, -1]
            # a tie is half right: genes without information must score as guessing does
            nearer[g] = ((own < others) + 0.5 * (own == others)).mean(axis=0)
    pairs = (nearer + nearer.T) / 2
    np.fill_diagonal(pairs, np.nan)
    return PanelScores(recalls, pairs, np.bincount(codes, minlength=n_groups))


def fewest_as_good(scores: PanelScores) -> int:
    """The smallest number of genes within one standard error of the best accuracy (Breiman's rule)."""
    accuracy = scores.accuracy
    best = int(np.argmax(accuracy))
    return int(np.flatnonzero(accuracy >= accuracy[best] - scores.standard_error[best])[0]) + 1
