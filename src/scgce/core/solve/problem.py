"""The smooth part of the objective: all ordered pairs at the price of l encoder inputs (paper, Eq. 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch

from .layers import Layers

Tail = Callable[[torch.Tensor], torch.Tensor]

MAX_GRID = 2**22
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
    pairs: torch.Tensor | None = None
    """(P, 2) int64: source and target of the pairs that count, those asked for or a sample of many; None for all."""
    layers: Layers | None = field(default=None, compare=False)
    """The tail, where its gradient is known without autograd."""

    def __post_init__(self) -> None:
        if self.layers is None:
            object.__setattr__(self, "layers", Layers.of(self.tail))

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

    def vjp(self, gradient: torch.Tensor) -> torch.Tensor:
        """Gradient in δ (l, A) from the gradient in D (l, h)."""
        if self.weights is not None:
            return gradient @ self.weights.T
        return gradient if self.genes is None else gradient[:, self.genes]

    def column_norms(self) -> torch.Tensor:
        """(A,) squared length of each gene's row of W: how strongly the gene moves the hidden layer."""
        if self.weights is not None:
            return self.weights.square().sum(1)
        return self.start.new_ones(self.n_genes)

    def _inputs(self, hidden: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
        """By blocks of sources, or of the pairs given: their numbers, and the inputs (s, l, h) or (s, 1, h)."""
        n_groups, width = self.start.shape
        across, count = (n_groups, n_groups) if self.pairs is None else (1, len(self.pairs))
        height = max(1, MAX_GRID // (across * width))
        for low in range(0, count, height):
            rows = slice(low, min(low + height, count))
            if self.pairs is None:
                yield rows, (self.start[rows] - hidden[rows])[:, None, :] + hidden[None, :, :]
            else:
                source, target = self.pairs[rows].T
                yield rows, (self.start[source] - hidden[source] + hidden[target])[:, None, :]

    def _residual(self, rows: slice, moved: torch.Tensor) -> torch.Tensor:
        """(s, l, m) residuals of the pairs of some sources, zero on the diagonal, or (s, 1, m) of the pairs given."""
        if self.pairs is not None:
            return (moved - self.targets[self.pairs[rows, 1]])[:, None, :]
        residual = moved.view(-1, self.n_groups, moved.shape[-1]) - self.targets
        residual.diagonal(rows.start, 0, 1).zero_()
        return residual

    @property
    def n_pairs(self) -> int:
        return self.n_groups * (self.n_groups - 1) if self.pairs is None else len(self.pairs)

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

    def _linear_pairs(self, given: torch.Tensor, hidden: torch.Tensor) -> tuple[float, torch.Tensor]:
        """The same of the pairs given (P, 2), formed one by one: groups that no pair links may lie far apart."""
        source, target = given.T
        residual = (self.start - hidden)[source] - (self.targets - hidden)[target]
        gradient = torch.zeros_like(hidden).index_add_(0, target, residual).index_add_(0, source, residual, alpha=-1)
        return float(residual.square().sum()) / self.n_pairs, 2 * gradient / self.n_pairs

    def _at_once(self, hidden: torch.Tensor) -> tuple[float, torch.Tensor] | None:
        """f and gradient of a linear encoder; None for others, and for pairs too many to be held together."""
        if not self.linear or self.pairs is None:
            return self._linear(hidden) if self.linear else None
        fits = len(self.pairs) * self.start.shape[1] <= MAX_GRID
        return self._linear_pairs(self.pairs, hidden) if fits else None

    def value(self, hidden: torch.Tensor) -> float:
        """f at D = ``hidden`` (l, h)."""
        found = self._at_once(hidden)
        if found is not None:
            return found[0]
        return sum(float(residual.square().sum()) for residual in self._residuals(hidden)) / self.n_pairs

    def _residuals(self, hidden: torch.Tensor) -> Iterator[torch.Tensor]:
        with torch.no_grad():
            for rows, inputs in self._inputs(hidden):
                flat = inputs.flatten(0, 1)
                moved = self.tail(flat) if self.layers is None else self.layers.forward(flat)[0]
                yield self._residual(rows, moved)

    def value_and_gradient(self, hidden: torch.Tensor) -> tuple[float, torch.Tensor]:
        """f and its gradient in D (l, h)."""
        found = self._at_once(hidden)
        if found is not None:
            return found
        gradient = torch.zeros_like(hidden)
        total = 0.0
        for rows, inputs in self._inputs(hidden.detach()):
            value, pairs = self._pairs(rows, inputs.flatten(0, 1))
            pairs = pairs.view(inputs.shape)
            if self.pairs is None:
                gradient += pairs.sum(0)
                gradient[rows] -= pairs.sum(1)
            else:
                gradient.index_add_(0, self.pairs[rows, 1], pairs[:, 0])
                gradient.index_add_(0, self.pairs[rows, 0], -pairs[:, 0])
            total += value
        return total / self.n_pairs, gradient / self.n_pairs

    def _pairs(self, rows: slice, inputs: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Squared residuals of the pairs of some sources, summed, and the gradient in their inputs (s·l, h)."""
        if self.layers is not None:
            with torch.no_grad():
                moved, seen = self.layers.forward(inputs)
                residual = self._residual(rows, moved)
                return float(residual.square().sum()), self.layers.backward(2 * residual.flatten(0, 1), seen)
        with torch.enable_grad():
            inputs.requires_grad_(True)
            loss = self._residual(rows, self.tail(inputs)).square().sum()
            (gradient,) = torch.autograd.grad(loss, inputs)
        return float(loss.detach()), gradient

    def residuals(self, hidden: torch.Tensor) -> torch.Tensor:
        """(l, l, m) residuals of all ordered pairs, zero on the diagonal, or (P, 1, m) of the pairs given."""
        return torch.cat(list(self._residuals(hidden)))


def some_pairs(n_groups: int, n_pairs: int, seed: int) -> torch.Tensor | None:
    """About ``n_pairs`` of all ordered pairs, (P, 2); None if that is all of them.

    Each group is a source as often as a target: the groups stand on a circle in random order, and the same distances
    along it are taken from all of them.
    """
    each = max(1, n_pairs // n_groups)
    if each >= n_groups - 1:
        return None
    generator = torch.Generator().manual_seed(seed)
    circle = torch.randperm(n_groups, generator=generator)
    distances = 1 + torch.randperm(n_groups - 1, generator=generator)[:each]
    partners = torch.empty(n_groups, each, dtype=torch.int64)
    partners[circle] = circle[(torch.arange(n_groups)[:, None] + distances) % n_groups]
    return torch.stack([torch.arange(n_groups).repeat_interleave(each), partners.flatten()], dim=1)
