"""The smooth part of the objective: all ordered pairs at the price of l encoder inputs (paper, Eq. 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

Tail = Callable[[torch.Tensor], torch.Tensor]

_MAX_GRID = 2**22
"""Most numbers of the (pairs, h) grid held at a time."""


@dataclass(frozen=True)
class Problem:
    """``f(δ) = mean over i≠j of ||tail(start_i + (δ_j - δ_i) W) - target_j||²``.

    With ``r(x) = tail(x W + b)`` the encoder, ``start = x̄ W + b`` and ``target = r̄``, this is the first term of Eq. 9
    averaged over the ordered pairs. δ enters through ``D = δ W`` alone, so one (l×A)·(A×h) product serves all pairs.
    """

    start: torch.Tensor
    """(l, h) float64: the groups' mean expression after the encoder's first linear map."""
    targets: torch.Tensor
    """(l, m) float64: the groups' mean positions."""
    weights: torch.Tensor | None
    """(A, h) float64: the first linear map of the genes in play; None if the encoder has none (then h = all genes)."""
    tail: Tail
    """(·, h) -> (·, m), differentiable, float64."""
    linear: bool = False
    """The tail is the identity: all pairs in O(l m), without forming them."""
    genes: torch.Tensor | None = None
    """Without a first linear map: indices of the genes in play, None for all."""

    @property
    def n_groups(self) -> int:
        return len(self.start)

    @property
    def n_genes(self) -> int:
        if self.weights is not None:
            return len(self.weights)
        return self.start.shape[1] if self.genes is None else len(self.genes)

    def take(self, genes: torch.Tensor) -> Problem:
        """The same problem with all other genes kept untranslated."""
        if self.weights is not None:
            return replace(self, weights=self.weights[genes])
        return replace(self, genes=genes if self.genes is None else self.genes[genes])

    def hidden(self, delta: torch.Tensor) -> torch.Tensor:
        """D = δ W, (l, h), of translations (l, A)."""
        if self.weights is not None:
            return delta @ self.weights
        if self.genes is None:
            return delta
        full = delta.new_zeros(len(delta), self.start.shape[1])
        return full.index_copy_(1, self.genes, delta)

    def pull_back(self, gradient: torch.Tensor) -> torch.Tensor:
        """Gradient in δ (l, A) from the gradient in D (l, h)."""
        if self.weights is not None:
            return gradient @ self.weights.T
        return gradient if self.genes is None else gradient[:, self.genes]

    def column_norms(self) -> torch.Tensor:
        """(A,) squared length of each gene's row of W: how strongly the gene moves the hidden layer."""
        if self.weights is not None:
            return self.weights.square().sum(1)
        return self.start.new_ones(self.n_genes)

    def _residuals(self, hidden: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
        """By blocks of sources: the sources, their inputs (s, l, h) and residuals (s, l, m), zero on the diagonal."""
        n_groups, width = self.start.shape
        height = max(1, _MAX_GRID // (n_groups * width))
        for low in range(0, n_groups, height):
            rows = slice(low, min(low + height, n_groups))
            inputs = (self.start[rows] - hidden[rows])[:, None, :] + hidden[None, :, :]
            inputs.requires_grad_(torch.is_grad_enabled())
            moved = self.tail(inputs.flatten(0, 1)).view(*inputs.shape[:2], -1)
            residual = moved - self.targets
            own = torch.arange(rows.start, rows.stop, device=hidden.device)
            mask = torch.ones(residual.shape[:2], dtype=residual.dtype, device=hidden.device)
            mask[own - low, own] = 0.0
            yield rows, inputs, residual * mask[:, :, None]

    @property
    def n_pairs(self) -> int:
        return self.n_groups * (self.n_groups - 1)

    def _linear(self, hidden: torch.Tensor) -> tuple[float, torch.Tensor]:
        """f and gradient for r(x) = x W + b: the residual of i → j is (start_i - D_i) - (target_j - D_j)."""
        sources, targets = self.start - hidden, self.targets - hidden
        centre = targets.mean(0)
        sources, targets = sources - centre, targets - centre
        l, own = self.n_groups, sources - targets
        pairs = l * (sources.square().sum() + targets.square().sum()) - 2 * sources.sum(0) @ targets.sum(0)
        by_source = (l - 1) * sources - (targets.sum(0) - targets)
        by_target = (l - 1) * targets - (sources.sum(0) - sources)
        total = float(pairs - own.square().sum()) / self.n_pairs
        return total, -2 * (by_source + by_target) / self.n_pairs

    def value(self, hidden: torch.Tensor) -> float:
        """f at D = ``hidden`` (l, h)."""
        if self.linear:
            return self._linear(hidden)[0]
        with torch.no_grad():
            return sum(float(residual.square().sum()) for _, _, residual in self._residuals(hidden)) / self.n_pairs

    def value_and_gradient(self, hidden: torch.Tensor) -> tuple[float, torch.Tensor]:
        """f and its gradient in D (l, h)."""
        if self.linear:
            return self._linear(hidden)
        gradient = torch.zeros_like(hidden)
        total = 0.0
        with torch.enable_grad():
            for rows, inputs, residual in self._residuals(hidden.detach()):
                loss = residual.square().sum() / self.n_pairs
                (pairs,) = torch.autograd.grad(loss, inputs)
                gradient += pairs.sum(0)
                gradient[rows] -= pairs.sum(1)
                total += float(loss.detach())
        return total, gradient

    def residuals(self, hidden: torch.Tensor) -> torch.Tensor:
        """(l, l, m) residuals of all ordered pairs, zero on the diagonal."""
        with torch.no_grad():
            return torch.cat([residual for _, _, residual in self._residuals(hidden)])
