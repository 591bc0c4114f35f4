from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from scgce.core.score.kernels import LANES
from scgce.core.score.neighbours import GroupIndex


def clouds(max_dims: int = 9) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Two clouds of equal dimension on a coarse grid, so that ties, duplicates and exact ε are frequent."""

    def pair(m: int, n_places: int, sizes: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        places = rng.integers(-3, 4, (n_places, m)) / 2
        one, other = (places[rng.integers(n_places, size=size)] for size in sizes)
        return one, other

    size = st.integers(1, 2 * LANES + 3)
    return st.builds(pair, st.integers(1, max_dims), st.integers(1, 99), st.tuples(size, size), st.integers(0, 2**32))


def all_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Summed coordinate by coordinate, in order."""
    total = np.zeros((len(a), len(b)))
    for c in range(a.shape[1]):
        total += (a[:, None, c] - b[None, :, c]) ** 2
    return np.sqrt(total)


def shares(a: np.ndarray, b: np.ndarray, epsilon: float) -> np.ndarray:
    return GroupIndex([torch.from_numpy(b)]).shares(torch.from_numpy(a)[None], [0], epsilon)[0]


def expected(a: np.ndarray, b: np.ndarray, epsilon: float) -> list[float]:
    close = all_distances(a, b) <= epsilon
    return [close.any(1).mean(), close.any(0).mean()]


@given(clouds())
def test_nearest_equals_brute_force(pair) -> None:
    a, b = pair
    found = GroupIndex([torch.from_numpy(b)]).nearest(torch.from_numpy(a), 0)
    np.testing.assert_array_equal(found, all_distances(a, b).min(1))


@given(clouds(), st.integers(0, 12))
def test_shares_equal_brute_force_at_the_boundary(pair, quarters: int) -> None:
    a, b = pair
    assert shares(a, b, quarters / 4).tolist() == expected(a, b, quarters / 4)


@given(clouds())
def test_self_nearest_leaves_out_the_point_but_not_its_duplicates(pair) -> None:
    a, _ = pair
    table = all_distances(a, a)
    np.fill_diagonal(table, np.inf)
    np.testing.assert_array_equal(GroupIndex([torch.from_numpy(a)]).self_nearest(0), table.min(1))


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_several_targets_at_once_are_those_one_by_one(m: int, seed: int, n_targets: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(rng.integers(1, 40), m)) for _ in range(n_targets)]
    index = GroupIndex([torch.from_numpy(group) for group in groups])
    moved = rng.normal(size=(n_targets, 25, m))
    order = rng.permutation(n_targets)
    found = index.shares(torch.from_numpy(moved), order, 0.7)
    assert found.tolist() == [expected(moved[t], groups[g], 0.7) for t, g in enumerate(order)]


@pytest.mark.parametrize("m", [2, 3, 12, 50])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("ulps", [-1, 0, 1])
def test_epsilon_one_rounding_away_from_a_distance(m: int, scale: float, offset: float, ulps: int) -> None:
    rng = np.random.default_rng(m)
    a, b = (scale * rng.normal(size=(n, m)) + offset for n in (40, 50))
    table = all_distances(a, b)
    for edge in (table.min(1)[3], table.min(0)[7]):
        epsilon = float(np.nextafter(edge, np.inf * ulps)) if ulps else float(edge)
        assert shares(a, b, epsilon).tolist() == expected(a, b, epsilon)


@pytest.mark.parametrize("m", [2, 3])
def test_a_tree_finds_the_same(m: int) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(700, m)), rng.normal(size=(900, m)) * 3
    index = GroupIndex([torch.from_numpy(b)])
    np.testing.assert_allclose(index.nearest(torch.from_numpy(a), 0), cKDTree(b).query(a)[0], rtol=1e-14)
    np.testing.assert_allclose(index.self_nearest(0), cKDTree(b).query(b, k=2)[0][:, 1], rtol=1e-14)


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_distance_that_set_epsilon_is_within_it(offset: float) -> None:
    points = torch.randn(300, 4, generator=torch.Generator().manual_seed(0)).double() + offset
    found = GroupIndex([points]).self_nearest(0)
    at = int(found.argsort()[150])
    others = np.delete(points.numpy(), at, axis=0)
    assert shares(points.numpy()[at : at + 1], others, float(found[at]))[0] == 1.0
    assert shares(points.numpy()[at : at + 1], others, float(np.nextafter(found[at], 0)))[0] == 0.0


def test_far_from_the_origin_products_would_be_wrong() -> None:
    """At 1e7 the expanded square loses every digit of a gap of 1e-3."""
    a = np.full((1, 5), 1e7)
    b = a + 1e-3
    gap = float(all_distances(a, b)[0, 0])
    assert shares(a, b, gap).tolist() == [1.0, 1.0]
    assert shares(a, b, gap * (1 - 1e-9)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("epsilon", [0.0, 1e-200, 1e200, np.inf])
def test_any_epsilon(epsilon: float) -> None:
    a, b = np.array([[0.0, 1e-170], [1.0, 2.0]]), np.array([[0.0, 0.0], [9e99, 0.0], [1.0, 2.0]])
    assert shares(a, b, epsilon).tolist() == expected(a, b, epsilon)


def test_a_single_point_has_no_neighbour() -> None:
    assert GroupIndex([torch.zeros(1, 2)]).self_nearest(0).tolist() == [float("inf")]


def test_no_queries_no_answers() -> None:
    assert GroupIndex([torch.zeros(3, 2)]).nearest(torch.zeros(0, 2), 0).shape == (0,)


def test_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match=r"group 1 has shape \(0, 2\)"):
        GroupIndex([torch.zeros(3, 2), torch.zeros(0, 2)])
    with pytest.raises(ValueError, match=r"group 1 has shape \(3, 1\)"):
        GroupIndex([torch.zeros(3, 2), torch.zeros(3, 1)])
    with pytest.raises(ValueError, match=r"group 0 has shape \(3,\)"):
        GroupIndex([torch.zeros(3)])
    index = GroupIndex([torch.zeros(2, 2)])
    with pytest.raises(ValueError, match="queries holds NaN"):
        index.nearest(torch.full((1, 2), torch.nan), 0)
    with pytest.raises(ValueError, match="moved has 3 dimensions; accepted: 2"):
        index.shares(torch.zeros(1, 1, 3), [0], 1.0)
