"""The read of X that a GPU does, here with torch on the CPU: the same arithmetic, blocks and retries."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anndata as ad
import numpy as np
import pytest
import torch
from scipy import sparse

import scgce
from scgce.matrix import arrays, holders
from scgce.matrix import device_read as _device_read
from scgce.matrix.device_read import project_and_sum_on

CPU = torch.device("cpu")
N, D, H, L = 53, 17, 4, 3
Make = Callable[[np.ndarray], Any]
KINDS: dict[str, Make] = {
    "dense": np.asarray,
    "fortran": np.asfortranarray,
    "float64": lambda X: X.astype(np.float64),
    "integers": lambda X: np.round(10 * X).astype(np.int32),
    "csr": sparse.csr_matrix,
    "csr-long": lambda X: _long(sparse.csr_matrix(X)),
    "csr-integers": lambda X: sparse.csr_matrix(np.round(10 * X).astype(np.uint16)),
    "csc": sparse.csc_array,
}


def _long(X: sparse.csr_matrix) -> sparse.csr_matrix:
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


@pytest.fixture(scope="module")
def given() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    X = (rng.random((N, D)) * (rng.random((N, D)) < 0.3)).astype(np.float32)
    X[5] = 0.0
    W, b = rng.standard_normal((D, H)).astype(np.float32), rng.standard_normal(H).astype(np.float32)
    return {"X": X, "W": W, "b": b, "codes": rng.integers(-1, L, N)}


def read(X: Any, given: dict[str, np.ndarray], block_bytes: int, load: Any = None) -> tuple[np.ndarray, np.ndarray]:
    X = arrays.by_rows(X)
    load, spans = load or partial(holders.load_there, X), partial(holders.row_spans, X)
    W, b, codes = (given[name] for name in ("W", "b", "codes"))
    return project_and_sum_on(CPU, load, spans, X.shape, W, b, codes, L, block_bytes)


@pytest.mark.parametrize("block_bytes", [1, 300, 2**20])
@pytest.mark.parametrize("kind", KINDS)
def test_products_and_sums_are_numpys(kind: str, block_bytes: int, given: dict[str, np.ndarray]) -> None:
    X = KINDS[kind](given["X"])
    dense = (X.toarray() if sparse.issparse(X) else X).astype(np.float64)
    hidden, sums = read(X, given, block_bytes)
    assert hidden.dtype == np.float32 and sums.dtype == np.float64
    np.testing.assert_allclose(hidden, dense @ given["W"] + given["b"], rtol=1e-4, atol=1e-5)
    expected = np.stack([dense[given["codes"] == g].sum(0) for g in range(L)])
    np.testing.assert_allclose(sums, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_one_of_both_is_enough(kind: str, given: dict[str, np.ndarray]) -> None:
    X = KINDS[kind](given["X"])
    both = read(X, given, 300)
    spans, load = partial(holders.row_spans, X), partial(holders.load_there, X)
    nothing, none = np.zeros(0, np.float32), np.full(N, -1)
    hidden, no_sums = project_and_sum_on(CPU, load, spans, X.shape, given["W"], given["b"], none, 0, 300)
    no_hidden, sums = project_and_sum_on(CPU, load, spans, X.shape, None, nothing, given["codes"], L, 300)
    np.testing.assert_array_equal(hidden, both[0])
    np.testing.assert_array_equal(sums, both[1])
    assert no_sums.shape == (0, D) and no_hidden.shape == (N, 0)


class Elsewhere:
    """An array that can only be handed on, as cupy's: no way to numpy."""

    def __init__(self, values: np.ndarray) -> None:
        self._values, self.dtype = values, values.dtype

    def __dlpack__(self, **options: Any) -> Any:
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._values.__dlpack_device__()

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise AssertionError("copied to the host")


class Rows:
    """CSR rows as cupyx has them."""

    def __init__(self, block: sparse.csr_array) -> None:
        self.indptr, self.indices, self.data = (Elsewhere(a.copy()) for a in (block.indptr, block.indices, block.data))


def test_what_lies_on_the_device_is_taken_as_it_lies(given: dict[str, np.ndarray]) -> None:
    X = sparse.csr_array(given["X"])
    mine = read(X, given, 300, load=lambda rows: Rows(X[rows]))
    for found, expected in zip(mine, read(X, given, 300), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_without_memory_it_begins_again_in_smaller_blocks(
    given: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    X, sizes, add = sparse.csr_array(given["X"]), [], _device_read._add_sums

    def hungry(block: torch.Tensor, *args: Any) -> None:
        sizes.append(block.shape[0])
        add(block, *args)
        if block.shape[0] > 10:
            raise torch.cuda.OutOfMemoryError("too much")

    expected = read(X, given, 2**20)
    monkeypatch.setattr(_device_read, "_add_sums", hungry)
    found = read(X, given, 2**20)
    assert max(sizes) > 10 >= sizes[-1]
    assert "out of memory on the device" in caplog.text
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


def test_too_little_memory_for_a_row_is_an_error(given: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    def starving(*args: Any) -> None:
        raise torch.cuda.OutOfMemoryError("too much")

    monkeypatch.setattr(_device_read, "_add_sums", starving)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        read(given["X"], given, 2**12)


def test_an_error_while_loading_reaches_the_caller(given: dict[str, np.ndarray]) -> None:
    def broken(rows: slice) -> Any:
        raise OSError(f"cannot read {rows}")

    with pytest.raises(OSError, match="cannot read"):
        read(given["X"], given, 300, load=broken)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_gives_the_same(kind: str, given: dict[str, np.ndarray]) -> None:
    X = KINDS[kind](given["X"])
    options = {"codes": given["codes"], "n_groups": L, "block_bytes": 300}
    here = arrays.project_and_sum(X, given["W"], given["b"], **options)
    there = arrays.project_and_sum(X, given["W"], given["b"], **options, device=torch.device("cuda"))
    for mine, other in zip(there, here, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


def test_the_main_job_reads_through_it(blobs: ad.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the CPU were a GPU: the same genes, amounts to the rounding of the products."""
    options = {"groupby": "group", "use_rep": "X_pca", "sparsity": (2, 5), "method": "path", "device": "cpu"}
    scgce.tl.tgt(blobs, **options, key_added="here")
    reads: list[torch.device] = []

    def read_there(device: torch.device, *args: Any) -> tuple[np.ndarray, np.ndarray]:
        reads.append(device)
        return project_and_sum_on(device, *args)

    monkeypatch.setattr(arrays, "_on_gpu", lambda device: True)
    monkeypatch.setattr(_device_read, "project_and_sum_on", read_there)
    scgce.tl.tgt(blobs, **options, key_added="there")
    assert reads == [CPU]
    here, again = (scgce.get.pairs(blobs, key=key, sparsity=5) for key in ("here", "there"))
    assert set(zip(here["source"], here["target"], here["gene"], strict=True)) == set(
        zip(again["source"], again["target"], again["gene"], strict=True)
    )
    both = here.merge(again, on=["source", "target", "gene"], suffixes=("", "_there"))
    np.testing.assert_allclose(both["delta_there"], both["delta"], atol=1e-4)
