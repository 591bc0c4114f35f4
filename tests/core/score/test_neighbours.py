from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scgce.core.score import neighbours
from scgce.core.score.neighbours import Neighbours, distance, mutual_within, nearest, self_nearest, within


def clouds(max_dims: int = 5) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Two clouds of equal dimension on a coarse grid, so that ties, duplicates and exact ε are frequent."""
    grid = st.integers(-3, 3).map(lambda value: value / 2)

    def pair(m: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
        cloud = hnp.arrays(np.float64, st.tuples(st.integers(1, 12), st.just(m)), elements=grid)
        return st.tuples(cloud, cloud)

    return st.integers(1, max_dims).flatmap(pair)


def all_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


@given(clouds())
def test_nearest_equals_brute_force(pair) -> None:
    a, b = pair
    found = nearest(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(found, all_distances(a, b).min(1), rtol=1e-14, atol=0)


@given(clouds(), st.integers(0, 12))
def test_within_equals_brute_force_at_the_boundary(pair, quarters: int) -> None:
    a, b = pair
    epsilon = quarters / 4
    found = within(torch.from_numpy(a), torch.from_numpy(b), epsilon).numpy()
    np.testing.assert_array_equal(found, all_distances(a, b).min(1) <= epsilon)


@given(clouds())
def test_self_nearest_leaves_out_the_point_but_not_its_duplicates(pair) -> None:
    a, _ = pair
    table = all_distances(a, a)
    np.fill_diagonal(table, np.inf)
    np.testing.assert_allclose(self_nearest(torch.from_numpy(a)).numpy(), table.min(1), rtol=1e-14, atol=0)


@settings(max_examples=40)
@given(clouds(), st.integers(0, 12), st.booleans())
def test_mutual_equals_two_searches(pair, quarters: int, direct: bool) -> None:
    a, b = (torch.from_numpy(cloud) for cloud in pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_DIRECT_PAIRS", 2**16 if direct else 0)
        forward, backward = mutual_within(a, Neighbours(b), quarters / 4)
    assert torch.equal(forward, within(a, b, quarters / 4))
    assert torch.equal(backward, within(b, a, quarters / 4))


@pytest.mark.parametrize("m", [2, 3, 4, 50])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_the_distance_that_set_epsilon_is_within_it(m: int, offset: float) -> None:
    points = torch.randn(700, m, generator=torch.Generator().manual_seed(m)) + offset
    index = Neighbours(points)
    found = index.self_nearest
    epsilon = float(found.sort().values[400])
    assert int((found <= epsilon).sum()) >= 401
    at = int((found == epsilon).nonzero()[0])
    others = torch.cat([points[:at], points[at + 1 :]])
    assert bool(within(points[at : at + 1], others, epsilon))
    assert not bool(within(points[at : at + 1], others, float(np.nextafter(epsilon, 0))))


@pytest.mark.parametrize("m", [2, 50])
def test_blocks_of_every_size_agree(m: int, monkeypatch) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(60, m)), rng.normal(size=(90, m))
    epsilon = float(np.median(all_distances(a, b).min(1)))
    monkeypatch.setattr(neighbours, "_TREE_DIMS", 0)
    monkeypatch.setattr(neighbours, "_QUERY_BLOCK", 7)
    monkeypatch.setattr(neighbours, "_REF_BLOCKS", (2, 5, 11))
    index = Neighbours(torch.from_numpy(b))
    assert not index.uses_tree
    np.testing.assert_allclose(index.nearest(torch.from_numpy(a)).numpy(), all_distances(a, b).min(1), rtol=1e-14)
    found = index.within(torch.from_numpy(a), epsilon).numpy()
    np.testing.assert_array_equal(found, all_distances(a, b).min(1) <= epsilon)
    own = all_distances(b, b) + np.diag(np.full(len(b), np.inf))
    np.testing.assert_allclose(index.self_nearest.numpy(), own.min(1), rtol=1e-14)


def test_trees_for_few_dimensions_and_threads_for_many_points() -> None:
    assert [Neighbours(torch.zeros(2, m)).uses_tree for m in (1, 3, 4)] == [True, True, False]
    many = neighbours._THREADED
    assert neighbours._workers(torch.zeros(many - 1, 1)) == 1
    assert neighbours._workers(torch.zeros(many, 1)) == -1  # scipy's word for all cores


def test_far_from_the_origin_products_alone_would_be_wrong() -> None:
    """At 1e7 the expanded square loses every digit of a gap of 1e-3."""
    a = torch.full((1, 5), 1e7, dtype=torch.float64)
    b = a + 1e-3
    gap = float(distance(a, b))
    assert bool(within(a, b, gap))
    assert not bool(within(a, b, gap * (1 - 1e-9)))


def test_a_single_point_has_no_neighbour() -> None:
    assert self_nearest(torch.zeros(1, 2)).tolist() == [float("inf")]


@pytest.mark.parametrize("m", [2, 6])
def test_no_queries_no_answers(m: int) -> None:
    index = Neighbours(torch.zeros(3, m))
    empty = torch.zeros(0, m)
    assert index.nearest(empty).shape == index.within(empty, 1.0).shape == (0,)


def test_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="refs holds no points"):
        Neighbours(torch.zeros(0, 2))
    with pytest.raises(ValueError, match=r"refs has shape \(3,\)"):
        Neighbours(torch.zeros(3))
    with pytest.raises(ValueError, match="queries holds NaN"):
        nearest(torch.full((1, 2), torch.nan), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="queries has 3 dimensions; accepted: 2"):
        nearest(torch.zeros(1, 3), torch.zeros(1, 2))
