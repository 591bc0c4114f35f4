"""Compiled loops over CSR and dense rows.

Every kernel works on a range of rows (or of groups) that it alone writes, with additions in row order: threads may share
the work in any way, and blocks may have any size, without changing one bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True, fastmath={"contract"})


@_jit
def _project_csr(indptr: Any, indices: Any, data: Any, W: Any, out: Any, start: int, stop: int) -> None:
    """Add row i of the CSR matrix times W to ``out[i]`` for start ≤ i < stop."""
    for i in range(start, stop):
        row = out[i]
        for p in range(indptr[i], indptr[i + 1]):
            value = np.float32(data[p])
            weights = W[indices[p]]
            for k in range(row.shape[0]):
                row[k] += value * weights[k]


@_jit
def _sum_csr(indptr: Any, indices: Any, data: Any, order: Any, bounds: Any, sums: Any, start: int, stop: int) -> None:
    """Add the rows ``order[bounds[g]:bounds[g+1]]`` to ``sums[g]`` for start ≤ g < stop."""
    for g in range(start, stop):
        total = sums[g]
        for q in range(bounds[g], bounds[g + 1]):
            i = order[q]
            for p in range(indptr[i], indptr[i + 1]):
                total[indices[p]] += data[p]


@_jit
def _sum_dense(block: Any, order: Any, bounds: Any, sums: Any, start: int, stop: int) -> None:
    """Add the dense rows of every group to ``sums[g]`` for start ≤ g < stop."""
    for g in range(start, stop):
        total = sums[g]
        for q in range(bounds[g], bounds[g + 1]):
            row = block[order[q]]
            for k in range(total.shape[0]):
                total[k] += row[k]


def _share(work: Callable[[int, int], None], bounds: list[int]) -> None:
    """Run ``work`` on consecutive ranges, on as many threads as torch may use."""
    n_threads = torch.get_num_threads()
    ranges = list(zip(bounds[:-1], bounds[1:], strict=True))
    if n_threads == 1 or len(ranges) == 1:
        for start, stop in ranges:
            work(start, stop)
        return
    with ThreadPoolExecutor(n_threads) as pool:
        for future in [pool.submit(work, start, stop) for start, stop in ranges]:
            future.result()


def project_csr(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, W: np.ndarray, out: np.ndarray) -> None:
    """Add ``X @ W`` to ``out`` in place, X given by its CSR arrays.

    Parameters
    ----------
    indptr, indices, data
        CSR arrays of X (n, d), data float32 or float64.
    W
        Float32 (d, h), C-contiguous.
    out
        Float32 (n, h), C-contiguous, holding the starting values.
    """
    n = out.shape[0]
    pieces = min(n, 8 * torch.get_num_threads())
    bounds = [n * k // pieces for k in range(pieces + 1)] if pieces else [0, 0]
    _share(lambda start, stop: _project_csr(indptr, indices, data, W, out, start, stop), bounds)


def rows_by_group(codes: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers sorted by group (stable) and the bounds of each group in them; codes below 0 are left out."""
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(n_groups + 1))
    return order, bounds


def add_group_sums_csr(
    indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, codes: np.ndarray, sums: np.ndarray
) -> None:
    """Add each CSR row to the float64 row ``sums[code]`` (l, d) of its group, in place."""
    order, bounds = rows_by_group(codes, sums.shape[0])
    _share(
        lambda start, stop: _sum_csr(indptr, indices, data, order, bounds, sums, start, stop),
        list(range(sums.shape[0] + 1)),
    )


def add_group_sums_dense(block: np.ndarray, codes: np.ndarray, sums: np.ndarray) -> None:
    """Add each dense row to the float64 row ``sums[code]`` (l, d) of its group, in place."""
    order, bounds = rows_by_group(codes, sums.shape[0])
    _share(lambda start, stop: _sum_dense(block, order, bounds, sums, start, stop), list(range(sums.shape[0] + 1)))
