from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import sparse

from scgce.matrix import kernels as _kernels


def test_rows_by_group_keeps_the_order_of_rows() -> None:
    order, bounds = _kernels.rows_by_group(np.array([1, -1, 0, 1, 3, 0]), 4)
    assert [order[a:b].tolist() for a, b in pairwise(bounds)] == [[2, 5], [0, 3], [], [4]]


@pytest.mark.parametrize("panel_bytes", [4, 400, 2**20])
@pytest.mark.parametrize("rows", [1, 127, 128, 129, 400])
def test_panels_and_tiles_change_no_bit(rows: int, panel_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X = sparse.random_array((rows, 77), density=0.3, format="csr", dtype=np.float32, rng=rng)
    W = rng.normal(size=(77, 5)).astype(np.float32)
    whole, split = np.zeros((rows, 5), np.float32), np.zeros((rows, 5), np.float32)
    _kernels.project_csr(X.indptr, X.indices, X.data, W, whole)
    monkeypatch.setattr(_kernels, "PANEL_BYTES", panel_bytes)
    _kernels.project_csr(X.indptr, X.indices, X.data, W, split)
    np.testing.assert_array_equal(split, whole)
    np.testing.assert_allclose(whole, X.toarray() @ W, atol=1e-5)


def test_results_are_added_to_what_is_there() -> None:
    X = sparse.csr_array(np.eye(3, dtype=np.float32))
    out, sums = np.full((3, 2), 10, np.float32), np.full((2, 3), 10.0)
    _kernels.project_csr(X.indptr, X.indices, X.data, np.ones((3, 2), np.float32), out)
    _kernels.add_group_sums_csr(X.indptr, X.indices, X.data, np.array([0, 0, 1]), sums)
    assert (out == 11).all()
    assert sums.tolist() == [[11, 11, 10], [10, 10, 11]]
    _kernels.add_group_sums_dense(np.ones((3, 3)), np.array([-1, 1, 1]), sums)
    assert sums.tolist() == [[11, 11, 10], [12, 12, 13]]


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    def fail(start: int, stop: int) -> None:
        raise RuntimeError(f"rows {start} to {stop}")

    for threads in (1, 2):
        torch.set_num_threads(threads)
        with pytest.raises(RuntimeError, match="rows 0 to 4"):
            _kernels._share(fail, [0, 4, 8])
    torch.set_num_threads(1)
