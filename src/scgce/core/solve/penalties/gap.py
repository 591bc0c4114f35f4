"""Plausible amounts: every step of a gene is a fraction of the real step between the groups' means."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from scgce.core.linked import members, of_pairs, stacked

from .families import asked_prices, split_prices


@dataclass(frozen=True)
class Gap:
    """Per gene, groups in the order of their means and ``0 <= b_k <= upper_k`` between neighbours in that order.

    ``upper = amplitude * (gap between the means)``: every pair's amount then has the sign of the real mean difference
    and at most ``amplitude`` times its size; ``b`` = the real gaps is the difference of means itself. The order being
    fixed, the penalty is linear, ``c_g sum_k F(k) b_k``, and its prox one clipped shift. Also the relaxed refit: any
    order of the groups, any steps allowed.
    """

    order: torch.Tensor
    """(l, A) int64: groups by ascending mean."""
    upper: torch.Tensor
    """(l - 1, A) float64: largest step; 0 closes a gap, inf leaves it unbounded."""
    costs: torch.Tensor
    """(A,) float64."""
    prices: torch.Tensor
    """(l - 1,) F(k), or (l - 1, A) where only some pairs count."""

    @classmethod
    def build(
        cls,
        means: torch.Tensor,
        amplitude: float,
        costs: torch.Tensor,
        exponent: float = 1.0,
        *,
        nonnegative: bool = False,
        pairs: torch.Tensor | None = None,
    ) -> Gap:
        """Bounds from the groups' means (l, A) and the amplitude c > 0.

        With ``nonnegative`` the amplitude of a gene is lowered until no group's mean is taken below zero. Where only
        some ``pairs`` (P, 2) count, a step is priced by them, and closed where it tells none of them apart; groups that
        they do not link share no step.
        """
        asked = None if pairs is None else of_pairs(pairs, len(means))
        if nonnegative:
            sets = [means] if asked is None else [means[rows.to(means.device)] for rows in members(asked)]
            bounds = [nonnegative_amplitude(own.sort(dim=0).values, amplitude) for own in sets]
            amplitude = torch.stack(bounds).amin(0)  # type: ignore[assignment]
        ordered, order = stacked(means, asked).sort(dim=0, stable=True)
        upper = torch.where(costs.isinf(), 0.0, amplitude * ordered.diff(dim=0))
        if pairs is None:
            return cls(order, upper, costs, split_prices(len(means), exponent).to(costs))
        prices = asked_prices(order, pairs, exponent).to(costs)
        return cls(order, torch.where(prices > 0, upper, 0.0), costs, prices)

    @property
    def n_rows(self) -> int:
        return len(self.prices)

    @property
    def free(self) -> torch.Tensor:
        return self.costs == 0

    @property
    def _step_costs(self) -> torch.Tensor:
        return self._prices * torch.where(self.costs.isinf(), 0.0, self.costs)

    @property
    def _prices(self) -> torch.Tensor:
        """F(k) for every gene, (l - 1, A) or (l - 1, 1)."""
        return self.prices if self.prices.ndim == 2 else self.prices[:, None]

    def take(self, genes: torch.Tensor) -> Gap:
        prices = self.prices[:, genes] if self.prices.ndim == 2 else self.prices
        return Gap(self.order[:, genes], self.upper[:, genes], self.costs[genes], prices)

    def translations(self, v: torch.Tensor) -> torch.Tensor:
        levels = torch.cat([v.new_zeros(1, v.shape[1]), v.cumsum(0)])
        return torch.empty_like(levels).scatter_(0, self.order, levels)

    def variable(self, delta: torch.Tensor) -> torch.Tensor:
        steps = delta.gather(0, self.order).diff(dim=0)
        return torch.minimum(steps.clamp(min=0.0), self.upper)

    def vjp(self, gradient: torch.Tensor) -> torch.Tensor:
        ordered = gradient.gather(0, self.order)
        return ordered.flip(0).cumsum(0).flip(0)[1:]

    def value(self, v: torch.Tensor) -> float:
        return float((self._step_costs * v).sum())

    def prox(self, v: torch.Tensor, step: torch.Tensor, lam: float) -> torch.Tensor:
        shifted = (v - lam * step * self._step_costs).clamp(min=0.0)
        return torch.minimum(shifted, self.upper)

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        gain = torch.where(self.upper > 0, -self.vjp(gradient), 0.0).clamp(min=0.0)
        worst = torch.where(self._prices > 0, gain / self._prices, 0.0).amax(0)
        priced = worst / self.costs.clamp(min=1e-300)
        return torch.where(self.free & (worst > 0), torch.inf, torch.where(self.free, 0.0, priced))

    def lambda_max(self, gradient: torch.Tensor) -> float:
        dual_norm = self.dual_norm(gradient)[~self.free]
        return float(dual_norm.max()) if len(dual_norm) else 0.0

    def conjugate(self, gradient: torch.Tensor, lam: float) -> tuple[float, float]:
        excess = (-self.vjp(gradient) - lam * self._step_costs).clamp(min=0.0)
        return 1.0, float(torch.where(excess > 0, excess * self.upper, 0.0).sum())


def nonnegative_amplitude(ordered: torch.Tensor, amplitude: float) -> torch.Tensor:
    """Largest c <= amplitude per gene with ``mean_i - c (mean_i - mean_lowest) >= 0`` for all groups, (A,)."""
    above = ordered[1:] - ordered[:1]
    most = torch.where(above > 0, ordered[1:].clamp(min=0.0) / above.clamp(min=1e-300), torch.inf)
    return most.amin(0).clamp(max=amplitude)
