"""Edges are drawn by weight; the map keeps the graph's groups together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.neighbors import kneighbors_graph

from scgce.embedding.batches import Rows
from scgce.embedding.umap import Edges, UmapLoss, fit_umap
from scgce.encoders._loop import Schedule

CPU = torch.device("cpu")
LOSS = UmapLoss(0.58, 1.33)


def _graph() -> sparse.csr_array:
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 2], weights[2, 3], weights[3, 3], weights[4, 0] = 1.0, 2.0, 5.0, 9.0, 2.0
    return sparse.csr_array(weights)


def test_edges_come_in_proportion_to_their_weight():
    drawn = Edges(_graph(), torch.arange(5)).draw(20_000, torch.Generator().manual_seed(0))
    heads, tails = drawn.numpy().reshape(2, -1)
    counts = np.zeros((5, 5))
    np.add.at(counts, (heads, tails), 1)
    expected = _graph().toarray()
    expected[3, 3] = 0.0  # a cell is no neighbour of itself
    np.testing.assert_allclose(counts / 20_000, expected / expected.sum(), atol=0.015)
    assert ((counts > 0) == (expected > 0)).all()


def test_edges_of_other_cells_are_left_out():
    edges = Edges(_graph(), torch.tensor([0, 1, 2]))
    assert sorted(zip(edges.heads.tolist(), edges.tails.tolist(), strict=True)) == [(0, 1), (1, 2)]


def test_negatives_never_leave_the_batch():
    positions = torch.randn(10, 2, generator=torch.Generator().manual_seed(0))
    a = LOSS.terms(positions, torch.Generator().manual_seed(1))["cross_entropy"]
    b = LOSS.terms(positions + 7.0, torch.Generator().manual_seed(1))["cross_entropy"]
    torch.testing.assert_close(a, b)  # only differences of positions count


def _cells() -> tuple[np.ndarray, np.ndarray, sparse.csr_array]:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 240)
    X = (rng.normal(scale=4, size=(3, 8))[codes] + rng.normal(size=(240, 8))).astype(np.float32)
    return X, codes, sparse.csr_array(kneighbors_graph(X, 10, mode="connectivity"))


def _fit(seed: int = 0, held_out: float = 0.0, patience: int = 0, steps: int = 300):
    X, _, graph = _cells()
    schedule = Schedule(steps, 5e-3, check_every=20, patience=patience)
    rows, rng = Rows(X, CPU, unit="rms"), np.random.default_rng(seed)
    return fit_umap(rows, graph, 2, LOSS, schedule, batch_size=128, held_out=held_out, rng=rng), rows


def test_groups_of_the_graph_stay_together():
    fit, rows = _fit()
    with torch.no_grad():
        Z = fit.network(rows(torch.arange(240))).numpy()
    nearest = ((Z[:, None] - Z[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1:11]
    codes = _cells()[1]
    assert (codes[nearest] == codes[:, None]).mean() > 0.95
    assert fit.history["loss"][-1] < fit.history["loss"][0]


def test_same_seed_same_weights():
    first, second, other = (_fit(seed, steps=30)[0].network[0].weight for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_cells_held_out_are_watched():
    history = _fit(held_out=0.3, patience=50)[0].history
    assert np.isfinite(history["held_out"]).all()
    assert history["held_out"][-1] < history["held_out"][0]


def test_a_graph_without_edges_is_refused():
    X, _, _ = _cells()
    empty = sparse.csr_array((240, 240))
    with pytest.raises(ValueError, match="no edges"):
        fit_umap(
            Rows(X, CPU), empty, 2, LOSS, Schedule(5, 1e-3), batch_size=8, held_out=0.0, rng=np.random.default_rng(0)
        )
