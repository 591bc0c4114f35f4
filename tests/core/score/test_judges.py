from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from scgce.core.score.agree import disagreeing
from scgce.core.score.judges import (
    BalancedVote,
    Judge,
    LargestScore,
    discriminants,
    fit_judges,
    sample_groups,
)


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
    oracle = LogisticRegression(max_iter=5000, tol=1e-6, class_weight="balanced").fit(X.astype(np.float64), codes)
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


def test_of_two_groups_the_discriminant_is_fishers() -> None:
    X, codes = cells(d=40, n_groups=2)
    (axis,) = discriminants(X.astype(np.float64), codes).T
    rest = X - np.stack([X[codes == g].mean(axis=0) for g in range(2)])[codes]
    scale = rest.std(axis=0)
    within = LedoitWolf(assume_centered=True).fit(rest / scale).covariance_
    by_hand = np.linalg.solve(within, (X[codes == 1].mean(axis=0) - X[codes == 0].mean(axis=0)) / scale)
    by_hand /= scale
    assert abs(np.corrcoef(axis, by_hand)[0, 1]) > 0.999


def test_discriminants_have_spread_one_within_groups() -> None:
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((6, 6))
    codes = np.arange(3000) % 3
    X = rng.standard_normal((3000, 6)) @ mix + rng.standard_normal((3, 6))[codes] * 3
    axes = discriminants(X, codes)
    assert axes.shape == (6, 2)
    rest = X - np.stack([X[codes == g].mean(axis=0) for g in range(3)])[codes]
    np.testing.assert_allclose(np.cov(rest @ axes, rowvar=False), np.eye(2), atol=0.05)


@pytest.mark.parametrize("spoil", [lambda X: X * 0, lambda X: np.ones_like(X), lambda X: X[:, :1]])
def test_discriminants_exist_whatever_the_genes_are(spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    X, codes = cells(n=30)
    assert np.isfinite(discriminants(spoil(X).astype(np.float64), codes)).all()
    for judge in fit_judges(spoil(X), codes).values():
        assert judge.predict(spoil(X)).shape == (30,)


def test_knn_equals_sklearn_in_the_same_space() -> None:
    """Groups of one size: the balanced vote is sklearn's own majority."""
    X, codes = cells()
    each = np.sort(np.concatenate([np.flatnonzero(codes == g)[:40] for g in range(4)]))
    X, codes = X[each], codes[each]
    new, _ = cells(seed=1)
    for kind in (np.asarray, sparse.csr_array):
        judge = fit_judges(kind(X), codes, max_cells=None)["knn"]
        assert judge.M.shape == (300, 3)
        oracle = KNeighborsClassifier(15).fit(judge.hidden(X).numpy(), codes).predict(judge.hidden(new).numpy())
        np.testing.assert_array_equal(judge.predict(kind(new)), oracle)


def test_a_judge_reads_the_genes_that_may_move_and_no_other() -> None:
    X, codes = cells()
    genes = np.arange(300) < 50
    for kind in (np.asarray, sparse.csr_array):
        for judge in fit_judges(kind(X), codes, genes=genes).values():
            assert not judge.M[~torch.from_numpy(genes)].any()
            other = X.copy()
            other[:, 50:] = 100
            np.testing.assert_array_equal(judge.predict(kind(other)), judge.predict(kind(X)))


@pytest.mark.parametrize("name", ["logreg", "knn"])
def test_a_rare_group_is_not_voted_down(name: str) -> None:
    """Six training cells among twice two hundred: of new ones, most are known, as by a judge of equal groups."""
    rng = np.random.default_rng(0)
    rates = np.full((3, 60), 0.4)
    for g in range(3):
        rates[g, 5 * g : 5 * g + 5] = 2.0
    codes = np.repeat([0, 1, 2], [200, 200, 6])
    judge = fit_judges(rng.poisson(rates[codes]).astype(np.float32), codes)[name]
    called = judge.predict(rng.poisson(rates[np.full(300, 2)]).astype(np.float32))
    assert np.mean(called == 2) > 0.5


def test_pairs_where_map_and_judges_disagree() -> None:
    map_says = np.array([[0.9, 0.9, 0.2], [0.8, 0.9, np.nan], [0.9, 0.9, 1.0]])
    judge = np.array([[0.8, 0.1, 0.1], [0.75, 0.9, 0.0], [0.39, 0.1, 0.7]])
    silent = np.full((3, 3), np.nan)
    found = disagreeing(map_says, [judge, silent])
    assert found == [(0, 1, 0.9, 0.1), (2, 1, 0.9, 0.1), (2, 0, 0.9, 0.39)]  # 0.39 of 0.8 is less than half
    assert disagreeing(map_says, [silent]) == []


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
    vote = BalancedVote.fit(np.array([[0.0], [1.0]]), np.array([4, 2]))
    assert vote(torch.tensor([[0.0]])).tolist() == [2]


def test_errors() -> None:
    X, codes = cells(n=10)
    with pytest.raises(ValueError, match=r"codes has shape \(9,\)"):
        fit_judges(X, codes[:9])
    with pytest.raises(ValueError, match="fewer than two groups"):
        fit_judges(X, np.zeros(10, dtype=int))
    with pytest.raises(ValueError, match="genes leaves none"):
        fit_judges(X, codes, genes=np.zeros(300, dtype=bool))
    with pytest.raises(ValueError, match="max_cells=0"):
        fit_judges(X, codes, max_cells=0)
