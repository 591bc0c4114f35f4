"""The paper's penalty: the price of every difference between two groups, unbounded amounts (paper, Eq. 9)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .base import Norm
from .families import rank_weights, split_prices
from .isotonic import isotonic_decreasing


@dataclass(frozen=True)
class Pairwise(Norm):
    """``P(δ) = sum_g c_g sum_k w_k δ_(k),g``: for ``exponent=1`` the mean over ordered pairs of ``c·|δ_j - δ_i|``.

    The prox sorts, shifts and projects on non-increasing sequences (Clusterpath, Hocking et al. 2011; clustered lasso,
    Lin et al. 2019); it gives exact ties between groups, hence exact zeros in their difference.
    """

    costs: torch.Tensor
    """(A,) float64; inf forbids a gene, 0 makes it free."""
    prices: torch.Tensor
    """(l - 1,) F(k), see `families.split_prices`."""

    @classmethod
    def build(cls, costs: torch.Tensor, n_groups: int, exponent: float = 1.0) -> Pairwise:
        return cls(costs, split_prices(n_groups, exponent).to(costs))

    @property
    def n_rows(self) -> int:
        return len(self.prices) + 1

    def take(self, genes: torch.Tensor) -> Pairwise:
        return Pairwise(self.costs[genes], self.prices)

    def variable(self, delta: torch.Tensor) -> torch.Tensor:
        return torch.where(self.costs.isinf(), delta.mean(0), delta)

    def value(self, v: torch.Tensor) -> float:
        ordered = v.sort(0, descending=True).values
        steps = ordered[:-1] - ordered[1:]
        return float((self.prices @ steps * torch.where(self.costs.isinf(), 0.0, self.costs)).sum())

    def prox(self, v: torch.Tensor, step: torch.Tensor, lam: float) -> torch.Tensor:
        allowed = self.costs.isfinite()
        threshold = step * lam * torch.where(allowed, self.costs, 0.0)
        ordered, position = v.sort(dim=0, descending=True, stable=True)
        shift = rank_weights(self.prices)[:, None] * threshold
        levels = isotonic_decreasing(ordered - shift)
        levels = torch.where(allowed, levels, v.mean(0))
        return torch.empty_like(v).scatter_(0, position, levels)

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        ordered = (-gradient).sort(0, descending=True).values
        gain = (ordered.cumsum(0)[:-1] / self.prices[:, None]).amax(0).clamp(min=0.0)
        priced = gain / self.costs.clamp(min=1e-300)
        return torch.where(self.free & (gain > 0), torch.inf, torch.where(self.free, 0.0, priced))
