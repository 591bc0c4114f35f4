"""The k-gene cut of a stored explanation in numpy: what is only read needs no torch, whose import takes two seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Support(NamedTuple):
    """A translation as its support: ``genes`` int64 (k,), ascending, and ``values`` float32 (k,)."""

    genes: NDArray[np.int64]
    values: Floats


def largest(delta: Floats, k: int) -> Floats:
    """Keep the k largest absolute values along the last axis, zeros elsewhere; of equal ones the first.

    The same as `core.choose.truncate.top_k`, which works on tensors where they lie.
    """
    if not np.isfinite(delta).all():
        raise ValueError("the stored deltas hold NaN or infinite values; accepted: finite translations")
    if k >= delta.shape[-1]:
        return delta
    size = np.abs(delta)
    threshold = np.partition(size, -k, axis=-1)[..., -k, None]
    above, tied = size > threshold, size == threshold
    room = k - above.sum(-1, keepdims=True)
    return np.where(above | (tied & (tied.cumsum(-1) <= room)), delta, np.float32(0))


@dataclass(frozen=True)
class Cuts:
    """The explanation of every ordered pair: ``cuts(i, j)`` is a `Support` over d genes, of i → j.

    Attributes
    ----------
    n_groups, n_genes
        l and d.
    find
        Looks one up.
    """

    n_groups: int
    n_genes: int
    find: Callable[[int, int], Support]

    @classmethod
    def of_basis(cls, deltas: Floats, k: int | None) -> Cuts:
        """The k largest changes of δ_j − δ_i, all if None, of basis translations (l, d)."""
        active = np.flatnonzero((deltas != deltas[:1]).any(axis=0))
        table = deltas[:, active]
        known: dict[int, list[Support]] = {}

        def find(i: int, j: int) -> Support:
            low, high = min(i, j), max(i, j)
            if i == j:
                return Support(active[:0], table[i, :0])
            if low not in known:  # all higher groups at once; the other direction has the opposite signs
                cut = largest(table[low + 1 :] - table[low], max(1, len(active)) if k is None else k)
                known[low] = [Support(active[row.nonzero()], row[row.nonzero()]) for row in cut]
            genes, values = known[low][high - low - 1]
            return Support(genes, values if i < j else -values)

        return cls(deltas.shape[0], deltas.shape[1], find)

    @classmethod
    def of_rows(cls, rows: Any, n_groups: int) -> Cuts:
        """Explanations made pair by pair: CSR (l·l, d), row i·l + j for i → j."""

        def find(i: int, j: int) -> Support:
            row = rows[i * n_groups + j].toarray().ravel()
            return Support(row.nonzero()[0], row[row.nonzero()])

        return cls(n_groups, rows.shape[1], find)

    def __call__(self, i: int, j: int) -> Support:
        """The explanation of i → j: what is added to cells of i."""
        return self.find(i, j)

    def dense(self, i: int, j: int) -> Floats:
        """The same as a vector, shape (d,)."""
        found = np.zeros(self.n_genes, np.float32)
        genes, values = self(i, j)
        found[genes] = values
        return found

    def n_active(self) -> NDArray[np.int64]:
        """Genes in the explanation of every ordered pair (l, l)."""
        size = self.n_groups
        return np.array([[len(self(i, j).genes) for j in range(size)] for i in range(size)], dtype=np.int64)
