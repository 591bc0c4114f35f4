"""Rows of dense and sparse matrices agree; batches visit every cell equally often."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from scgce.embedding.batches import Rows, shuffled, start

CPU = torch.device("cpu")


def _matrix() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.poisson(0.4, (50, 12)) * rng.normal(size=(50, 12))).astype(np.float32)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("columns", [None, np.array([7, 1, 3])])
def test_sparse_rows_are_the_dense_ones(kind: type, columns: np.ndarray | None):
    X, index = _matrix(), torch.tensor([4, 0, 49, 4])
    dense, thin = Rows(X, CPU, columns), Rows(kind(X), CPU, columns)
    assert dense.shape == thin.shape == (50, 12 if columns is None else 3)
    torch.testing.assert_close(thin(index), dense(index))
    wanted = X[index.numpy()] if columns is None else X[index.numpy()][:, columns]
    np.testing.assert_allclose(dense(index).numpy() * dense.scale, wanted, rtol=1e-6)


def test_rows_lie_between_minus_one_and_one():
    X = _matrix()
    rows = Rows(X, CPU)
    assert rows.scale == np.abs(X).max()
    assert float(rows(torch.arange(50)).abs().max()) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_rows_with_a_root_mean_square_of_one(kind):
    X = _matrix()
    rows = Rows(kind(X), CPU, unit="rms")
    assert rows.scale == pytest.approx(np.sqrt((X**2).mean()), rel=1e-6)
    assert float((rows(torch.arange(50)) ** 2).mean()) == pytest.approx(1.0, rel=1e-5)


def test_rows_of_zeros_stay_zeros():
    for unit in ("largest", "rms"):
        assert Rows(np.zeros((3, 2)), CPU, unit=unit).scale == 1.0


def test_every_cell_comes_once_in_a_pass():
    cells = torch.tensor([2, 3, 5, 7, 11, 13, 17])
    batches = shuffled(cells, 3, torch.Generator().manual_seed(0))
    drawn = torch.cat([next(batches) for _ in range(7)])
    for one_pass in drawn.split(7):
        assert sorted(one_pass.tolist()) == cells.tolist()


def test_batches_follow_the_seed():
    first, second, other = (shuffled(torch.arange(40), 8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    a, b, c = (torch.cat([next(batches) for _ in range(5)]) for batches in (first, second, other))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_cells_held_out_are_not_trained_on():
    _, fitting, waiting = start(Rows(np.ones((2000, 1)), CPU), 0.3, np.random.default_rng(0), least=5)
    assert [len(part) for part in waiting] == [300, 300]
    assert sorted(torch.cat([fitting, *waiting]).tolist()) == list(range(2000))


def test_too_few_cells_to_hold_any_out():
    _, fitting, waiting = start(Rows(np.ones((20, 1)), CPU), 0.1, np.random.default_rng(0), least=5)
    assert waiting == []
    assert len(fitting) == 20


def test_too_few_cells_to_train_on():
    with pytest.raises(ValueError, match="4 cells are too few"):
        start(Rows(np.ones((4, 1)), CPU), 0.1, np.random.default_rng(0), least=5)
