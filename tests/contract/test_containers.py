"""Every public function gives the same on every way to hold the matrix, or refuses it with the documented error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from tests._fixtures import ARRAY_KINDS
from tests.contract._api import TABLE, at_hand, call, outcome, public, tiny

da = pytest.importorskip("dask.array")

Make = Callable[[sparse.csr_matrix], Any]

# In memory, lazy and as a view: X is what stands here.
HELD: dict[str, Make] = {
    name: (lambda X, make=make: make(X, None)) for name, make in ARRAY_KINDS.items() if not name.startswith("backed")
} | {
    "csr-int32": lambda X: sparse.csr_matrix(X, dtype=np.int32),
    "csc-int64": lambda X: sparse.csc_matrix(X, dtype=np.int64),
    "numpy-uint8": lambda X: X.toarray().astype(np.uint8),
    "csr-long-indices": lambda X: _long(X),
    "csr-in-parts": lambda X: _in_parts(X),
    "csc-in-parts": lambda X: _in_parts(X).tocsc(),
    "dask-csc": lambda X: da.from_array(X.toarray(), chunks=(20, X.shape[1])).map_blocks(sparse.csc_matrix),
    "dask-float64": lambda X: da.from_array(X.toarray().astype(np.float64), chunks=(24, 6)),
}
# Written to a file and opened without being read.
BACKED: dict[str, Make] = {
    "backed-csr": sparse.csr_matrix,
    "backed-csc": sparse.csc_matrix,
    "backed-numpy": lambda X: X.toarray(),
    "backed-csr-in-parts": lambda X: _in_parts(X),
}


def _long(X: sparse.csr_matrix) -> sparse.csr_matrix:
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _in_parts(X: sparse.csr_matrix) -> sparse.csr_matrix:
    """Every entry stored as two that sum to it, as scipy allows: their squares and the larger one are others."""
    halves = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2
    return sparse.csr_matrix(halves, shape=X.shape, dtype=np.float32)


# One kind of each way in which the matrix is read, beside a view of whole numbers below; the others, which differ in
# type alone, are left to -m long.
QUICK = {"numpy-F", "csc-in-parts", "dask-csr", "backed-csr"}


def kinds(of: dict[str, Make]) -> list[Any]:
    return [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in of]


@pytest.fixture(scope="module")
def expected(results: ad.AnnData) -> dict[str, Any]:
    """What every function that reads X gives; the others cannot tell how it is held."""
    found, read = {}, set()
    X = ad.AnnData.X

    def get(adata: ad.AnnData) -> Any:
        read.add(name)
        return X.__get__(adata)

    for name in TABLE:
        adata = results.copy()
        read.discard(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ad.AnnData, "X", property(get, X.__set__, X.__delete__))
            given = outcome(name, adata)
        if name in read:
            found[name] = given
    assert {"tl.tgt", "tl.evaluate", "pl.explanation", "pl.markers"} <= set(found)
    return found


def assert_equal(found: Any, wanted: Any, where: str) -> None:
    """Text, shapes and whole numbers are the same; other numbers up to the rounding of float32 sums."""
    if isinstance(wanted, Mapping):
        assert set(found) == set(wanted), where
        for key in wanted:
            assert_equal(found[key], wanted[key], f"{where}[{key!r}]")
        return
    one, other = (np.asarray(x.toarray() if sparse.issparse(x) else x) for x in (found, wanted))
    if other.dtype.names:
        for field in other.dtype.names:
            assert_equal(one[field], other[field], f"{where}[{field!r}]")
    elif other.dtype.kind == "f":
        finite = np.abs(other[np.isfinite(other)])
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * finite.max(initial=1e-3), err_msg=where)
    else:
        if other.dtype == object:  # pd.NA equals nothing, itself included
            one, other = (np.where(pd.isna(x), None, x) for x in (one, other))
        np.testing.assert_array_equal(one, other, err_msg=where)


def test_the_table_holds_every_public_function() -> None:
    assert set(at_hand(TABLE)) == set(public())


@pytest.mark.parametrize("kind", kinds(HELD))
def test_every_function_gives_the_same(results: ad.AnnData, expected: dict[str, Any], kind: str) -> None:
    for name in expected:
        adata = results.copy()
        adata.X = HELD[kind](adata.X)
        assert_equal(outcome(name, adata), expected[name], f"{name} on {kind}")


def test_every_function_reads_a_view(results: ad.AnnData, expected: dict[str, Any]) -> None:
    twice = ad.concat([results, results], index_unique="-")
    twice.X = twice.X.astype(np.int32)  # the values are whole numbers
    for name in ("uns", "varm", "varp"):
        getattr(twice, name).update(getattr(results.copy(), name))
    first = twice.obs_names.str.endswith("-0")
    twice.obsp["connectivities"] = sparse.block_diag([results.obsp["connectivities"]] * 2, format="csr")
    twice.obs_names = [name.removesuffix("-0") for name in twice.obs_names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ad.ImplicitModificationWarning)
        for name in expected:
            view = twice[first]
            assert view.is_view
            assert_equal(outcome(name, view), expected[name], f"{name} on a view")


@pytest.mark.parametrize("kind", kinds(BACKED))
def test_every_function_reads_a_backed_file(
    results: ad.AnnData, expected: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    ad.AnnData(BACKED[kind](results.X), results.obs, results.var).write_h5ad(tmp_path / "cells.h5ad")
    for name in expected:
        adata = ad.read_h5ad(tmp_path / "cells.h5ad", backed="r")
        for slot in ("uns", "obsm", "varm", "obsp"):
            getattr(adata, slot).update(getattr(results.copy(), slot))
        try:
            assert_equal(outcome(name, adata), expected[name], f"{name} on {kind}")
            assert adata.isbacked, name
        finally:
            adata.file.close()


@pytest.fixture(scope="module")
def cupy() -> Any:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    return pytest.importorskip("cupy")


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["numpy", "csr", "csc"])
def test_every_function_reads_a_matrix_on_the_device(
    cupy: Any, results: ad.AnnData, expected: dict[str, Any], kind: str
) -> None:
    from cupyx.scipy import sparse as on_device

    make = {"numpy": lambda X: cupy.asarray(X.toarray()), "csr": on_device.csr_matrix, "csc": on_device.csc_matrix}
    for name in expected:
        adata = results.copy()
        adata.X = make[kind](adata.X)
        options = {"device": "cpu"} if "device" in TABLE[name].options else {}
        assert_equal(outcome(name, adata, **options), expected[name], f"{name} on cupy {kind}")


# Matrices that no function can read: refused by the first that is asked, with what would be accepted.
REFUSED: dict[str, tuple[Make, type[Exception], str]] = {
    "coo": (sparse.coo_matrix, TypeError, "coo_matrix is not supported; accepted: numpy array"),
    "lil": (sparse.lil_matrix, TypeError, "lil_matrix is not supported"),
    "complex": (lambda X: sparse.csr_matrix(X, dtype=np.complex64), ValueError, "dtype complex64; expected real"),
    "objects": (lambda X: X.toarray().astype(object), ValueError, "dtype object; expected real"),
    "dask-unknown": (lambda X: _unknown(X), ValueError, "unknown chunk sizes; call X.compute_chunk_sizes"),
}


def _unknown(X: sparse.csr_matrix) -> Any:
    dense = da.from_array(X.toarray(), chunks=(20, X.shape[1]))
    return dense[dense.sum(axis=1) >= 0]


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("name", ["tl.tgt", "tl.dbm", "tl.autoencoder", "tl.distill", "tl.integrated_gradients"])
def test_what_cannot_be_read_is_refused(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, error, message = REFUSED[kind]
    adata = tiny()
    odd = make(adata.X)
    # anndata itself refuses some of these; files and other packages may still hand them over.
    monkeypatch.setattr(ad.AnnData, "X", property(lambda _: odd))
    with pytest.raises(error, match=message):
        call(name, adata)
