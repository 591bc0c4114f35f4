from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.core.score import blocks as _blocks
from scgce.core.score.blocks import distance, mutual_block, nearest_block


def measured(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return distance(a[:, None], b)


def normal(n: int, m: int, seed: int) -> torch.Tensor:
    return torch.randn(n, m, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("offset", [0.0, 1e5])
@pytest.mark.parametrize("ulps", [-1, 0, 1])
def test_epsilon_one_rounding_away_from_a_distance(scale: float, offset: float, ulps: int) -> None:
    a, b = scale * normal(40, 12, 0) + offset, scale * normal(50, 12, 1) + offset
    table = measured(a, b)
    for edge in (table.amin(1)[3], table.amin(0)[7]):
        epsilon = float(np.nextafter(float(edge), np.inf * ulps)) if ulps else float(edge)
        rows, columns = mutual_block(a, b, epsilon)
        assert torch.equal(rows, (table <= epsilon).any(1))
        assert torch.equal(columns, (table <= epsilon).any(0))


def test_far_outliers_on_either_side_do_not_matter() -> None:
    a, b = normal(30, 8, 0), normal(30, 8, 1)
    a[4], b[5] = 1e6, -1e7
    epsilon = float(measured(a, b).amin(1).median())
    rows, columns = mutual_block(a, b, epsilon)
    assert torch.equal(rows, (measured(a, b) <= epsilon).any(1))
    assert torch.equal(columns, (measured(a, b) <= epsilon).any(0))


def test_coordinates_beyond_float32_stay_exact() -> None:
    a = normal(20, 4, 0) * 1e25
    rows, _ = mutual_block(a, a + 1e22, 2.1e22)
    assert rows.all()


def test_products_settle_almost_all_rows(monkeypatch) -> None:
    """Only doubtful rows may be measured: none here, since no distance is near ε."""
    a, b = normal(200, 50, 0), normal(300, 50, 1)
    monkeypatch.setattr(_blocks, "distance", None)
    rows, columns = mutual_block(a, b, 1.0)
    assert not rows.any()
    assert not columns.any()
    assert mutual_block(a, b, 100.0)[0].all()


def test_one_way_leaves_the_second_answer_open() -> None:
    a = normal(5, 6, 0)
    rows, columns = mutual_block(a, a, 0.0, one_way=True)
    assert rows.all()
    assert not columns.any()


@pytest.mark.parametrize("excluded", [-1, 6, 7, 100])
def test_an_excluded_row_outside_the_block_excludes_nothing(excluded: int) -> None:
    a, b = normal(4, 5, 0), normal(6, 5, 1)
    found = nearest_block(a, b, torch.full((4,), excluded))
    assert torch.equal(found, measured(a, b).amin(1))


def test_no_more_distances_are_measured_at_once_than_allowed(monkeypatch) -> None:
    a, b = normal(30, 4, 0), normal(10, 4, 1)
    b[:] = b[0]  # every row of a is as near to all of b
    table, sizes = measured(a, b), []

    def watched(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        found = distance(u, v)
        sizes.append(found.numel())
        return found

    monkeypatch.setattr(_blocks, "_MEASURED", 40)
    monkeypatch.setattr(_blocks, "distance", watched)
    assert torch.equal(nearest_block(a, b), table.amin(1))
    epsilon = float(table[3, 0])
    a[:] = a[3]
    assert mutual_block(a, b, epsilon)[0].all()
    assert max(sizes) == 40 and sum(sizes) >= 2 * table.numel()


def test_nearest_of_many_duplicates_is_measured_in_parts(monkeypatch) -> None:
    a = torch.ones(30, 5, dtype=torch.float64)
    monkeypatch.setattr(_blocks, "_MEASURED", 7)
    assert nearest_block(a, a, torch.arange(30)).tolist() == [0.0] * 30
    assert nearest_block(a[:1], a[:1], torch.tensor([0])).tolist() == [float("inf")]
