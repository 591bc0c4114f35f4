"""What part of the explanations a list of genes holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgce.store.result import Result

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares of the pairs' explanations (absolute amounts), pairs without an explanation left out.

    Attributes
    ----------
    genes
        Names of the genes that some explanation uses (a,).
    values
        Share of each gene in each pair, (P, a), rows sum to 1.
    first, second
        Rows of the pairs' groups (P,).
    """

    genes: NDArray[np.object_]
    values: Floats
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(cls, result: Result, sparsity: int | None = None) -> Shares:
        """Shares of a stored explanation, at one of its sparsities (the selected one if None)."""
        k = result.check_sparsity(sparsity)
        pairs = [(i, j) for i, j in result.ordered_pairs if i < j]
        first, second = np.array(pairs, dtype=np.int64).T
        cuts = result.pair_cuts(k)
        amounts = np.stack([np.abs(cuts.dense(i, j)) for i, j in pairs])
        active = np.flatnonzero(amounts.any(axis=0))
        amounts = amounts[:, active]
        total = amounts.sum(axis=1, dtype=np.float64)
        told = total > 0
        return cls(result.genes[active], amounts[told] / total[told, None], first[told], second[told])

    def held(self, genes: NDArray[np.object_]) -> Floats:
        """Share of each pair that the first 1 … k genes hold, (k, P)."""
        place = {name: index for index, name in enumerate(self.genes)}
        found = np.zeros((len(genes), len(self.values)))
        for row, gene in enumerate(genes):
            if gene in place:
                found[row] = self.values[:, place[gene]]
        return np.minimum(np.cumsum(found, axis=0), 1.0)

    def serving(self, length: int) -> NDArray[np.int64]:
        """Genes (numbers in ``genes``), each the one that most raises the sum over pairs of the root of the share held.

        The root makes a pair that is still badly served count for more; the sum is monotone and submodular, so greedy
        reaches at least 1 − 1/e of the best value.
        """
        left, held = self.values.copy(), np.zeros(len(self.values))
        chosen: list[int] = []
        while len(chosen) < length and left.any():
            gain = (np.sqrt(held[:, None] + left) - np.sqrt(held)[:, None]).sum(axis=0)
            best = int(np.argmax(gain))
            held = np.minimum(held + left[:, best], 1.0)
            left[:, best] = 0.0
            chosen.append(best)
        return np.array(chosen, dtype=np.int64)
