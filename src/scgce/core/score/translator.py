"""Cells under translations: t(x)·M for any translation t, from x·M computed once.

The only place where cells are translated. With t(x) = x + δ, t(x)·M = x·M + δ·M. Where `Bounds` say what a gene's value
can be, t(x) = min(max(x + δ, low), high) on the genes of the translation (all others stay as they are), hence
t(x)·M = x·M + Σ_g s_g·M_g with the steps s_g = min(max(δ_g, low_g − x_g), high_g − x_g), which needs the expression of
those genes only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta

from .steps import Lists, moved

Rows = slice | Tensor
Columns = Callable[[Rows, Tensor], Tensor]
"""`columns(rows, genes)`: the expression of some genes in some cells, dense (n_rows, n_genes)."""

_BLOCK_ENTRIES = 2**23


@dataclass(frozen=True)
class Bounds:
    """Between which values a translation may leave each gene.

    Attributes
    ----------
    low, high
        Float32 (d,); −inf and inf where there is no bound.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def at_zero(cls, n_genes: int) -> Bounds:
        """No value below zero."""
        return cls(torch.zeros(n_genes), torch.full((n_genes,), torch.inf))

    def to(self, device: torch.device) -> Bounds:
        """The same on another device."""
        return Bounds(self.low.to(device), self.high.to(device))

    def steps(self, x: Tensor, amounts: Tensor, genes: Tensor) -> Tensor:
        """What really happens to values x when the amounts are added (broadcast), differentiable in the amounts.

        An amount of 0 moves nothing, whatever x is.
        """
        low, high = self.low[genes], self.high[genes]
        # a step rather than the value t(x) and x taken off again: one rounding less
        bounded = torch.minimum(torch.maximum(amounts, low - x), high - x)
        return torch.where(amounts == 0, amounts, bounded)


def bounds_of(clip: str, low: np.ndarray, high: np.ndarray) -> Bounds | None:
    """The bounds that a word means: "range", the given range of every gene (d,); "zero"; "none".

    Genes whose range is not known are not bounded: −inf and inf.
    """
    if clip == "range":
        return Bounds(torch.as_tensor(low, dtype=torch.float32), torch.as_tensor(high, dtype=torch.float32))
    return Bounds.at_zero(len(low)) if clip == "zero" else None


