"""What holds a matrix of cells × genes, and how its rows are read: the one place that knows the accepted kinds."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from anndata.abc import CSCDataset, CSRDataset
from scipy import sparse

from .kernels import repeats

Matrix: TypeAlias = Any
Block: TypeAlias = Any  # np.ndarray | sparse.csr_array

BLOCK_BYTES = 2**27


def kind_of(X: Matrix) -> str:
    """Which of the accepted holders X is: dense, csr, csc, dask, backed_csr, backed_csc, backed_dense or cupy."""
    root = type(X).__module__.partition(".")[0]
    if isinstance(X, np.ndarray):
        return "dense"
    if sparse.issparse(X) and X.format in {"csr", "csc"}:
        return str(X.format)
    if isinstance(X, CSRDataset):
        return "backed_csr"
    if isinstance(X, CSCDataset):
        return "backed_csc"
    if root in {"h5py", "zarr"}:
        return "backed_dense"
    if root == "dask":
        return "dask"
    if root in {"cupy", "cupyx"}:
        return "cupy"
    raise TypeError(
        f"matrix of type {type(X).__module__}.{type(X).__qualname__} is not supported; accepted: numpy array, "
        "scipy.sparse CSR or CSC, dask array of these, h5ad-backed X, cupy"
    )


def by_rows(X: Matrix) -> Matrix:
    """X in a form whose rows are cheap to read: CSC becomes CSR, dask chunks span all columns; else X itself.

    Every function here does this by itself; call it once before reading X many times.
    """
    kind = kind_of(X)
    if kind == "csc" or (kind == "cupy" and getattr(X, "format", "csr") == "csc"):
        return X.tocsr()
    if kind == "backed_csc":
        return X.to_memory().tocsr()
    if kind == "dask":
        if np.isnan(X.shape).any():
            raise ValueError("dask array with unknown chunk sizes; call X.compute_chunk_sizes() first")
        return X if len(X.chunks[1]) == 1 else X.rechunk({1: -1})
    return X


def _row_bytes(X: Matrix, kind: str) -> float:
    n, d = X.shape
    stored = X.group["data"].shape[0] if kind == "backed_csr" else getattr(X, "nnz", None)
    if stored is None:
        return float(d * X.dtype.itemsize)
    return max(1.0, stored / n) * (X.dtype.itemsize + 4)  # a value and its column number


def row_spans(X: Matrix, block_bytes: int) -> list[slice]:
    """Row slices of at most about ``block_bytes`` each; those of a dask array never cross its chunks."""
    kind = kind_of(X)
    n = X.shape[0]
    if kind != "dask":
        rows = max(1, int(block_bytes // _row_bytes(X, kind))) if n else 1
        return [slice(a, min(n, a + rows)) for a in range(0, n, rows)]
    ends = np.cumsum(X.chunks[0])
    return [slice(int(end - size), int(end)) for size, end in zip(X.chunks[0], ends, strict=True) if size]


def _load(X: Matrix, rows: slice) -> Block:
    """The rows as numpy or CSR; views wherever the holder allows it."""
    return on_host(load_there(X, rows))


def load_there(X: Matrix, rows: slice) -> Any:
    """The rows where they are computed: a cupy matrix' on the device."""
    kind = kind_of(X)
    if kind == "dense":
        return np.asarray(X)[rows]
    if kind == "csr":
        first, last = X.indptr[rows.start], X.indptr[rows.stop]
        parts = (X.data[first:last], X.indices[first:last], X.indptr[rows.start : rows.stop + 1] - first)
        found = sparse.csr_array(parts, shape=(rows.stop - rows.start, X.shape[1]), copy=False)
        if X.has_canonical_format:  # scipy looks once, and remembers it
            found.has_canonical_format = True
        return once(found)
    block = X[rows]
    return once(block.compute() if kind == "dask" else block)


def once(block: Any) -> Any:
    """The rows with every entry stored once: scipy lets an entry be stored in parts, whose squares and largest differ.

    Others than scipy's CSR are returned as they are, and so are rows whose entries are only out of order.
    """
    if not sparse.issparse(block) or block.format != "csr" or block.has_canonical_format:
        return block
    if not block.has_sorted_indices and not repeats(block.indptr, block.indices, block.shape[1]):
        return block
    found = block.copy()
    found.sum_duplicates()
    return found


def on_host(block: Any) -> Block:
    """The rows as numpy or CSR in main memory."""
    if type(block).__module__.startswith("cupy"):
        block = block.get()
    return once(sparse.csr_array(block)) if sparse.issparse(block) else np.asarray(block)


def pick(X: Matrix, span: slice, rows: np.ndarray) -> Block:
    """Rows of a block, numbered within it; those of a dask chunk are picked where it lies."""
    if kind_of(X) != "dask":
        return _load(X, span)[rows]
    from dask.delayed import delayed

    chunk = X[span].to_delayed()[0, 0]
    return on_host(delayed(operator.getitem)(chunk, rows).compute())


def row_blocks(X: Matrix, block_bytes: int = BLOCK_BYTES) -> Iterator[tuple[slice, Block]]:
    """Read X, (n, d), by blocks of rows of about ``block_bytes``; a dask array comes chunk by chunk.

    Yields
    ------
    The slice of rows, and the rows as a numpy array or a :class:`scipy.sparse.csr_array` of X's dtype.
    """
    X = by_rows(X)
    for rows in row_spans(X, block_bytes):
        yield rows, _load(X, rows)
