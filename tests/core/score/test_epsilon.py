from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.metrics import score_pairs

grid = st.integers(-6, 6).map(lambda value: value / 4)
groups = st.lists(
    hnp.arrays(np.float64, st.tuples(st.integers(2, 25), st.just(2)), elements=grid), min_size=1, max_size=4
)


def self_similarity(clouds: list[torch.Tensor], epsilon: float) -> np.ndarray:
    return np.diag(score_pairs(lambda i, j: clouds[i], clouds, epsilon).correctness)


@pytest.mark.parametrize("rule", ["mean", "max"])
@given(groups, st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_is_the_smallest_that_reaches_the_quantile(rule: str, arrays: list[np.ndarray], quantile: float) -> None:
    clouds = [torch.from_numpy(array) for array in arrays]
    summary = np.mean if rule == "mean" else np.min
    epsilon = epsilon_from(clouds, rule, quantile)
    assert summary(self_similarity(clouds, epsilon)) >= quantile - 1e-12
    if epsilon > 0:
        assert summary(self_similarity(clouds, float(np.nextafter(epsilon, 0)))) < quantile


@given(groups, st.floats(0.05, 1.0), st.floats(0.05, 1.0))
def test_grows_with_the_quantile_and_max_is_at_least_mean(arrays, q1: float, q2: float) -> None:
    clouds = [torch.from_numpy(array) for array in arrays]
    low, high = sorted((q1, q2))
    assert epsilon_from(clouds, "mean", low) <= epsilon_from(clouds, "mean", high)
    assert epsilon_from(clouds, "mean", low) <= epsilon_from(clouds, "max", low)


def test_scales_with_the_representation() -> None:
    clouds = [torch.randn(40, 5, generator=torch.Generator().manual_seed(s), dtype=torch.float64) for s in range(3)]
    assert epsilon_from([4 * cloud for cloud in clouds]) == 4 * epsilon_from(clouds)


def test_twenty_cells_need_nineteen() -> None:
    gaps = torch.arange(1.0, 11.0)
    positions = torch.stack([100 * gaps, 100 * gaps + gaps], 1).flatten()[:, None]
    assert epsilon_from([positions], "max", 0.9) == 9.0
    assert epsilon_from([positions], "mean", 0.9) == 9.0
    assert epsilon_from([positions], "max", 0.95) == 10.0


def test_groups_of_one_cell_are_left_out() -> None:
    pair = torch.tensor([[0.0], [2.0]])
    assert epsilon_from([pair, torch.zeros(1, 1)]) == 2.0
    with pytest.raises(ValueError, match="no group of two or more cells"):
        epsilon_from([torch.zeros(1, 1)])


def test_errors_list_what_is_accepted() -> None:
    with pytest.raises(ValueError, match="rule='median' is unknown; accepted: mean, max"):
        epsilon_from([torch.zeros(2, 1)], "median")
    for quantile in (0.0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="accepted: above 0, at most 1"):
            epsilon_from([torch.zeros(2, 1)], quantile=quantile)
