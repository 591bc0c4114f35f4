"""Non-increasing isotonic regression of every column: pool adjacent violators (CPU) and the min-max formula (GPU)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch


@cache
def _pava_kernel() -> Any:
    """Compile once, on first use: importing numba costs more than most calls need."""
    import numba

    @numba.njit(cache=True)
    def pool_adjacent_violators(columns: np.ndarray, fitted: np.ndarray) -> None:
        n_rows, n_columns = columns.shape
        means = np.empty(n_rows)
        sizes = np.empty(n_rows, dtype=np.int64)
        for column in range(n_columns):
            top = -1
            for row in range(n_rows):
                top += 1
                means[top] = columns[row, column]
                sizes[top] = 1
                while top > 0 and means[top - 1] <= means[top]:
                    total = sizes[top - 1] + sizes[top]
                    means[top - 1] = (means[top - 1] * sizes[top - 1] + means[top] * sizes[top]) / total
                    sizes[top - 1] = total
                    top -= 1
            row = 0
            for block in range(top + 1):
                for _ in range(sizes[block]):
                    fitted[row, column] = means[block]
                    row += 1

    return pool_adjacent_violators


def isotonic_decreasing(columns: torch.Tensor) -> torch.Tensor:
    """Nearest non-increasing sequence to each column, in least squares; ties are exact.

    Parameters
    ----------
    columns
        (l, A) float64.

    Returns
    -------
    (l, A) of the same type and on the same device.
    """
    if columns.device.type == "cpu" and columns.dtype == torch.float64:
        source = np.ascontiguousarray(columns.numpy())
        fitted = np.empty_like(source)
        _pava_kernel()(source, fitted)
        return torch.from_numpy(fitted)
    return isotonic_decreasing_minmax(columns)


def isotonic_decreasing_minmax(columns: torch.Tensor) -> torch.Tensor:
    """The same projection without a loop over genes: ``y_k = min_{a<=k} max_{b>=k} mean(x_a..x_b)``; O(l² A) memory."""
    n_rows = columns.shape[0]
    total = torch.cat([columns.new_zeros(1, columns.shape[1]), columns.cumsum(0)])
    rows = torch.arange(n_rows, device=columns.device)
    length = rows[None, :] + 1 - rows[:, None]
    means = (total[None, 1:] - total[:-1, None]) / length.clamp(min=1)[:, :, None]
    means = torch.where((length > 0)[:, :, None], means, means.new_tensor(-torch.inf))
    # max over b >= k: running maximum from the right along b; then min over a <= k: running minimum along a.
    best_end = means.flip(1).cummax(1).values.flip(1)
    best_start = best_end.cummin(0).values
    return torch.diagonal(best_start, dim1=0, dim2=1).T
