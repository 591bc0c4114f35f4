"""The k-gene cut of an explanation (paper, section 3: the k largest amounts of each pair)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .largest import largest

_AT_ONCE = 2**17
"""Amounts of all pairs that are cut together, whoever is asked for: a call costs more than so many numbers do."""


class SparseDelta(NamedTuple):
    """A translation as its support: `genes` int64 (k,), ascending, and `values` (k,)."""

    genes: Tensor
    values: Tensor


def top_k(delta: Tensor, k: int) -> Tensor:
    """Keep the k entries of largest absolute value along the last axis, exact zeros elsewhere.

    Parameters
    ----------
    delta
        Translations, shape (..., d).
    k
        Number of genes kept, at least 1; with k ≥ d nothing is cut.

    Returns
    -------
    A new tensor of the same shape. Among equal absolute values the lower gene index is kept, so the cut of
    `-delta` is minus the cut of `delta`.

    Raises
    ------
    ValueError
        If k < 1 or `delta` holds NaN or infinite values.
    """
    if k < 1:
        raise ValueError(f"k={k} genes cannot be kept; accepted: an integer of at least 1")
    if not torch.isfinite(delta).all():
        raise ValueError("delta holds NaN or infinite values; accepted: finite translations")
    if k >= delta.shape[-1]:
        return delta.clone()
    size = delta.abs()
    threshold = size.topk(k, dim=-1).values[..., -1:]
    keep = size >= threshold
    if bool((keep.sum(-1) > k).any()):
        above = size > threshold
        tied = keep & ~above
        keep = above | (tied & (tied.cumsum(-1) <= k - above.sum(-1, keepdim=True)))
    return torch.where(keep, delta, torch.zeros((), dtype=delta.dtype, device=delta.device))


def support(delta: Tensor) -> SparseDelta:
    """Take the non-zero entries of one translation, shape (d,)."""
    genes = torch.nonzero(delta, as_tuple=True)[0]
    return SparseDelta(genes, delta[genes])


class PairCuts:
    """The k-gene cut of δ_j − δ_i for every ordered pair, computed once: `cuts(i, j)` is a `SparseDelta`.

    Parameters
    ----------
    deltas
        Basis translations, shape (l, d).
    k
        Genes per pair; None keeps all.

    Notes
    -----
    Genes on which all groups agree drop out first, and only i < j is sorted: (j, i) is minus (i, j). All j of a source
    are cut at once, when one of them is asked for, or those that `several` names, or all pairs where they are few.
    """

    def __init__(self, deltas: Tensor, k: int | None = None) -> None:
        if deltas.ndim != 2:
            raise ValueError(f"deltas has shape {tuple(deltas.shape)}; accepted: (groups, genes)")
        self.k = deltas.shape[1] if k is None else k
        self.n_groups, self.n_genes = deltas.shape
        self._active = torch.nonzero((deltas != deltas[:1]).any(0), as_tuple=True)[0]
        self._deltas = deltas[:, self._active]
        self._stored: dict[tuple[int, int], SparseDelta] = {}
        if not torch.isfinite(self._deltas).all():
            raise ValueError("deltas holds NaN or infinite values; accepted: finite translations")
        if self.k < 1:
            raise ValueError(f"k={k} genes cannot be kept; accepted: an integer of at least 1")

    @classmethod
    def given(cls, deltas: Mapping[tuple[int, int], SparseDelta], n_groups: int, n_genes: int) -> PairCuts:
        """Explanations made pair by pair, with no basis behind them: nothing is cut; a pair not given is not moved.

        Parameters
        ----------
        deltas
            ``deltas[i, j]``: support and amounts of i → j. If (j, i) is not given it is minus (i, j).
        """
        dtype = next((values.dtype for _, values in deltas.values()), torch.float64)
        found = cls(torch.zeros(1, 1, dtype=dtype).expand(n_groups, n_genes))
        found._stored.update(deltas)
        return found

    def _store(self, pairs: Sequence[tuple[int, int]]) -> None:
        """The explanations of some i → j, i < j, of which neither direction is known."""
        pairs = [pair for pair in pairs if not self._known(pair)]
        if not pairs:
            return
        sources, targets = map(list, zip(*pairs, strict=True))
        for pair, (places, amounts) in zip(pairs, self._largest(sources, targets), strict=True):
            self._stored[pair] = SparseDelta(self._active[places], amounts)

    def _largest(self, sources: list[int], targets: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """Places among the genes on which groups differ and amounts, pair by pair."""
        k = min(self.k, self._active.numel())
        if self._deltas.device.type != "cpu":
            table = top_k(self._deltas[targets] - self._deltas[sources], k) if k else self._deltas[targets]
            rows, places = table.nonzero(as_tuple=True)
            counts = torch.bincount(rows, minlength=len(table)).tolist()
            yield from zip(places.split(counts), table[rows, places].split(counts), strict=True)
            return
        n, basis = len(sources), self._deltas.numpy()
        genes, amounts, found = np.empty((n, k), np.int64), np.empty((n, k), basis.dtype), np.empty(n, np.int64)
        largest(basis, np.array(sources), np.array(targets), k, genes, amounts, found)
        for kept, by, count in zip(torch.from_numpy(genes), torch.from_numpy(amounts), found.tolist(), strict=True):
            yield kept[:count], by[:count]

    def several(self, i: int, targets: Sequence[int]) -> list[SparseDelta]:
        """The explanations of i → j for some j, cut at once; with those of all pairs where these are little work."""
        pairs = [(min(i, j), max(i, j)) for j in targets if i != j]
        if not all(map(self._known, pairs)):
            every = self.n_groups * (self.n_groups - 1) // 2
            if every * self._active.numel() <= _AT_ONCE:
                pairs = [(low, high) for high in range(self.n_groups) for low in range(high)]
            self._store(pairs)
        return [self(i, j) for j in targets]

    def _known(self, pair: tuple[int, int]) -> bool:
        """Whether either direction is stored."""
        return pair in self._stored or pair[::-1] in self._stored

    def __call__(self, i: int, j: int) -> SparseDelta:
        """Look up the explanation of i → j: what is added to cells of i."""
        if (i, j) in self._stored:
            return self._stored[i, j]
        if i == j:
            return SparseDelta(self._active[:0], self._deltas[i, :0])
        if (j, i) not in self._stored:
            self._store([(min(i, j), other) for other in range(min(i, j) + 1, self.n_groups)])
            return self(i, j)
        genes, values = self._stored[j, i]
        return SparseDelta(genes, -values)

    def dense(self, i: int, j: int) -> Tensor:
        """Write the same cut as a vector, shape (d,)."""
        genes, values = self(i, j)
        out = torch.zeros(self.n_genes, dtype=self._deltas.dtype, device=self._deltas.device)
        out[genes] = values
        return out

    def n_active(self) -> Tensor:
        """Count the genes in the explanation of every ordered pair, int64 (l, l)."""
        counts = [[self(i, j).genes.numel() for j in range(self.n_groups)] for i in range(self.n_groups)]
        return torch.tensor(counts, dtype=torch.int64)
