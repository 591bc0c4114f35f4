"""Compiled loops over CSR and dense rows.

Every call writes a range of rows (or of groups) of its own and adds in the order of X: threads may share the work in
any way, and blocks may have any size, without changing one bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numba
import numpy as np

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True, fastmath={"contract"})


# Rows of W are taken in panels that stay in the second-level cache (1 MiB), for a tile of rows of X at a time:
# 2 to 3 times faster than scipy's and MKL's products, which fetch W anew for every row.
PANEL_BYTES = 2**20
TILE_ROWS = 128


@_jit
def _add_rows(indices: Any, data: Any, W: Any, row: Any, p: int, q: int) -> None:
    """Add data[p:q] times the rows indices[p:q] of W to the row, four at a time."""
    while p + 4 <= q:
        x0, x1 = np.float32(data[p]), np.float32(data[p + 1])
        x2, x3 = np.float32(data[p + 2]), np.float32(data[p + 3])
        w0, w1, w2, w3 = W[indices[p]], W[indices[p + 1]], W[indices[p + 2]], W[indices[p + 3]]
        for k in range(row.shape[0]):
            row[k] = (((row[k] + x0 * w0[k]) + x1 * w1[k]) + x2 * w2[k]) + x3 * w3[k]
        p += 4
    while p < q:
        x0 = np.float32(data[p])
        w0 = W[indices[p]]
        for k in range(row.shape[0]):
            row[k] += x0 * w0[k]
        p += 1


@_jit
def _project_csr(indptr: Any, indices: Any, data: Any, W: Any, out: Any, start: int, stop: int, panel: int) -> None:
    """Add row i of the CSR matrix times W to ``out[i]`` for start ≤ i < stop; right for unsorted indices too."""
    reached = np.empty(TILE_ROWS, np.int64)
    for first in range(start, stop, TILE_ROWS):
        last = min(stop, first + TILE_ROWS)
        for i in range(first, last):
            reached[i - first] = indptr[i]
        for column in range(panel, W.shape[0] + panel, panel):
            for i in range(first, last):
                p = q = reached[i - first]
                while q < indptr[i + 1] and indices[q] < column:
                    q += 1
                _add_rows(indices, data, W, out[i], p, q)
                reached[i - first] = q


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


def _threads() -> int:
    """As many as torch may use; it is imported here, since nothing that reads stored results needs it."""
    import torch

    return torch.get_num_threads()


def _share(work: Callable[[int, int], None], bounds: list[int]) -> None:
    """Run ``work`` on consecutive ranges, on as many threads as torch may use."""
    n_threads = _threads()
    ranges = list(pairwise(bounds))
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
    n, h = out.shape
    panel = max(1, PANEL_BYTES // max(1, 4 * h))
    pieces = max(1, min(n // TILE_ROWS, 8 * _threads()))
    bounds = [n * k // pieces for k in range(pieces + 1)]
    _share(lambda start, stop: _project_csr(indptr, indices, data, W, out, start, stop, panel), bounds)


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
    block = np.ascontiguousarray(block)
    order, bounds = rows_by_group(codes, sums.shape[0])
    _share(lambda start, stop: _sum_dense(block, order, bounds, sums, start, stop), list(range(sums.shape[0] + 1)))


@_jit
def _keep_extreme(value: float, gene: int, top: Any, bottom: Any, counts: Any) -> None:
    """Sort the value in among the gene's largest (descending) and smallest (ascending)."""
    last = top.shape[1] - 1
    counts[gene] += 1
    if value > top[gene, last]:
        k = last
        while k > 0 and top[gene, k - 1] < value:
            top[gene, k] = top[gene, k - 1]
            k -= 1
        top[gene, k] = value
    if value < bottom[gene, last]:
        k = last
        while k > 0 and bottom[gene, k - 1] > value:
            bottom[gene, k] = bottom[gene, k - 1]
            k -= 1
        bottom[gene, k] = value


@_jit
def add_extremes_csr(indptr: Any, indices: Any, data: Any, kept: Any, top: Any, bottom: Any, counts: Any) -> None:
    """Sort the values other than 0 of the kept CSR rows into ``top`` and ``bottom`` (d, T); count them by gene."""
    for i in range(len(kept)):
        if kept[i]:
            for p in range(indptr[i], indptr[i + 1]):
                if data[p] != 0:
                    _keep_extreme(np.float32(data[p]), indices[p], top, bottom, counts)


@_jit
def add_extremes_dense(block: Any, kept: Any, top: Any, bottom: Any, counts: Any) -> None:
    """The same of dense rows."""
    for i in range(len(kept)):
        if kept[i]:
            for g in range(block.shape[1]):
                if block[i, g] != 0:
                    _keep_extreme(np.float32(block[i, g]), g, top, bottom, counts)


@_jit
def repeats(indptr: Any, indices: Any, n_columns: int) -> bool:
    """Whether a CSR row stores a column twice, in whatever order its entries are."""
    seen = np.full(n_columns, -1, np.int64)
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            if seen[indices[place]] == row:
                return True
            seen[indices[place]] = row
    return False
