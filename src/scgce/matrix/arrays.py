"""The matrix of cells × genes, whatever holds it: read by row blocks, projected, summed, sliced.

Accepted everywhere: numpy arrays (C or Fortran order), scipy CSR and CSC (matrix or array), dask arrays of numpy or CSR
chunks, h5ad-backed matrices (dense or sparse), views of these, and cupy's counterparts. Products are float32, sums are
float64.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy import sparse

from . import kernels as _kernels
from .cluster import client_of, map_chunks
from .extremes import Extremes
from .holders import (
    BLOCK_BYTES,
    Block,
    Matrix,
    by_rows,
    kind_of,
    load_there,
    on_host,
    once,
    pick,
    row_blocks,
    row_spans,
)

if TYPE_CHECKING:
    import torch

__all__ = [
    "SomeRows",
    "by_rows",
    "check_matrix",
    "csr_rows",
    "dense_columns",
    "dense_rows",
    "group_sums",
    "lowest",
    "project",
    "project_and_sum",
    "row_blocks",
]

Device: TypeAlias = "torch.device | None"


def check_matrix(X: Matrix, name: str, used: np.ndarray | None = None) -> None:
    """Raise if X is not a finite numeric matrix.

    Parameters
    ----------
    X
        Matrix (n, d) of any accepted kind.
    name
        What the user calls it, for the message, e.g. ``"adata.X"`` or ``"adata.layers['log']"``.
    used
        Which rows take part and must be finite, bool (n,); all if None.

    Raises
    ------
    ValueError
        If X has not two dimensions, is empty, holds something else than real numbers, or holds NaN or infinite values.
    """
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"{name} has shape {tuple(X.shape)}; expected cells × genes, at least one of each")
    if X.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {X.dtype}; expected real numbers (float32, float64 or integers)")
    if X.dtype.kind != "f":
        return
    X = by_rows(X)
    client = client_of(X)
    used = np.ones(X.shape[0], dtype=bool) if used is None else used
    blocks = ((rows, _not_finite(load_there(X, rows), used[rows])) for rows in row_spans(X, BLOCK_BYTES))
    found = map_chunks(client, X, _not_finite, [used]) if client else blocks
    for rows, bad in found:
        if bad:
            raise ValueError(
                f"{name} holds {bad} NaN or infinite values in rows {rows.start} to {rows.stop - 1}; "
                "filter or impute them first (log1p of negative values is a common cause)"
            )


def _not_finite(block: Any, used: np.ndarray) -> int:
    values = block.data if hasattr(block, "indptr") else block
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))  # of a cupy array, on its device
    return bad if used.all() or not bad else _not_finite(on_host(block)[used], used[used])


def lowest(X: Matrix) -> float:
    """The smallest value of X, (n, d) of any accepted kind; what a sparse matrix does not store is 0, NaN is none."""
    return min(_lowest(block) for _, block in row_blocks(X))


def _lowest(block: Block) -> float:
    values = block.data if sparse.issparse(block) else block
    found = float(np.fmin.reduce(values, axis=None, initial=np.inf)) if values.size else np.inf
    return min(found, 0.0) if values.size < np.prod(block.shape) else found


def _numbers(block: Block) -> Block:
    """The block with data of dtype float32 or float64, which the kernels are compiled for."""
    return block if block.dtype in (np.float32, np.float64) else block.astype(np.float64)


def _start_hidden(X: Matrix, W: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias as float32 arrays."""
    W, b = (a.detach().cpu().numpy() if hasattr(a, "detach") else a for a in (W, b))
    W = np.ascontiguousarray(W, dtype=np.float32)
    if W.ndim != 2 or W.shape[0] != X.shape[1]:
        raise ValueError(f"W has shape {W.shape}; expected ({X.shape[1]}, h): one row for each column of the matrix")
    return W, np.zeros(W.shape[1], np.float32) if b is None else np.asarray(b, dtype=np.float32)


