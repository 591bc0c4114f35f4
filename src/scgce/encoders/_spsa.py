"""Gradients of functions that have none: central differences, or simultaneous perturbations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

RowFunction = Callable[[np.ndarray], Any]
_ROWS_A_CALL = 65_536


class FunctionModule(nn.Module):
    """A function of dense rows as a module whose gradient is estimated from differences of the function.

    With as many directions as features these are the axes, and the gradient is the central difference
    (exact for quadratic functions).  With fewer, the directions are random signs and the estimate is the
    simultaneous perturbation stochastic approximation (Spall 1998), unbiased to second order in the step; they are
    drawn once, so that the same input always has the same gradient.

    Parameters
    ----------
    function
        Dense rows (·, d), float32, to values (·, m).
    steps
        Half the distance over which differences are taken, for each feature (d,), in its own units.
    n_directions
        Number of directions, at most d; None for all axes.
    rng
        Signs of the random directions.
    """

    def __init__(
        self,
        function: RowFunction,
        steps: np.ndarray,
        *,
        n_directions: int | None = None,
        rng: int | np.random.Generator = 0,
    ) -> None:
        super().__init__()
        d = len(steps)
        if not (np.isfinite(steps).all() and (np.asarray(steps) > 0).all()):
            raise ValueError("steps must be positive and finite")
        if n_directions is not None and not 1 <= n_directions <= d:
            raise ValueError(f"n_directions={n_directions}: expected a number from 1 to {d}, or None")
        directions = np.eye(d)
        if n_directions is not None and n_directions < d:
            directions = np.random.default_rng(rng).choice([-1.0, 1.0], (n_directions, d))
        self.shared = _Shared(function)
        self.share = 1.0 if len(directions) == d else 1.0 / len(directions)
        self.register_buffer("directions", torch.tensor(directions, dtype=torch.float32))
        self.register_buffer("steps", torch.tensor(np.asarray(steps), dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Values (·, m) of rows (·, d)."""
        return _Differences.apply(x, self)

    def evaluate(self, x: torch.Tensor) -> torch.Tensor:
        """The function's values, without gradients, in the type and on the device of the rows."""
        values = np.asarray(self.shared.function(x.detach().cpu().numpy().astype(np.float32)))
        return torch.as_tensor(values.astype(np.float64)).to(device=x.device, dtype=x.dtype)

    def vjp(self, x: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
        """Gradient (·, d) of ⟨upstream, values⟩: the differences along all directions, each times its direction."""
        result = torch.zeros_like(x)
        directions = self.get_buffer("directions").to(x)
        offsets = directions * self.get_buffer("steps").to(x)
        at_once = max(1, _ROWS_A_CALL // (2 * max(1, len(x))))
        for chosen, offset in zip(directions.split(at_once), offsets.split(at_once), strict=True):
            moved = torch.cat([x[None] + offset[:, None], x[None] - offset[:, None]])
            values = self.evaluate(moved.reshape(-1, x.shape[1])).reshape(2, len(offset), len(x), -1)
            along = ((values[0] - values[1]) / 2 * upstream[None]).sum(dim=-1)
            result += along.T @ (chosen / self.get_buffer("steps").to(x))
        return result * self.share


class _Shared:
    """Holds a function that copies of a module go on sharing (an estimator behind it may be large)."""

    def __init__(self, function: RowFunction) -> None:
        self.function = function

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shared:
        return self


class _Differences(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, module: FunctionModule) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.module = module
        return module.evaluate(x)

    @staticmethod
    def backward(ctx: Any, *upstream: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,) = ctx.saved_tensors
        return ctx.module.vjp(x, upstream[0]), None
