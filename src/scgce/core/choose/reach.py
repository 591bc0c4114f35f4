"""The smooth stand-in for correctness and coverage that refinement descends on (Eq. 3 and 4).

The indicator of the nearest distance becomes a sigmoid, and the mean nearest distance gives a gradient from far away.
On the CPU a compiled loop finds the nearest cells, the loss and its gradient at once; on a device they are tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True)
_LEAST = 1e-12
"""Squared distances below are taken as this: the distance has no gradient at 0."""


@dataclass(frozen=True)
class Missed:
    """Loss of translated cells that miss their target: share · arriving + (1 - share) · covering.

    Both are the mean over cells of σ((d - reach) / width) + pull · d, where d is the distance to the nearest cell on
    the other side.
    """

    reach: float
    width: float
    share: float
    """Weight of correctness, coverage has the rest."""
    pull: float

    def __call__(self, moved: Tensor, goals: Tensor) -> Tensor:
        """Mean over pairs of translated cells (P, B, m) and of those to be reached (P, C, m)."""
        return self.each(moved, goals).mean()

    def each(self, moved: Tensor, goals: Tensor) -> Tensor:
        """The same of every pair (P,); differentiable in the translated cells."""
        if moved.device.type == "cpu" and moved.dtype == torch.float32:
            found: Tensor = _Compiled.apply(moved, goals, self)  # type: ignore[no-untyped-call]
            return found
        with torch.no_grad():
            distances = torch.cdist(moved, goals)
            nearest_goal, nearest_moved = distances.argmin(2), distances.argmin(1)
        arriving = self._mean(_distance(moved, _gather(goals, nearest_goal)))
        return self.share * arriving + (1 - self.share) * self._mean(_distance(goals, _gather(moved, nearest_moved)))

    def _mean(self, distances: Tensor) -> Tensor:
        return torch.sigmoid((distances - self.reach) / self.width).mean(1) + self.pull * distances.mean(1)


def _gather(points: Tensor, index: Tensor) -> Tensor:
    return points.gather(1, index[:, :, None].expand(-1, -1, points.shape[2]))


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(-1).clamp(min=_LEAST).sqrt()


class _Compiled(torch.autograd.Function):
    """`Missed` on the CPU."""

    @staticmethod
    def forward(ctx: Any, moved: Tensor, goals: Tensor, how: Missed) -> Tensor:
        """The loss; its gradient is kept."""
        points = (moved.detach().contiguous().numpy(), goals.contiguous().numpy())
        slopes = ctx.needs_input_grad[0]
        gradient = np.zeros(points[0].shape if slopes else (1, 1, 1), np.float32)
        losses = np.empty(len(moved), np.float32)
        _missed(*points, how.reach, how.width, how.share, how.pull, losses, gradient, slopes)
        ctx.save_for_backward(torch.from_numpy(gradient))
        return torch.from_numpy(losses)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        """Gradient in the translated cells."""
        (gradient,) = ctx.saved_tensors
        return gradient * above[:, None, None], None, None


@_jit
def _missed(
    moved: Any,
    goals: Any,
    reach: float,
    width: float,
    share: float,
    pull: float,
    losses: Any,
    gradient: Any,
    slopes: bool,
) -> None:
    """`Missed` of every pair and, if asked for, its gradient in ``moved`` added to ``gradient``."""
    n_pairs, n, m = moved.shape
    n_goals = goals.shape[1]
    best, which = np.empty(n + n_goals, np.float32), np.zeros(n + n_goals, np.int64)  # of NaN none is nearest
    turned, squares = np.empty((m, n_goals), np.float32), np.empty(n_goals, np.float32)
    for p in range(n_pairs):
        best[:], total = np.inf, 0.0
        for j in range(n_goals):
            for c in range(m):
                turned[c, j] = goals[p, j, c]
        for i in range(n):
            squares[:] = 0.0
            for c in range(m):  # all goals side by side, which the processor does in few instructions
                value, row = moved[p, i, c], turned[c]
                for j in range(n_goals):
                    step = value - row[j]
                    squares[j] += step * step
            for j in range(n_goals):
                if squares[j] < best[i]:
                    best[i], which[i] = squares[j], j
                if squares[j] < best[n + j]:
                    best[n + j], which[n + j] = squares[j], i
        for place in range(n + n_goals):
            arriving = place < n
            i, j = (place, which[place]) if arriving else (which[place], place - n)
            weight = share / n if arriving else (1 - share) / n_goals
            distance = np.sqrt(max(best[place], _LEAST))
            missed = 1 / (1 + np.exp(-(distance - reach) / width))
            total += weight * (missed + pull * distance)
            if slopes and best[place] > _LEAST:
                slope = weight * (missed * (1 - missed) / width + pull) / distance
                for c in range(m):
                    gradient[p, i, c] += slope * (moved[p, i, c] - goals[p, j, c])
        losses[p] = total
