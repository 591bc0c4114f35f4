from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.score.transport import percent_explained, percent_explained_pairs, squared_wasserstein

small_clouds = st.integers(1, 5).flatmap(
    lambda n: st.tuples(*[hnp.arrays(np.float64, (n, 2), elements=st.integers(-5, 5).map(float))] * 2)
)


def normal(n: int, seed: int, mean: float = 0.0) -> torch.Tensor:
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + mean


@given(small_clouds)
def test_wasserstein_equals_the_best_permutation(pair) -> None:
    a, b = pair
    best = min(((a - b[list(order)]) ** 2).sum(1).mean() for order in permutations(range(len(a))))
    assert squared_wasserstein(a, b) == pytest.approx(best)
    assert squared_wasserstein(b, a) == pytest.approx(best)


def test_wasserstein_of_a_translation_is_its_square() -> None:
    a = normal(30, 0).numpy()
    assert squared_wasserstein(a, a + np.array([3.0, 0.0, 4.0])) == pytest.approx(25.0)


def test_not_moving_explains_nothing_and_arriving_explains_all() -> None:
    source, target = normal(40, 0), normal(40, 1, mean=3.0)
    assert percent_explained(source, source, target) == 0.0
    assert percent_explained(target, source, target) == pytest.approx(1.0)
    assert percent_explained(source - 3.0, source, target) < 0


def test_a_sub_sample_estimates_the_whole() -> None:
    source, target = normal(400, 0), normal(300, 1, mean=3.0)
    moved = source + 2.0
    rough = percent_explained(moved, source, target, max_cells=100, rng=1)
    assert rough == percent_explained(moved, source, target, max_cells=100, rng=1)
    assert rough == pytest.approx(percent_explained(moved, source, target), abs=0.1)


def test_nothing_to_explain_is_nan() -> None:
    source = torch.zeros(3, 2)
    assert np.isnan(percent_explained(source + 1, source, source))


def test_one_cell_each_is_enough() -> None:
    """Half of the way leaves a quarter of the squared distance."""
    source, target = torch.zeros(1, 3), torch.tensor([[2.0, 0.0, 0.0]])
    assert percent_explained(source + target / 2, source, target) == pytest.approx(0.75)
    assert percent_explained(source + target, source, torch.cat([target, target])) == pytest.approx(1.0)


def test_pairs() -> None:
    embedded = [normal(20, g, mean=4.0 * g) for g in range(3)]
    moved = {(i, j): embedded[i] + 4.0 * (j - i) for i in range(3) for j in range(3)}
    table = percent_explained_pairs(lambda i, j: moved[i, j], embedded)
    assert np.isnan(np.diag(table)).all()
    assert (table[~np.eye(3, dtype=bool)] > 0.8).all()
    some = percent_explained_pairs(lambda i, j: moved[i, j], embedded, [(0, 2), (1, 1)])
    assert np.argwhere(~np.isnan(some)).tolist() == [[0, 2]]


def test_errors() -> None:
    cloud = torch.zeros(3, 2)
    with pytest.raises(ValueError, match=r"moved has shape \(2, 2\); accepted: \(3, 2\)"):
        percent_explained(cloud[:2], cloud, cloud)
    with pytest.raises(ValueError, match="groups of 3 and 0 cells"):
        percent_explained(cloud, cloud, cloud[:0])
    with pytest.raises(ValueError, match="max_cells=0"):
        percent_explained(cloud, cloud, cloud, max_cells=0)
    with pytest.raises(ValueError, match="accepted: equal shapes"):
        squared_wasserstein(np.zeros((2, 1)), np.zeros((3, 1)))