class Translator:
    """Cells as the first layer of an encoder (or a judge's linear map) sees them, untranslated and translated.

    Parameters
    ----------
    inputs
        x·M (+ any offset) of the n cells, shape (n, h), or a function that gives chosen rows of it.
    M
        The map, shape (d, h); None if `inputs` are the cells themselves (h = d, the identity).
    columns
        Gives the expression of chosen genes; needed with `bounds` unless M is None.
    bounds
        Of the d genes; None translates by x + δ.
    """

    def __init__(
        self,
        inputs: Tensor | Callable[[Rows], Tensor],
        M: Tensor | None,
        columns: Columns | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        if M is not None and isinstance(inputs, Tensor) and M.shape[1] != inputs.shape[1]:
            raise ValueError(f"M has shape {tuple(M.shape)}; accepted: (genes, {inputs.shape[1]}) as inputs")
        if bounds is not None and M is not None and columns is None:
            raise ValueError("bounds need the expression of the translated genes: give columns to Translator")
        self.rows: Callable[[Rows], Tensor] = inputs.__getitem__ if isinstance(inputs, Tensor) else inputs
        """Untranslated, (n_rows, h)."""
        self.M = M
        self.columns = self._own_columns if columns is None and M is None else columns
        self.bounds = bounds

    def _own_columns(self, rows: Rows, genes: Tensor) -> Tensor:
        return self.rows(rows)[:, genes]

    def translate(self, rows: Rows, delta: SparseDelta) -> Tensor:
        """Map the rows after one translation, shape (n_rows, h).

        Parameters
        ----------
        rows
            Cells, as a slice or an int64 tensor.
        delta
            Support and amounts; amounts in the units of x.
        """
        base = self.rows(rows)
        genes, amounts = delta.genes.to(base.device), delta.values.to(base)
        if self.M is None:
            return base.index_add(1, genes, self._steps(base[:, genes], genes, amounts.expand(base.shape[0], -1)))
        if self.bounds is None or self.columns is None or not len(genes):
            return base + amounts @ self.M[genes]
        out = base.clone()
        size = max(1, _BLOCK_ENTRIES // max(1, base.shape[0]))
        for part, some in zip(genes.split(size), amounts.split(size), strict=True):
            out += self._steps(self.columns(rows, part).to(base), part, some) @ self.M[part]
        return out

    def _steps(self, x: Tensor, genes: Tensor, amounts: Tensor) -> Tensor:
        return amounts if self.bounds is None else self.bounds.to(x.device).steps(x, amounts, genes)

    def translate_several(self, rows: slice, deltas: Sequence[SparseDelta], scale: float = 1.0) -> Tensor:
        """Map the same cells under several translations, ``scale`` times their amounts, shape (T, n_rows, h)."""
        if self.M is None:
            return torch.stack([self.translate(rows, SparseDelta(genes, scale * by)) for genes, by in deltas])
        base = self.rows(rows)
        counts = torch.tensor([delta.genes.numel() for delta in deltas])
        every = torch.cat([delta.genes for delta in deltas]).to(base.device)
        amounts = torch.cat([delta.values for delta in deltas]).to(base) * scale
        genes, place = every.unique(return_inverse=True)
        if self.bounds is not None and self.columns is not None and base.device.type == "cpu" and len(genes):
            found = base.repeat(len(deltas), 1, 1)  # a copy, of one translation too: it is added to in place
            lists = self._lists(self.columns(rows, genes)[None], torch.zeros(len(deltas), dtype=torch.int64), genes)
            lists.add(counts, place, amounts, found)
            return found
        if self.bounds is not None and len(base) * len(deltas) * len(genes) > _BLOCK_ENTRIES:
            return torch.stack([self.translate(rows, SparseDelta(genes, scale * by)) for genes, by in deltas])
        table = base.new_zeros(len(deltas), len(genes))
        table[torch.arange(len(deltas)).repeat_interleave(counts).to(base.device), place] = amounts
        if self.bounds is None:
            return base + (table @ self.M[genes])[:, None]
        cells = torch.arange(rows.start, rows.stop)[None]
        return self.translate_many(cells, torch.zeros(len(deltas), dtype=torch.int64), genes, table)

    def translate_many(
        self, rows: Tensor, source: Tensor, genes: Tensor, amounts: Tensor, *, entering: bool = True
    ) -> Tensor:
        """Map lists of cells under many translations at once, shape (P, B, h), differentiable in the amounts.

        Parameters
        ----------
        rows
            Several lists of cells of one length, int64 (r, B).
        source
            Which list each translation moves, int64 (P,).
        genes
            (A,) indices of the translated genes.
        amounts
            (P, A) in the units of x. Where an amount is 0 the gene stays as it is, but the gradient is that of an
            amount that is added to every cell: a gene outside an explanation may still enter it.
        entering
            Nothing is to enter: False may leave the gradient of amounts of 0 out.
        """
        base = self.rows(rows.flatten()).view(*rows.shape, -1)[source]
        genes = genes.to(base.device)
        if self.M is None:
            steps = amounts[:, None, :].expand(*base.shape[:2], -1)
            return base.index_add(2, genes, self._steps(base[:, :, genes], genes, steps))
        weights = self.M[genes]
        if self.bounds is None or self.columns is None or not len(genes):
            return base + (amounts @ weights)[:, None, :]
        values = self.columns(rows.flatten(), genes).view(*rows.shape, -1).to(base)
        return base + moved(amounts, self._lists(values, source.to(base.device), genes), entering=entering)

    def _lists(self, values: Tensor, source: Tensor, genes: Tensor) -> Lists:
        """Cells with the bounds and weights of their genes."""
        if self.bounds is None or self.M is None:
            raise ValueError("steps are taken within bounds, before a map")
        bounds, weights = self.bounds.to(genes.device), self.M[genes]
        return Lists(values.to(weights), source, bounds.low[genes], bounds.high[genes], weights)


def dense_rows(X: np.ndarray | sparse.csr_array, device: torch.device | str = "cpu") -> Callable[[Rows], Tensor]:
    """Rows of a matrix of cells (n, d) as the inputs of a `Translator` without M, made dense when asked for."""

    def rows(index: Rows) -> Tensor:
        chosen = X[index if isinstance(index, slice) else index.cpu().numpy()]
        dense = chosen.toarray() if isinstance(chosen, sparse.csr_array) else np.asarray(chosen)
        return torch.as_tensor(dense, dtype=torch.float32, device=device)

    return rows
