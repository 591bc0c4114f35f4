"""The programmes of a stored explanation, and what they do to a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scgce._api.errors import not_found

from .result import Result


@dataclass(frozen=True)
class StoredPrograms:
    """M programmes over the d genes and l groups of a result, at one sparsity.

    Attributes
    ----------
    names
        (M,).
    membership, weights
        Share of each gene in each programme, and how much it leads it, CSR (M, d).
    levels
        Level of every group in every programme (M, l), 0 the lowest.
    amounts
        Mean expression over the programme's genes on the level of every group (M, l).
    """

    result: Result
    names: NDArray[np.object_]
    membership: sparse.csr_matrix
    weights: sparse.csr_matrix
    levels: NDArray[np.int64]
    amounts: NDArray[np.float64]
    sparsity: int

    @classmethod
    def read(cls, result: Result, sparsity: int | None = None) -> StoredPrograms:
        """The programmes of a result.

        Raises
        ------
        ValueError
            If it is a result in genes, or the sparsity is unknown.
        """
        if "programs" not in result.raw:
            raise ValueError(
                f"key={result.key!r}: adata.uns[{result.key!r}] explains in genes, not in programmes; expected a "
                "result of scgce.tl.tgt(…, programs=…)"
            )
        stored, block = result.raw["programs"], result.block(result.check_sparsity(sparsity))
        return cls(
            result,
            np.array([str(name) for name in stored["names"]], dtype=object),
            sparse.csr_matrix(stored["membership"]),
            sparse.csr_matrix(stored["weights"]),
            np.asarray(stored["levels"][block], dtype=np.int64),
            np.asarray(stored["amounts"][block], dtype=np.float64),
            result.check_sparsity(sparsity),
        )

    def program(self, name: Any) -> int:
        """Position of a programme; ``name`` is the caller's argument."""
        found = np.flatnonzero(self.names == str(name))
        if len(found) == 0:
            raise ValueError(str(not_found("program", name, f"the programmes of {self.result.key!r}", self.names)))
        return int(found[0])

    @property
    def n_genes(self) -> NDArray[np.int64]:
        """Genes with a share in each programme (M,)."""
        return np.diff(self.membership.indptr).astype(np.int64)

    @property
    def n_levels(self) -> NDArray[np.int64]:
        """Levels of each programme (M,); 1: it takes part in no pair."""
        return self.levels.max(axis=1) + 1

    def leading(self, program: int, most: int) -> NDArray[np.int64]:
        """Genes that lead a programme, ties by name."""
        row = self.weights[program]
        genes, weights = row.indices, row.data
        return np.asarray(genes[np.lexsort((self.result.genes[genes].astype(str), -weights))][:most], dtype=np.int64)

    def between(self, i: int, j: int) -> NDArray[np.int64]:
        """Programmes that take part in row i → row j."""
        return np.flatnonzero(self.levels[:, i] != self.levels[:, j])

    def n_between(self) -> NDArray[np.int64]:
        """Programmes that take part in every ordered pair (l, l)."""
        return np.asarray((self.levels[:, :, None] != self.levels[:, None, :]).sum(axis=0))

    def share(self, i: int, j: int) -> NDArray[np.float64]:
        """Share of the pair's squared amounts that each programme moves (M,).

        Squared, as distances add up: summed, hundreds of genes that differ by chance outweigh a few that respond.
        """
        squares = np.square(self.result.delta(i, j, self.sparsity).astype(np.float64))
        moved = np.asarray(self.membership.astype(np.float64)[self.between(i, j)] @ squares).ravel()
        found = np.zeros(len(self.names))
        found[self.between(i, j)] = moved / max(moved.sum(), np.finfo(float).tiny)
        return found

    def strengths(self, i: int, j: int) -> NDArray[np.float64]:
        """Root mean square of the pair's amounts over each programme's genes, weighted by their shares (M,)."""
        squares = np.square(self.result.delta(i, j, self.sparsity).astype(np.float64))
        shares = self.membership.astype(np.float64)
        total = np.maximum(np.asarray(shares.sum(axis=1)).ravel(), np.finfo(float).tiny)
        return np.sqrt(np.asarray(shares @ squares).ravel() / total)

    def owner(self) -> NDArray[np.int64]:
        """The programme in which each gene has its largest share (d,), -1 for none."""
        table = self.membership.tocsc()
        best = np.asarray(table.argmax(axis=0)).ravel()
        return np.where(np.diff(table.indptr) > 0, best, -1)


def level_in_words(level: int, n_levels: int) -> str:
    """Say "low" or "high" of two levels; "lowest", "2 of 4", …, "highest" of more."""
    if n_levels == 2:
        return ("low", "high")[level]
    if level in (0, n_levels - 1):
        return "lowest" if level == 0 else "highest"
    return f"{level + 1} of {n_levels}"
