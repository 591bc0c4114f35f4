"""The PCA that students start from, against scikit-learn's full SVD."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from scgce.encoders._pca import pca_basis


def matrix(n: int = 200, d: int = 80, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    strengths = 10.0 / np.arange(1, 13)
    X = (rng.normal(size=(n, 12)) * strengths) @ rng.normal(size=(12, d)) + 0.05 * rng.normal(size=(n, d))
    return (X * (rng.random((n, d)) < 0.7)).astype(np.float32)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csc_array])
def test_scores_equal_sklearn_up_to_sign(kind):
    X = matrix()
    basis = pca_basis(kind(X), [f"g{i}" for i in range(80)], 10)
    oracle = PCA(10, svd_solver="full").fit(X)
    cosines = np.abs((basis.W.numpy() * oracle.components_.T).sum(axis=0))
    assert (cosines[:5] > 1 - 1e-4).all()
    variance = basis(kind(X)).var(axis=0, ddof=1)
    np.testing.assert_allclose(variance, oracle.explained_variance_, rtol=2e-3)


def test_centred_and_orthonormal():
    X = matrix()
    basis = pca_basis(X, np.arange(80), 10)
    np.testing.assert_allclose(basis(X).mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(basis.W.T @ basis.W, np.eye(10), atol=1e-5)


def test_components_are_bounded_by_the_matrix():
    assert pca_basis(matrix(8, 5), np.arange(5), 50).n_dims == 5
    assert pca_basis(matrix(8, 30), np.arange(30), 50).n_dims == 7


def test_seed_decides_alone_and_arrangement_does_not_matter():
    X = matrix()
    names = np.arange(80)
    first, again = pca_basis(X, names, 5, rng=3), pca_basis(X, names, 5, rng=3)
    np.testing.assert_array_equal(first.W, again.W)
    shuffle = np.random.default_rng(0).permutation(len(X))
    moved = pca_basis(X[shuffle], names, 5, rng=3, order=np.argsort(shuffle))
    np.testing.assert_array_equal(first.W, moved.W)


def test_more_cells_than_are_used(monkeypatch):
    monkeypatch.setattr("scgce.encoders._pca.MAX_CELLS", 60)
    basis = pca_basis(matrix(), np.arange(80), 2)
    assert basis.name == "PCA of 60 cells"
    oracle = PCA(2).fit(matrix())
    assert np.linalg.svd(oracle.components_ @ basis.W.numpy())[1].min() > 0.9
