from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.choose.truncate import support
from scgce.core.score.metrics import (
    index_groups,
    off_diagonal_mean,
    off_diagonal_means,
    score_pairs,
    similarity,
    triangle_error,
)

grid = st.integers(-4, 4).map(lambda value: value / 2)
clouds = st.integers(1, 5).flatmap(
    lambda m: st.lists(
        hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.just(m)), elements=grid), min_size=2, max_size=4
    )
)


def translations(arrays: list[np.ndarray]) -> np.ndarray:
    """One per group, on the same grid, so that distances of exactly ε occur."""
    return np.stack([np.round(2 * array.mean(0)) / 2 for array in arrays])


def score(arrays, epsilon, order=None):
    basis = torch.from_numpy(translations(arrays))
    embedded = [torch.from_numpy(array) for array in arrays]
    return score_pairs(lambda i, j: embedded[i] + basis[j] - basis[i], embedded, epsilon, order)


def brute_force(arrays: list[np.ndarray], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    basis, n_groups = translations(arrays), len(arrays)
    correctness, coverage = np.zeros((2, n_groups, n_groups))
    for i, source in enumerate(arrays):
        for j, target in enumerate(arrays):
            hits = np.zeros((len(source), len(target)), dtype=bool)
            for a, x in enumerate(source):
                for b, y in enumerate(target):
                    gap = np.sqrt(np.sum((x + (basis[j] - basis[i]) * (i != j) - y) ** 2))
                    hits[a, b] = gap <= epsilon and not (i == j and a == b)
            correctness[i, j], coverage[i, j] = hits.any(1).mean(), hits.any(0).mean()
    return correctness, coverage


@given(clouds, st.integers(0, 10))
def test_equals_brute_force(arrays, quarters: int) -> None:
    scores = score(arrays, quarters / 4)
    correctness, coverage = brute_force(arrays, quarters / 4)
    np.testing.assert_allclose(scores.correctness, correctness, atol=1e-15)
    np.testing.assert_allclose(scores.coverage, coverage, atol=1e-15)


@given(clouds, st.integers(0, 10))
def test_reversing_a_translation_in_the_representation_swaps_correctness_and_coverage(arrays, quarters: int) -> None:
    scores = score(arrays, quarters / 4)
    np.testing.assert_array_equal(scores.correctness, scores.coverage.T)


@given(clouds, st.floats(0, 4), st.floats(0, 4))
def test_more_epsilon_never_scores_less(arrays, e1: float, e2: float) -> None:
    low, high = (score(arrays, epsilon) for epsilon in sorted((e1, e2)))
    assert (low.correctness <= high.correctness).all()
    assert (low.coverage <= high.coverage).all()


@given(clouds, st.randoms(use_true_random=False))
def test_order_of_groups_and_cells_does_not_matter(arrays, random) -> None:
    scores = score(arrays, 1.0)
    order = list(range(len(arrays)))
    random.shuffle(order)
    shuffled = [np.array(random.sample(arrays[g].tolist(), len(arrays[g]))) for g in order]
    again = score(shuffled, 1.0)
    np.testing.assert_allclose(again.correctness, scores.correctness[np.ix_(order, order)], atol=1e-15)
    np.testing.assert_allclose(again.coverage, scores.coverage[np.ix_(order, order)], atol=1e-15)


@pytest.mark.parametrize("m", [2, 50])
def test_large_groups_equal_products_of_all_distances(m: int) -> None:
    generator = torch.Generator().manual_seed(0)
    embedded = [torch.randn(300, m, generator=generator, dtype=torch.float64) for _ in range(3)]
    epsilon = {2: 0.05, 50: 7.5}[m]
    found = score_pairs(lambda i, j: embedded[i] + 0.1, index_groups(embedded), epsilon)
    for i, j in ((0, 1), (2, 0)):
        close = torch.cdist(embedded[i] + 0.1, embedded[j]) <= epsilon
        assert found.correctness[i, j] == float(close.any(1).double().mean())
        assert found.coverage[i, j] == float(close.any(0).double().mean())
    assert 0.05 < off_diagonal_mean(found.correctness) < 0.95


def test_only_the_pairs_asked_for() -> None:
    arrays = [np.zeros((2, 2)), np.ones((3, 2)), np.ones((1, 2))]
    scores = score(arrays, 0.5, [(0, 1), (2, 2)])
    known = ~np.isnan(scores.correctness)
    assert np.argwhere(known).tolist() == [[0, 1], [2, 2]]
    assert scores.correctness[0, 1] == scores.coverage[0, 1] == 1.0
    assert scores.correctness[2, 2] == 0.0  # one cell has no neighbour


def test_refuses_what_has_no_meaning() -> None:
    cloud = torch.zeros(2, 2)
    for epsilon in (-1.0, float("nan")):
        with pytest.raises(ValueError, match=r"epsilon=.* accepted: 0 or more"):
            score_pairs(lambda i, j: cloud, [cloud, cloud], epsilon)
    with pytest.raises(ValueError, match="moved holds NaN"):
        score_pairs(lambda i, j: cloud * torch.nan, [cloud, cloud], 1.0)
    with pytest.raises(ValueError, match="at least one cell"):
        score_pairs(lambda i, j: cloud, [cloud, cloud[:0]], 1.0)


def test_means_over_pairs() -> None:
    values = np.array([[1.0, 0.2], [0.4, 1.0]])
    assert off_diagonal_mean(values) == pytest.approx(0.3)
    assert off_diagonal_mean(values, include_self=True) == pytest.approx(0.65)
    values[0, 1] = np.nan
    np.testing.assert_allclose(off_diagonal_means(np.stack([values, np.full((2, 2), np.nan)])), [0.4, np.nan])


vectors = hnp.arrays(np.float64, 6, elements=st.integers(-2, 2).map(float))


@given(vectors, vectors)
def test_similarity_is_the_share_of_amount_on_common_genes(a: np.ndarray, b: np.ndarray) -> None:
    expected = np.abs(a[b != 0]).sum() / np.abs(a).sum() if np.any(a) else 1.0
    first, second = support(torch.from_numpy(a)), support(torch.from_numpy(b))
    assert similarity(first, second) == pytest.approx(expected)
    assert similarity(first, first) == 1.0


def test_triangle_error_of_differences_is_exactly_zero() -> None:
    basis = torch.randn(5, 40, generator=torch.Generator().manual_seed(2)).double()
    assert triangle_error(basis[None] - basis[:, None]) == 0.0
    assert triangle_error(lambda i, j: basis[j] - basis[i], n_groups=5) == 0.0


@given(hnp.arrays(np.float64, (3, 3, 4), elements=st.integers(-2, 2).map(float)))
def test_triangle_error_equals_a_loop_over_triples(table: np.ndarray) -> None:
    worst = 0.0
    for i, j, k in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]:
        error, size = np.abs(table[i, j] + table[j, k] - table[i, k]).sum(), np.abs(table[i, k]).sum()
        worst = max(worst, error / size if size else np.inf * bool(error) if error else 0.0)
    tensor = torch.from_numpy(table)
    assert triangle_error(tensor) == pytest.approx(worst)
    assert triangle_error(lambda i, j: tensor[i, j], n_groups=3) == pytest.approx(worst)


def test_two_groups_make_no_triangle() -> None:
    assert triangle_error(torch.ones(2, 2, 3)) == 0.0
    assert triangle_error(lambda i, j: torch.ones(3), n_groups=1) == 0.0
    with pytest.raises(ValueError, match="n_groups=None"):
        triangle_error(lambda i, j: torch.ones(3))
