"""The price of every amount of every pair, each pair on its own: what consistency is measured against."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .base import Norm


@dataclass(frozen=True)
class L1(Norm):
    """``P(δ) = mean over rows of sum_g c_g |δ_g|``: a row of the variable for every pair, unbounded amounts."""

    costs: torch.Tensor
    """(A,) float64; inf forbids a gene, 0 makes it free."""
    n_rows: int

    def take(self, genes: torch.Tensor) -> L1:
        return L1(self.costs[genes], self.n_rows)

    def variable(self, delta: torch.Tensor) -> torch.Tensor:
        return torch.where(self.costs.isinf(), 0.0, delta)

    def rows(self, v: torch.Tensor) -> torch.Tensor:
        """(n_rows,) Σ_g c_g |δ_g| of every row."""
        return torch.where(v != 0, v.abs() * self.costs, 0.0).sum(1)

    def value(self, v: torch.Tensor) -> float:
        return float(self.rows(v).mean())

    def prox(self, v: torch.Tensor, step: torch.Tensor, lam: float) -> torch.Tensor:
        threshold = torch.where(self.free, 0.0, step * lam * self.costs / self.n_rows)
        return v.sign() * (v.abs() - threshold).clamp(min=0.0)

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        gain = self.n_rows * gradient.abs().amax(0)
        return torch.where(self.free, torch.where(gain > 0, torch.inf, 0.0), gain / self.costs.clamp(min=1e-300))
