"""Neighbour probabilities: the entropy of every row, and what they must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.manifold._utils import _binary_search_perplexity

from scgce.embedding.affinities import conditional_probabilities, squared_distances


def _cells(seed: int, n: int = 80, p: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) * rng.gamma(1.0, size=(n, 1))


def _perplexities(P: torch.Tensor) -> np.ndarray:
    rows = P.double().numpy()
    return np.array([np.exp(-sum(p * np.log(p) for p in row if p > 0)) for row in rows])


def test_distances_are_those_of_scipy():
    X = _cells(0)
    np.testing.assert_allclose(squared_distances(torch.tensor(X)).numpy(), cdist(X, X, "sqeuclidean"), atol=1e-10)


@given(seed=st.integers(0, 1000), perplexity=st.floats(2.0, 40.0))
@settings(max_examples=25, deadline=None)
def test_every_row_has_the_perplexity(seed: int, perplexity: float):
    P = conditional_probabilities(squared_distances(torch.tensor(_cells(seed))), perplexity)
    np.testing.assert_allclose(_perplexities(P), perplexity, rtol=2e-5)
    np.testing.assert_allclose(P.sum(dim=1).numpy(), 1.0, rtol=1e-12)
    assert (P.diagonal() == 0).all()
    assert (P >= 0).all()


def test_agrees_with_the_search_of_scikit_learn():
    X = _cells(3).astype(np.float32)
    distances = cdist(X, X, "sqeuclidean").astype(np.float32)
    order = np.argsort(distances, axis=1)[:, 1:]  # without the cell itself
    theirs = _binary_search_perplexity(np.take_along_axis(distances, order, axis=1), 10.0, 0)
    ours = conditional_probabilities(torch.tensor(distances), 10.0)
    np.testing.assert_allclose(np.take_along_axis(ours.numpy(), order, axis=1), theirs, atol=2e-5)


@pytest.mark.parametrize("factor", [1e-12, 1.0, 1e12])
def test_scale_of_the_input_does_not_matter(factor: float):
    distances = squared_distances(torch.tensor(_cells(4), dtype=torch.float32))
    P = conditional_probabilities(distances * factor, 10.0)
    np.testing.assert_allclose(_perplexities(P), 10.0, rtol=1e-4)


def test_copies_of_a_cell_are_equally_near():
    X = _cells(5)
    X[:20] = X[0]
    P = conditional_probabilities(squared_distances(torch.tensor(X)), 10.0)
    assert torch.isfinite(P).all()
    np.testing.assert_allclose(P[0, 1:20].numpy(), 1 / 19, rtol=1e-4)  # 19 copies: perplexity 10 cannot be reached
    nearest_is_a_copy = cdist(X, X).argsort(axis=1)[:, 1] < 20
    np.testing.assert_allclose(_perplexities(P)[~nearest_is_a_copy], 10.0, rtol=1e-3)


def test_identical_cells_are_uniform():
    P = conditional_probabilities(torch.zeros(12, 12), 5.0)
    np.testing.assert_allclose(P.numpy(), (1 - np.eye(12)) / 11, rtol=1e-5)


@pytest.mark.parametrize("perplexity", [0.5, 79.0, 200.0])
def test_perplexity_out_of_reach_is_an_error(perplexity: float):
    with pytest.raises(ValueError, match=r"perplexity=.*80 cells"):
        conditional_probabilities(squared_distances(torch.tensor(_cells(0))), perplexity)
