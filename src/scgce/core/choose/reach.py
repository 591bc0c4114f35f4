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
    """Loss of translated cells that miss their target: 2 · (share · arriving + (1 - share) · covering).

    Both are the mean over cells of σ((d - reach) / width) + pull · d, where d is the distance to the nearest cell on
    the other side.
    """

    reach: float
    width: float
    share: float
    """Weight of correctness, coverage has the rest."""
    pull: float

    def __call__(self, moved: Tensor, goals: Tensor) -> Tensor:
        """Of translated cells (P, B, m) and those to be reached (P, C, m); differentiable in the first."""
        if moved.device.type == "cpu" and moved.dtype == torch.float32:
            found: Tensor = _Compiled.apply(moved, goals, self)  # type: ignore[no-untyped-call]
            return found
        with torch.no_grad():
            distances = torch.cdist(moved, goals)
            nearest_goal, nearest_moved = distances.argmin(2), distances.argmin(1)
        arriving = self._mean(_distance(moved, _gather(goals, nearest_goal)))
        return 2 * (
            self.share * arriving + (1 - self.share) * self._mean(_distance(goals, _gather(moved, nearest_moved)))
        )

    def _mean(self, distances: Tensor) -> Tensor:
        return torch.sigmoid((distances - self.reach) / self.width).mean() + self.pull * distances.mean()


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
        gradient = np.zeros(points[0].shape, np.float32)
        loss = _missed(*points, how.reach, how.width, how.share, how.pull, gradient)
        ctx.save_for_backward(torch.from_numpy(gradient))
        return moved.new_tensor(loss)

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, None, None]:
        """Gradient in the translated cells."""
        (gradient,) = ctx.saved_tensors
        return gradient * above, None, None


@_jit
def _missed(moved: Any, goals: Any, reach: float, width: float, share: float, pull: float, gradient: Any) -> float:
    """`Missed`, its gradient in ``moved`` added to ``gradient``."""
    n_pairs, n, m = moved.shape
    n_goals, total = goals.shape[1], 0.0
    best, which = np.empty(n + n_goals, np.float32), np.zeros(n + n_goals, np.int64)  # of NaN none is nearest
    turned, squares = np.empty((m, n_goals), np.float32), np.empty(n_goals, np.float32)
    for p in range(n_pairs):
        best[:] = np.inf
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
            weight = 2 * share / (n_pairs * n) if arriving else 2 * (1 - share) / (n_pairs * n_goals)
            distance = np.sqrt(max(best[place], _LEAST))
            missed = 1 / (1 + np.exp(-(distance - reach) / width))
            total += weight * (missed + pull * distance)
            if best[place] > _LEAST:
                slope = weight * (missed * (1 - missed) / width + pull) / distance
                for c in range(m):
                    gradient[p, i, c] += slope * (moved[p, i, c] - goals[p, j, c])
    return total
