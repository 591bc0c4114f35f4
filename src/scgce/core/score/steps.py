"""Bounded translations of lists of cells, mapped and added up, and the gradient of that in the amounts.

On the CPU only the genes that a translation moves are touched, in a compiled loop; on a device all genes at hand are,
side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import kernels


@dataclass(frozen=True)
class Lists:
    """Lists of cells on a few genes, as one translation after the other finds them.

    Attributes
    ----------
    values
        Expression (r, n, A).
    source
        Which list each translation moves, int64 (T,).
    low, high
        Bounds of the genes (A,).
    weights
        The map of the genes (A, h).
    """

    values: Tensor
    source: Tensor
    low: Tensor
    high: Tensor
    weights: Tensor

    def add(self, counts: Tensor, place: Tensor, amounts: Tensor, out: Tensor) -> tuple[Any, ...]:
        """Add Σ_g min(max(δ_g, low_g − x_g), high_g − x_g) · M_g to ``out`` (T, n, h), on the CPU.

        Translation t has the next ``counts[t]`` of the entries: gene ``place`` moved by ``amounts``. What is returned
        is what `kernels.pull_back` wants.
        """
        edges = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        like = self.weights
        cells = (self.values.to(like).contiguous(), self.source, self.low.to(like), self.high.to(like))
        parts = tuple(part.numpy() for part in (*cells, edges, place, amounts.to(like), like.contiguous()))
        kernels.add_steps(*parts, out.numpy())
        return parts


def moved(amounts: Tensor, lists: Lists, *, entering: bool = True) -> Tensor:
    """The mapped steps (P, n, h) of translations with amounts (P, A), differentiable in these.

    Without ``entering`` the gradient of an amount of 0 is left out, as 0.
    """
    found: Tensor = _Moved.apply(amounts, lists, entering)  # type: ignore[no-untyped-call]
    return found


class _Moved(torch.autograd.Function):
    """`moved`: the gradient of an amount comes from the cells that its bounds leave free, that of 0 from all cells."""

    @staticmethod
    def forward(ctx: Any, amounts: Tensor, lists: Lists, entering: bool) -> Tensor:
        """Add up."""
        ctx.entering = entering
        ctx.lists, shape = lists, (len(amounts), lists.values.shape[1], lists.weights.shape[1])
        if amounts.device.type == "cpu":
            moved = amounts.nonzero(as_tuple=True)
            counts = torch.bincount(moved[0], minlength=len(amounts))
            found = lists.weights.new_zeros(shape)
            ctx.moved, ctx.parts = moved, lists.add(counts, moved[1], amounts[moved], found)
            return found
        given, room = amounts[:, None, :], (lists.low - lists.values, lists.high - lists.values)
        steps = torch.clamp(given, room[0][lists.source], room[1][lists.source])
        steps.masked_fill_(given == 0, 0.0)  # moves nothing, even where x lies outside its range
        ctx.save_for_backward(amounts, steps)
        return (steps.flatten(0, 1) @ lists.weights).view(shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """Gradient in the amounts."""
        weights = ctx.lists.weights
        if gradient.device.type == "cpu":
            shape = len(gradient), len(weights)
            found = gradient.sum(1) @ weights.T if ctx.entering else gradient.new_zeros(shape)
            own = weights.new_empty(len(ctx.moved[0]))
            kernels.pull_back(*ctx.parts, gradient.contiguous().numpy(), own.numpy())
            found[ctx.moved] = own
            return found, None, None
        amounts, steps = ctx.saved_tensors
        every = (gradient.flatten(0, 1) @ weights.T).view(steps.shape)
        found = every.mul_(steps == amounts[:, None, :]).sum(1)
        return found if ctx.entering else found * (amounts != 0), None, None
