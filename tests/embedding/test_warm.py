"""A map starts at the principal components of what its network reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.decomposition import PCA
from torch import nn

from scgce.embedding.batches import Rows
from scgce.embedding.networks import initialise, mlp
from scgce.embedding.warm import principal_axes, start_at_pca

CPU = torch.device("cpu")


def _cells(n_genes: int = 8, rank: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = 3.0 / (1 + np.arange(rank))
    return ((rng.normal(size=(300, rank)) * spread) @ rng.normal(size=(rank, n_genes)) + 1.0).astype(np.float32)


def _started(X: np.ndarray, n_components: int, seed: int = 0) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    network = mlp((X.shape[1], 32, n_components), nn.ELU)
    initialise(network, generator)
    rows = Rows(X, CPU, unit="rms")
    start_at_pca(network, rows, torch.arange(X.shape[0]), n_components, generator=generator)
    with torch.no_grad():
        return network(rows(torch.arange(X.shape[0]))).numpy()


def test_the_axes_are_those_of_a_pca():
    X = _cells()
    centre, axes = principal_axes(torch.from_numpy(X), 3)
    expected = PCA(3).fit(X).components_
    np.testing.assert_allclose(centre.numpy(), X.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(np.abs(axes.numpy().T @ expected.T), np.eye(3), atol=1e-4)
    assert (axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)) > 0).all()


def test_there_are_no_more_axes_than_the_rank():
    assert principal_axes(torch.from_numpy(_cells(rank=2)), 5)[1].shape == (8, 2)
    assert principal_axes(torch.ones(20, 8), 3)[1].shape == (8, 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_map_starts_at_the_components(seed):
    X = _cells()
    Z, scores = _started(X, 2, seed), PCA(2).fit_transform(X)
    for m in range(2):
        assert abs(np.corrcoef(Z[:, m], scores[:, m])[0, 1]) > 0.98
    assert Z[:, 0].std() == pytest.approx(1.0, abs=0.15)


def test_dimensions_beyond_the_rank_and_constant_input_are_left_alone():
    assert np.isfinite(_started(_cells(rank=1), 3)).all()
    untouched = mlp((8, 32, 2), nn.ELU)
    generator = torch.Generator().manual_seed(0)
    initialise(untouched, generator)
    with torch.no_grad():
        expected = untouched(torch.ones(1, 8)).numpy()
    np.testing.assert_allclose(_started(np.ones((30, 8), np.float32), 2)[:1], expected, rtol=1e-5)


def test_sparse_genes_start_there_too():
    X = np.abs(_cells())
    np.testing.assert_allclose(_started(sparse.csr_matrix(X), 2), _started(X, 2), atol=1e-3)
