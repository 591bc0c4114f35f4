"""Where explanations on a few genes take cells in the representation, many explanations at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .cells import Cells


@dataclass(frozen=True)
class Moves:
    """r(t(x)) of cells under explanations, differentiable in the explanations."""

    cells: Cells
    weights: torch.Tensor | None
    """First linear map of the explained genes (A, h), None if the encoder has none."""
    genes: torch.Tensor
    """(A,) indices of the explained genes."""
    clip: bool = False
    """t(x) = max(x + δ, 0)."""
    expression: Callable[[torch.Tensor], torch.Tensor] | None = None
    """With ``clip``: expression of the genes in given cells (n, A); None to read it from the cells themselves."""

    @classmethod
    def of(
        cls,
        cells: Cells,
        weights: torch.Tensor | None,
        genes: torch.Tensor,
        *,
        clip: bool = False,
        expression: Callable[[torch.Tensor], torch.Tensor] | None = None,
    ) -> Moves:
        """``weights`` of all genes, (d, h)."""
        return cls(cells, None if weights is None else weights[genes].float(), genes, clip, expression)

    def __call__(self, rows: torch.Tensor, source: torch.Tensor, explanations: torch.Tensor) -> torch.Tensor:
        """Positions (P, B, m) of the cells ``rows[source[p]]`` under ``explanations[p]``.

        Parameters
        ----------
        rows
            Cells, several lists of one length (r, B).
        source
            Which list each explanation moves (P,).
        explanations
            (P, A) float32.
        """
        inputs = self._inputs(rows, source, explanations)
        return self.cells.tail(inputs.flatten(0, 1)).view(*inputs.shape[:2], -1)

    def _inputs(self, rows: torch.Tensor, source: torch.Tensor, explanations: torch.Tensor) -> torch.Tensor:
        """Tail inputs of the translated cells, (P, B, h)."""
        flat = rows.flatten()
        base = self.cells.shift.rows(flat).view(*rows.shape, -1)[source]
        if not self.clip:
            return base + self._map(explanations)[:, None, :]
        seen = self.expression(flat) if self.expression is not None else self.cells.shift.rows(flat)[:, self.genes]
        values = seen.view(*rows.shape, -1)[source]
        return base + self._map(torch.maximum(explanations[:, None, :], -values))

    def _map(self, amounts: torch.Tensor) -> torch.Tensor:
        if self.weights is not None:
            return amounts @ self.weights
        full = amounts.new_zeros(*amounts.shape[:-1], self.cells.width)
        return full.index_copy(amounts.ndim - 1, self.genes, amounts)
