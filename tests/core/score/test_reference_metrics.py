"""The values published by the paper's authors, recomputed from their data; skipped where these are absent.

Convention found, to the last digit: plain Euclidean distance ≤ ε; the cut keeps the k largest |δ_j − δ_i| of each
pair; the diagonal is the self-similarity without a cell as its own neighbour and belongs to the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from scgce.core.choose.truncate import PairCuts
from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.metrics import off_diagonal_mean, score_pairs

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
pytestmark = pytest.mark.skipif(not REFERENCE.is_dir(), reason="reference values not present")


def load(name: str) -> dict[str, np.ndarray]:
    with np.load(REFERENCE / f"{name}.npz") as stored:
        return dict(stored)


def encoder(stored: dict[str, np.ndarray], dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    weights = [(torch.tensor(stored[f"W{i}"]).to(dtype), torch.tensor(stored[f"b{i}"]).to(dtype)) for i in range(4)]

    def embed(x: Tensor) -> Tensor:
        for W, b in weights[:-1]:
            x = torch.nn.functional.elu(x @ W + b)
        return x @ weights[-1][0] + weights[-1][1]

    return embed


def published_row(cells: list[Tensor], embed, epsilon: float, basis: Tensor, k: int) -> list[float]:
    cuts = PairCuts(basis, k)
    scores = score_pairs(lambda i, j: embed(cells[i] + cuts.dense(i, j)), [embed(x) for x in cells], epsilon)
    return [off_diagonal_mean(m, include_self=True) for m in (scores.correctness, scores.coverage)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ["iris", "heart"])
def test_published_metrics_come_back(name: str, dtype: torch.dtype) -> None:
    stored = load(name)
    embed = encoder(stored, dtype)
    X = torch.tensor(stored["X"]).to(dtype)
    n_groups = int(stored["group"].max()) + 1
    cells = [X[torch.tensor(stored["group"] == g)] for g in range(n_groups)]
    means = torch.stack([x.mean(0) for x in cells])
    epsilon = float(stored["epsilon"])
    for row, deltas in zip(stored["published"], stored["published_deltas"], strict=True):
        tgt = torch.cat([torch.zeros(1, X.shape[1], dtype=dtype), torch.tensor(deltas).to(dtype)])
        k = int(row[0])
        found = published_row(cells, embed, epsilon, tgt, k) + published_row(cells, embed, epsilon, means, k)
        np.testing.assert_allclose(found, row[1:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["iris", "heart"])
def test_their_epsilon_is_a_coarse_grid_above_the_exact_one(name: str) -> None:
    stored = load(name)
    embedding = torch.tensor(stored["embedding"])
    groups = [embedding[torch.tensor(stored["group"] == g)] for g in range(int(stored["group"].max()) + 1)]
    exact, theirs = epsilon_from(groups, "mean"), float(stored["epsilon"])
    assert exact <= theirs
    scores = score_pairs(lambda i, j: groups[i], groups, theirs, [(g, g) for g in range(len(groups))])
    assert np.nanmean(scores.correctness) >= 0.95
