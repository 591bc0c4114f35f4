from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from scgce.core.score.judges import Judge, LargestScore, NearestVote, fit_judges, sample_groups


def cells(n: int = 240, d: int = 300, n_groups: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sparse counts whose groups differ in a few genes each, and overlap."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_groups, n)
    rates = np.full((n_groups, d), 0.3)
    for g in range(n_groups):
        rates[g, 6 * g : 6 * g + 6] = 1.3
    return rng.poisson(rates[codes]).astype(np.float32), codes


@pytest.mark.parametrize("n_groups", [2, 4])
def test_logreg_equals_sklearn_on_dense_cells(n_groups: int) -> None:
    X, codes = cells(n_groups=n_groups)
    new, _ = cells(n_groups=n_groups, seed=1)
    oracle = LogisticRegression(max_iter=5000, tol=1e-6).fit(X.astype(np.float64), codes)
    judge = fit_judges(sparse.csr_array(X), codes, max_cells=None)["logreg"]
    assert np.mean(judge.predict(sparse.csr_array(new)) == oracle.predict(new)) > 0.99
    np.testing.assert_array_equal(judge.predict(new), judge.predict(sparse.csc_matrix(new)))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_a_judge_sees_the_map_of_a_cell_and_its_offset(kind: type) -> None:
    M, offset = torch.tensor([[1.0, 0.0], [2.0, -1.0]]), torch.tensor([10.0, 20.0])
    judge = Judge(M, offset, LargestScore(torch.tensor([4, 7])))
    X = kind(np.array([[1.0, 1.0], [0.0, 11.0]]))
    assert judge.hidden(X).tolist() == [[13.0, 19.0], [32.0, 9.0]]
    assert judge.predict(X).tolist() == [7, 4]


def test_as_many_components_as_the_cells_allow() -> None:
    X, codes = cells(n=12, n_groups=2)
    judge = fit_judges(X, codes)["knn"]
    assert judge.M.shape == (300, 11)
    centred = X - X.mean(0)
    M = judge.M.numpy()
    np.testing.assert_allclose(centred @ M @ M.T, centred, atol=1e-4)  # twelve points lie in eleven dimensions


def test_knn_equals_sklearn_in_the_same_space() -> None:
    X, codes = cells()
    new, _ = cells(seed=1)
    pca = PCA(50, svd_solver="full").fit(X)
    oracle = KNeighborsClassifier(15).fit(pca.transform(X), codes).predict(pca.transform(new))
    for kind in (np.asarray, sparse.csr_array):
        judge = fit_judges(kind(X), codes, max_cells=None)["knn"]
        assert judge.M.shape == (300, 50)
        assert np.mean(judge.predict(kind(new)) == oracle) > 0.99


def test_few_genes_and_few_cells_work() -> None:
    X, codes = cells(n=12, d=5, n_groups=2)
    for judge in fit_judges(X, codes).values():
        assert judge.predict(X).shape == (12,)


def test_codes_may_have_gaps_and_cells_without_a_group() -> None:
    X, codes = cells()
    renamed = np.array([5, 2, -1, 9])[codes]
    for judge in fit_judges(sparse.csr_array(X), renamed).values():
        called = judge.predict(sparse.csr_array(X))
        assert set(called) <= {2, 5, 9}
        assert np.mean(called[renamed >= 0] == renamed[renamed >= 0]) > 0.7


def test_same_rng_same_judge() -> None:
    X, codes = cells()
    first, again, other = (fit_judges(X, codes, max_cells=30, rng=seed)["logreg"].M for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_sample_takes_at_most_so_many_of_each_group() -> None:
    codes = np.array([0] * 10 + [-1] * 5 + [2] * 3)
    rows = sample_groups(codes, 4, np.random.default_rng(0))
    assert np.bincount(codes[rows]).tolist() == [4, 0, 3]
    assert (np.diff(rows) > 0).all()
    for seed in range(5):
        assert np.unique(sample_groups(np.zeros(10, dtype=int), 9, np.random.default_rng(seed))).size == 9
    assert sample_groups(codes, None, np.random.default_rng(0)).size == 13


def test_ties_go_to_the_lower_class() -> None:
    assert LargestScore(torch.tensor([3, 7]))(torch.tensor([[1.0, 1.0], [0.0, 1.0]])).tolist() == [3, 7]
    vote = NearestVote(torch.tensor([[0.0], [1.0]]), torch.tensor([4, 2]), voters=2)
    assert vote(torch.tensor([[0.0]])).tolist() == [2]


def test_errors() -> None:
    X, codes = cells(n=10)
    with pytest.raises(ValueError, match=r"codes has shape \(9,\)"):
        fit_judges(X, codes[:9])
    with pytest.raises(ValueError, match="fewer than two groups"):
        fit_judges(X, np.zeros(10, dtype=int))
    with pytest.raises(ValueError, match="max_cells=0"):
        fit_judges(X, codes, max_cells=0)
