"""The paper's penalty where only some pairs count: one of its own for every set of groups that these link."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from scgce.core.linked import members, of_pairs

from .base import Norm
from .pairwise import Pairwise


@dataclass(frozen=True)
class Separate(Norm):
    """``P(δ) = sum over sets s of share_s · Pairwise(δ of the groups of s)``: two sets may differ for nothing.

    Its prox is that of every set by itself, hence exact. Within a set all pairs are priced: over the edges of any other
    graph the penalty has no such step. ``share_s`` is the share of the pairs that count, so that with all pairs of a
    set, as "within:column" has them, P is the mean over the pairs that count of ``c·|δ_j - δ_i|``.
    """

    costs: torch.Tensor
    rows: tuple[torch.Tensor, ...]
    """Groups of every set, int64."""
    parts: tuple[Pairwise, ...]
    n_groups: int

    @classmethod
    def build(cls, costs: torch.Tensor, n_groups: int, pairs: torch.Tensor, exponent: float = 1.0) -> Separate:
        """Of the pairs (P, 2) that count, both directions of each."""
        asked = of_pairs(pairs, n_groups)
        rows = members(asked)
        shares = [float(asked[own.numpy()].sum() / asked.sum()) for own in rows]
        whole = [Pairwise.build(costs, len(own), exponent) for own in rows]
        parts = tuple(Pairwise(costs, share * part.prices) for share, part in zip(shares, whole, strict=True))
        return cls(costs, tuple(own.to(costs.device) for own in rows), parts, n_groups)

    @property
    def n_rows(self) -> int:
        return self.n_groups

    def take(self, genes: torch.Tensor) -> Separate:
        parts = tuple(part.take(genes) for part in self.parts)
        return Separate(self.costs[genes], self.rows, parts, self.n_groups)

    def variable(self, delta: torch.Tensor) -> torch.Tensor:
        found = torch.zeros_like(delta)
        for own, part in zip(self.rows, self.parts, strict=True):
            inside = part.variable(delta[own])
            found[own] = _without_offset(inside - inside.mean(0))
        return found

    def value(self, v: torch.Tensor) -> float:
        return sum(part.value(v[own]) for own, part in zip(self.rows, self.parts, strict=True))

    def prox(self, v: torch.Tensor, step: torch.Tensor, lam: float) -> torch.Tensor:
        found = torch.zeros_like(v)
        for own, part in zip(self.rows, self.parts, strict=True):
            found[own] = _without_offset(part.prox(v[own], step, lam))
        return found

    def dual_norm(self, gradient: torch.Tensor) -> torch.Tensor:
        norms = [part.dual_norm(gradient[own]) for own, part in zip(self.rows, self.parts, strict=True)]
        return torch.stack(norms).amax(0)


def _without_offset(levels: torch.Tensor) -> torch.Tensor:
    """Exactly 0 where the groups of a set are tied: a gene that tells none of them apart is not in play."""
    return torch.where((levels == levels[:1]).all(0), 0.0, levels)
