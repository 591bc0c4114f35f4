from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scgce.matrix import arrays

N, D, H, L = 90, 31, 7, 4
AsKind = Callable[[sparse.csr_matrix], Any]


@pytest.fixture(scope="module")
def X() -> sparse.csr_matrix:
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.3)
    dense[5] = 0  # a cell without any expression
    dense[:, 3] = 0  # a gene without any
    return sparse.csr_matrix(dense.astype(np.float32))


@pytest.fixture(scope="module")
def weights() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.normal(size=(D, H)).astype(np.float32), rng.normal(size=H).astype(np.float32)


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return np.random.default_rng(3).integers(-1, L, N)


def _sums(X: sparse.csr_matrix, codes: np.ndarray) -> np.ndarray:
    dense = X.toarray().astype(np.float64)
    return np.stack([dense[codes == g].sum(axis=0) for g in range(L)])


# --- every kind -----------------------------------------------------------------------------------------------------


def test_blocks_give_the_matrix_back(X: sparse.csr_matrix, as_kind: AsKind) -> None:
    covered = np.zeros(N, dtype=int)
    for rows, block in arrays.row_blocks(as_kind(X), block_bytes=1000):
        assert isinstance(block, np.ndarray | sparse.csr_array)
        covered[rows] += 1
        dense = block.toarray() if sparse.issparse(block) else block
        np.testing.assert_array_equal(dense, X[rows].toarray())
    np.testing.assert_array_equal(covered, 1)


def test_blocks_keep_to_their_size(X: sparse.csr_matrix) -> None:
    blocks = list(arrays.row_blocks(X.toarray(), block_bytes=10 * D * 4))
    assert [block.shape[0] for _, block in blocks] == [10] * 9
    sparse_blocks = [block for _, block in arrays.row_blocks(X, block_bytes=1000)]
    assert max(block.data.nbytes + block.indices.nbytes for block in sparse_blocks) < 1600
    assert len(list(arrays.row_blocks(X, block_bytes=1))) == N


def test_project_and_sum(X: sparse.csr_matrix, as_kind: AsKind, weights: Any, codes: np.ndarray) -> None:
    W, b = weights
    hidden, sums = arrays.project_and_sum(as_kind(X), W, b, codes, L, block_bytes=2000)
    assert hidden.dtype == np.float32
    assert sums.dtype == np.float64
    np.testing.assert_allclose(hidden, X.toarray().astype(np.float64) @ W + b, atol=5e-6)
    np.testing.assert_allclose(sums, _sums(X, codes), rtol=1e-12, atol=1e-12)


def test_project_and_group_sums_are_its_halves(
    X: sparse.csr_matrix, as_kind: AsKind, weights: Any, codes: np.ndarray
) -> None:
    held = as_kind(X)
    hidden, sums = arrays.project_and_sum(held, *weights, codes, L)
    np.testing.assert_array_equal(arrays.project(held, *weights), hidden)
    np.testing.assert_array_equal(arrays.group_sums(held, codes, L), sums)


def test_columns_of_some_rows_again_and_again(X: sparse.csr_matrix, as_kind: AsKind) -> None:
    held, rows = as_kind(X), np.array([40, 2, 89, 2])
    some = arrays.SomeRows(held, rows)
    for columns in ([30, 0, 3, 11], [5], [11, 30]):
        np.testing.assert_array_equal(some.columns(np.array(columns)), X.toarray()[rows][:, columns])


def test_columns_and_rows(X: sparse.csr_matrix, as_kind: AsKind) -> None:
    held, dense = as_kind(X), X.toarray()
    rows, columns = [40, 2, 89, 2], [30, 0, 3, 11]
    mask = np.arange(N) % 7 == 0
    for got, expected in [
        (arrays.dense_columns(held, columns), dense[:, columns]),
        (arrays.SomeRows(held, mask).columns(columns), dense[mask][:, columns]),
        (arrays.dense_rows(held, rows), dense[rows]),
        (arrays.dense_rows(held, mask), dense[mask]),
        (arrays.dense_rows(held, []), dense[:0]),
        (arrays.csr_rows(held, rows).toarray(), dense[rows]),
    ]:
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, expected)
    assert isinstance(arrays.csr_rows(held, rows), sparse.csr_array)


def test_check_accepts(X: sparse.csr_matrix, as_kind: AsKind) -> None:
    arrays.check_matrix(as_kind(X), "adata.X")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_finds_one_bad_value(X: sparse.csr_matrix, as_kind: AsKind, value: float) -> None:
    bad = X.copy()
    bad.data[-1] = value
    with pytest.raises(ValueError, match=r"layers\['log'\] holds 1 NaN or infinite values"):
        arrays.check_matrix(as_kind(bad), "layers['log']")