def _start_sums(X: Matrix, codes: np.ndarray, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """The codes as int64, and zeros for every group."""
    codes = np.asarray(codes, dtype=np.int64)
    if codes.shape != (X.shape[0],) or codes.max(initial=-1) >= n_groups:
        raise ValueError(f"codes has shape {codes.shape}; expected ({X.shape[0]},) with values below {n_groups}")
    return codes, np.zeros((n_groups, X.shape[1]))


def _add_projection(block: Block, W: np.ndarray, out: np.ndarray) -> None:
    if sparse.issparse(block):
        _kernels.project_csr(block.indptr, block.indices, block.data, W, out)
    else:
        out += np.asarray(block, dtype=np.float32) @ W


def _add_sums(block: Block, codes: np.ndarray, sums: np.ndarray) -> None:
    if sparse.issparse(block):
        _kernels.add_group_sums_csr(block.indptr, block.indices, block.data, codes, sums)
    else:
        _kernels.add_group_sums_dense(block, codes, sums)


def project(X: Matrix, W: Any, b: Any = None, *, block_bytes: int = BLOCK_BYTES) -> np.ndarray:
    """``X @ W + b`` in one read of X; the same bytes for any number of threads and, for sparse X, size of blocks.

    Parameters
    ----------
    X
        Matrix (n, d) of any accepted kind.
    W, b
        Weights (d, h) and bias (h), arrays or tensors; no bias if None.
    block_bytes
        Target size of a block of rows.

    Returns
    -------
    Float32 (n, h).

    Raises
    ------
    ValueError
        If W does not have d rows.
    """
    return _read(X, _start_hidden(X, W, b), None, None, block_bytes)[0]


def group_sums(
    X: Matrix,
    codes: np.ndarray,
    n_groups: int,
    *,
    device: Device = None,
    extremes: Extremes | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> np.ndarray:
    """Sum the rows of each group, in their order: the same bytes for any number of threads and size of blocks.

    On a dask cluster each worker sums its own chunks, and a GPU in any order, which rounds differently in the last
    digits.

    Parameters
    ----------
    X
        Matrix (n, d) of any accepted kind.
    codes
        Group of every row (n,), 0 … n_groups−1, or −1 for none.
    n_groups
        Number l of groups.
    device
        A CUDA device computes there; otherwise it is done on the CPU.
    extremes
        To which the rows are added in the same read.
    block_bytes
        Target size of a block of rows.

    Returns
    -------
    Float64 (l, d).

    Raises
    ------
    ValueError
        If there is not one code for every row, or one is not below ``n_groups``.
    """
    return _read(X, None, _start_sums(X, codes, n_groups), device, block_bytes, extremes)[1]


def project_and_sum(
    X: Matrix,
    W: Any,
    b: Any,
    codes: np.ndarray,
    n_groups: int,
    *,
    device: Device = None,
    extremes: Extremes | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute :func:`project` and :func:`group_sums` in one read of X.

    Returns
    -------
    Float32 (n, h) and float64 (l, d).
    """
    return _read(X, _start_hidden(X, W, b), _start_sums(X, codes, n_groups), device, block_bytes, extremes)


Projection: TypeAlias = "tuple[np.ndarray, np.ndarray] | None"
"""Weights and bias."""
Summation: TypeAlias = "tuple[np.ndarray, np.ndarray] | None"
"""Codes of the rows, and the sums of the groups, to which the rows are added."""


def _read(
    X: Matrix,
    projection: Projection,
    summation: Summation,
    device: Device,
    block_bytes: int,
    extremes: Extremes | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One read of X for all: here, on the workers of the user's cluster, or on the GPU."""
    X = by_rows(X)
    W, bias = projection or (None, np.zeros(0, np.float32))
    codes, sums = summation or (np.full(X.shape[0], -1), np.zeros((0, X.shape[1])))
    client = client_of(X)
    if client is None and device is not None and _on_gpu(device):
        from .device_read import project_and_sum_on  # with torch, which nothing that reads stored results needs

        spans, load = partial(row_spans, X), partial(load_there, X)
        return project_and_sum_on(device, load, spans, X.shape, W, bias, codes, len(sums), block_bytes, extremes)
    hidden = np.tile(bias, (X.shape[0], 1))
    if client is None:
        for rows, block in row_blocks(X, block_bytes):
            _add(block, codes[rows], W, hidden[rows], sums, extremes)
    else:
        shared = [W, bias, len(sums), None if extremes is None else extremes.n_groups]
        for rows, (mapped, added, found) in map_chunks(client, X, _added, [codes], shared):
            hidden[rows] = mapped
            sums += added
            if extremes is not None:
                extremes.merge(found)
    return hidden, sums


def _on_gpu(device: torch.device) -> bool:
    return device.type == "cuda"


def _add(
    block: Block,
    codes: np.ndarray,
    W: np.ndarray | None,
    hidden: np.ndarray,
    sums: np.ndarray,
    extremes: Extremes | None,
) -> None:
    numbers = _numbers(block)
    if W is not None:
        _add_projection(numbers, W, hidden)
    if len(sums):
        _add_sums(numbers, codes, sums)
    if extremes is not None:
        extremes.add(numbers, codes)


def _added(
    block: Any, codes: np.ndarray, W: np.ndarray | None, bias: np.ndarray, n_groups: int, extreme: int | None
) -> tuple[np.ndarray, np.ndarray, Extremes | None]:
    """What a worker answers for its chunk: hidden values, and the sums and extremes of its own rows."""
    block = on_host(block)
    hidden, sums = np.tile(bias, (len(codes), 1)), np.zeros((n_groups, block.shape[1]))
    found = None if extreme is None else Extremes(block.shape[1], extreme)
    _add(block, codes, W, hidden, sums, found)
    return hidden, sums, found


def _take(X: Matrix, rows: np.ndarray) -> Block:
    """The given rows, in the given order, reading only the blocks that hold them."""
    kind = kind_of(X)
    if kind in {"dense", "csr", "csc"}:
        taken = X[rows]
        return once(sparse.csr_array(taken)) if sparse.issparse(taken) else np.asarray(taken)
    X = by_rows(X)
    wanted, back = np.unique(rows, return_inverse=True)
    parts = []
    for span in row_spans(X, BLOCK_BYTES):
        here = wanted[(wanted >= span.start) & (wanted < span.stop)] - span.start
        if here.size:
            parts.append(pick(X, span, here))
    if not parts:
        return np.zeros((0, X.shape[1]), np.float32)
    stack = sparse.csr_array(sparse.vstack(parts)) if sparse.issparse(parts[0]) else np.concatenate(parts)
    return stack[back]


def _row_numbers(X: Matrix, rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)


def dense_rows(X: Matrix, rows: Any) -> np.ndarray:
    """Rows of X as float32 (|rows|, d), in the order given (row numbers or a mask)."""
    taken = _take(X, _row_numbers(X, rows))
    dense = taken.toarray() if sparse.issparse(taken) else taken
    return np.ascontiguousarray(dense, dtype=np.float32)


def csr_rows(X: Matrix, rows: Any) -> sparse.csr_array:
    """Rows of X as a float32 CSR array (|rows|, d), in the order given (row numbers or a mask)."""
    return sparse.csr_array(_take(X, _row_numbers(X, rows)), dtype=np.float32)


def dense_columns(X: Matrix, columns: Any) -> np.ndarray:
    """A few columns of X by number, in the order wanted, dense float32 (n, |columns|); of some rows see `SomeRows`."""
    columns = np.asarray(columns, dtype=np.int64)
    if kind_of(X) == "csc":
        return np.ascontiguousarray(X[:, columns].toarray(), dtype=np.float32)
    out = np.empty((X.shape[0], len(columns)), np.float32)
    for where, block in row_blocks(X):
        part = block[:, columns]
        out[where] = part.toarray() if sparse.issparse(part) else part
    return out


_MOST_KEPT = 2**24
"""Numbers of some rows that are kept in memory beside X."""


class SomeRows:
    """Some rows of X, of which a few columns are asked for again and again.

    They are read once and kept by column, unless they hold so many numbers that memory would suffer, or lie in memory
    as a dense array anyway.

    Parameters
    ----------
    X
        Matrix (n, d) of any accepted kind.
    rows
        Row numbers or a mask.
    """

    def __init__(self, X: Matrix, rows: Any) -> None:
        self._X, self._rows = X, _row_numbers(X, rows)
        self._kept: Block | None = None

    def columns(self, columns: np.ndarray) -> np.ndarray:
        """Columns by number, in the order wanted, dense float32 (|rows|, |columns|)."""
        if kind_of(self._X) == "dense":
            return np.ascontiguousarray(self._X[np.ix_(self._rows, columns)], dtype=np.float32)
        part = self._block()[:, columns]
        return np.ascontiguousarray(part.toarray() if sparse.issparse(part) else part, dtype=np.float32)

    def _block(self) -> Block:
        if self._kept is not None:
            return self._kept
        taken = _take(self._X, self._rows)
        if (taken.nnz if sparse.issparse(taken) else taken.size) <= _MOST_KEPT:
            taken = self._kept = sparse.csc_array(taken) if sparse.issparse(taken) else taken
        return taken
