"""Expression of a few genes in the cells at hand, read once per gene (for clipping at zero)."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .shift import Rows

_MOST = 2**27
"""Most numbers kept."""


class CachedColumns:
    """``columns(rows, genes)`` for `LinearShift`; genes not seen before are fetched for all cells and kept.

    Once so many are kept that memory would suffer, further genes are fetched anew each time.

    Parameters
    ----------
    fetch
        Dense expression (n, |genes|) float32 of the given genes (int64) in all n cells.
    n_genes
        d.
    """

    def __init__(self, fetch: Callable[[torch.Tensor], torch.Tensor], n_genes: int) -> None:
        self._fetch = fetch
        self._position = torch.full((n_genes,), -1, dtype=torch.int64)
        self._stored: torch.Tensor | None = None

    def __call__(self, rows: Rows, genes: torch.Tensor) -> torch.Tensor:
        wanted = genes.cpu()
        missing = wanted[self._position[wanted] < 0]
        if len(missing):
            before = 0 if self._stored is None else self._stored.shape[1]
            if self._stored is not None and (before + len(missing)) * len(self._stored) > _MOST:
                return self._fetch(wanted)[rows]
            fresh = self._fetch(missing)
            self._position[missing] = torch.arange(before, before + len(missing))
            self._stored = fresh if self._stored is None else torch.cat([self._stored, fresh], dim=1)
        if self._stored is None:
            raise ValueError("no gene was asked for; accepted: at least one")
        return self._stored[rows][:, self._position[wanted]]