def test_by_rows_changes_only_what_is_slow_by_rows(X: sparse.csr_matrix, as_kind: AsKind) -> None:
    held = as_kind(X)
    rows = arrays.by_rows(held)
    slow = getattr(held, "format", None) == "csc" or (isinstance(held, da.Array) and len(held.chunks[1]) > 1)
    assert (rows is held) != slow
    assert arrays.by_rows(rows) is rows
    np.testing.assert_array_equal(arrays.dense_rows(rows, np.arange(N)), X.toarray())


# --- dtypes, layouts, determinism -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint16, bool, np.float32, np.float64])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_dtypes(dtype: type, make: Callable[[np.ndarray], Any], weights: Any, codes: np.ndarray) -> None:
    counts = np.random.default_rng(4).poisson(1, size=(N, D)).astype(dtype)
    arrays.check_matrix(make(counts), "adata.X")
    hidden, sums = arrays.project_and_sum(make(counts), *weights, codes, L)
    W, b = weights
    np.testing.assert_allclose(hidden, counts.astype(np.float64) @ W + b, atol=1e-5)
    np.testing.assert_array_equal(sums, _sums(sparse.csr_matrix(counts.astype(np.float64)), codes))


def test_sums_are_float64(codes: np.ndarray) -> None:
    X = np.full((N, 2), 16_777_216, dtype=np.float32)
    X[1::2] = 1.0  # lost by a float32 accumulator
    expected = _sums(sparse.csr_matrix(X), codes)
    np.testing.assert_array_equal(arrays.group_sums(X, codes, L), expected)
    np.testing.assert_array_equal(arrays.group_sums(sparse.csr_array(X), codes, L), expected)


def test_long_indices_unsorted_indices_duplicates_and_explicit_zeros(weights: Any, codes: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    indices = rng.integers(0, D, size=(N, 6))
    data = rng.normal(size=(N, 6)).astype(np.float32)
    data[:, 0] = 0
    X = sparse.csr_matrix((data.ravel(), indices.ravel(), np.arange(N + 1) * 6), shape=(N, D))
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    assert not X.has_sorted_indices
    hidden, sums = arrays.project_and_sum(X, *weights, codes, L)
    np.testing.assert_allclose(hidden, X.toarray() @ weights[0] + weights[1], atol=1e-5)
    np.testing.assert_allclose(sums, _sums(X, codes), atol=1e-6)
    np.testing.assert_allclose(arrays.dense_columns(X, [4, 9]), X.toarray()[:, [4, 9]], atol=1e-6)


@pytest.mark.parametrize("kind", ["csr", "dense"])
def test_identical_bytes_for_any_threads_and_blocks(kind: str) -> None:
    rng = np.random.default_rng(6)
    X = sparse.random_array((700, 500), density=0.2, format="csr", dtype=np.float32, rng=rng)
    W, codes = rng.normal(size=(500, 40)).astype(np.float32), rng.integers(-1, 9, 700)
    held = X if kind == "csr" else X.toarray()
    results = []
    for threads, block_bytes in [(1, 2**27), (2, 2**27), (2, 50_000), (1, 3_000)]:
        torch.set_num_threads(threads)
        results.append(arrays.project_and_sum(held, W, None, codes, 9, block_bytes=block_bytes))
    torch.set_num_threads(1)
    for hidden, sums in results[1:]:
        np.testing.assert_array_equal(sums, results[0][1])
        if kind == "csr":
            np.testing.assert_array_equal(hidden, results[0][0])
        else:  # BLAS may pick another kernel for another number of rows
            np.testing.assert_allclose(hidden, results[0][0], atol=1e-4)


@pytest.mark.parametrize("h", [1, 2, 130, 300_000])
def test_any_width(h: int, X: sparse.csr_matrix) -> None:
    W = np.random.default_rng(7).normal(size=(D, h)).astype(np.float32)
    np.testing.assert_allclose(arrays.project(X[:10], W), X[:10].toarray() @ W, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 60), st.floats(0, 1), st.integers(0, 9), st.data())
def test_against_dense_algebra(seed: int, n: int, d: int, density: float, h: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, d), density=density, format="csr", rng=rng)
    W, b, codes = rng.normal(size=(d, h)), rng.normal(size=h), rng.integers(-1, 3, n)
    size = data.draw(st.sampled_from([1, 500, 10_000]))
    hidden, sums = arrays.project_and_sum(X, W, b, codes, 3, block_bytes=size)
    np.testing.assert_allclose(hidden, X.toarray() @ W + b, atol=1e-4)
    one_hot = (codes[:, None] == np.arange(3)).astype(float)
    np.testing.assert_allclose(sums, one_hot.T @ X.toarray(), atol=1e-12)


def test_weights_may_be_tensors(X: sparse.csr_matrix, weights: Any) -> None:
    W, b = (torch.nn.Parameter(torch.from_numpy(a)) for a in weights)
    np.testing.assert_array_equal(arrays.project(X, W, b), arrays.project(X, *weights))


class OnDevice:
    """Stands in for cupy's arrays: rows are sliced there and fetched with ``get``."""

    __module__ = "cupy.stand_in"

    def __init__(self, held: Any) -> None:
        self.held, self.shape, self.dtype, self.size = held, held.shape, held.dtype, held.size
        if sparse.issparse(held):
            self.nnz, self.format = held.nnz, held.format
            self.indptr, self.data = (OnDevice(part) for part in (held.indptr, held.data))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any) -> Any:
        return ufunc(*(part.held for part in inputs))

    def __getitem__(self, rows: slice) -> OnDevice:
        return OnDevice(self.held[rows])

    def tocsr(self) -> OnDevice:
        return OnDevice(self.held.tocsr())

    def get(self) -> Any:
        return self.held


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_matrices_on_a_device_are_fetched_by_blocks(
    make: Callable[[Any], Any], X: sparse.csr_matrix, weights: Any, codes: np.ndarray
) -> None:
    held = OnDevice(make(X.toarray()))
    arrays.check_matrix(held, "adata.X")
    for got, expected in zip(
        arrays.project_and_sum(held, *weights, codes, L, block_bytes=2000),
        arrays.project_and_sum(make(X.toarray()), *weights, codes, L, block_bytes=2000),
        strict=True,
    ):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(arrays.dense_rows(held, [8, 3]), X[[8, 3]].toarray())


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(3), r"shape \(3,\); expected cells × genes"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        (np.zeros((4, 0)), r"shape \(4, 0\)"),
        (np.array([["a"]]), "dtype <U1; expected real numbers"),
        (np.array([[1j]]), "dtype complex128"),
        (np.array([[None]]), "dtype object"),
    ],
)
def test_check_refuses(X: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arrays.check_matrix(X, "adata.X")


@pytest.mark.parametrize("X", [[[1.0]], sparse.coo_matrix(np.eye(3)), torch.eye(3)])
def test_unknown_kinds_are_refused_by_name(X: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(X).__qualname__} is not supported; accepted: numpy"):
        next(arrays.row_blocks(X))


def test_dask_of_unknown_size_is_refused() -> None:
    X = da.from_array(np.arange(12.0).reshape(6, 2), chunks=(3, 2))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        arrays.project(X[X[:, 0] > 3], np.ones((2, 1)))


def test_shapes_must_fit(X: sparse.csr_matrix, weights: Any, codes: np.ndarray) -> None:
    with pytest.raises(ValueError, match=rf"W has shape \({D - 1}, {H}\); expected \({D}, h\)"):
        arrays.project(X, weights[0][1:])
    with pytest.raises(ValueError, match="codes has shape"):
        arrays.group_sums(X, codes[1:], L)
    with pytest.raises(ValueError, match="values below 2"):
        arrays.group_sums(X, codes, 2)


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csr", "csc", "dask"])
def test_nothing_is_densified(kind: str) -> None:
    X = sparse.random_array((4000, 5000), density=0.01, format="csr", dtype=np.float32, rng=np.random.default_rng(8))
    held = {"csr": X, "csc": X.tocsc(), "dask": da.from_array(sparse.csr_matrix(X), chunks=(500, 5000))}[kind]
    W, codes = np.ones((5000, 4), np.float32), np.arange(4000) % 3
    arrays.project_and_sum(held[:600], W, None, codes[:600], 3)  # compile
    tracemalloc.start()
    arrays.project_and_sum(held, W, None, codes, 3)
    arrays.check_matrix(held, "X")
    arrays.dense_columns(held, [1, 2])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8e6  # X has 1.6 MB; dense it would have 80 MB


def test_reading_rows_of_a_lazy_matrix_loads_only_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def chunk(block_info: Any = None) -> np.ndarray:
        loaded.append(block_info[None]["chunk-location"][0])
        return np.ones((10, 3), np.float32)

    X = da.map_blocks(chunk, chunks=((10,) * 5, (3,)), dtype=np.float32, meta=np.empty((0, 0), np.float32))
    assert arrays.dense_rows(X, [21, 45, 22]).shape == (3, 3)
    assert sorted(loaded) == [2, 4]
