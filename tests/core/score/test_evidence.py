from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.core._problems import random_case, smooth_by_pairs

from scgce.core.choose.truncate import PairCuts
from scgce.core.score.columns import sparse_columns
from scgce.core.score.evidence import (
    DOSES,
    dose_curve,
    off_manifold,
    pair_objectives,
    price_of_consistency,
    share_below_zero,
)
from scgce.core.score.metrics import score_pairs
from scgce.core.solve.lasso import lasso_pairs


def normal(n: int, m: int, seed: int, mean: float = 0.0) -> torch.Tensor:
    return torch.randn(n, m, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + mean


def test_dose_curve_rises_to_the_target_and_falls_beyond() -> None:
    groups = [normal(60, 2, 0), normal(60, 2, 1, mean=8.0)]
    steps = {(0, 1): 8.0, (1, 0): -8.0}
    correctness, coverage = dose_curve(lambda i, j, t: groups[i] + t * steps[i, j], groups, 0.8, [0.0, 0.5, 1.0, 2.0])
    for curve in (correctness[:, 0, 1], coverage[:, 1, 0]):
        assert curve[2] > 0.8
        assert curve[[0, 1, 3]].max() < 0.05
    whole = score_pairs(lambda i, j: groups[i] + steps[i, j], groups, 0.8)
    np.testing.assert_array_equal(correctness[2], whole.correctness)
    np.testing.assert_array_equal(coverage[2], whole.coverage)


def test_default_doses_run_evenly_from_nothing_through_the_whole_to_beyond() -> None:
    assert DOSES[0] == 0.0 and 1.0 in DOSES and DOSES[-1] > 1.0
    np.testing.assert_allclose(np.diff(DOSES), DOSES[1])
    groups = [normal(5, 2, 0), normal(5, 2, 1)]
    asked = []
    dose_curve(lambda i, j, t: (asked.append(t), groups[i])[1], groups, 1.0, pairs=[(0, 1)])
    assert asked == list(DOSES)


def test_dose_curve_of_some_pairs() -> None:
    groups = [normal(5, 2, 0), normal(5, 2, 1)]
    correctness, _ = dose_curve(lambda i, j, t: groups[i], groups, 1.0, [0.0, 1.0], iter([(1, 0)]))
    assert np.argwhere(~np.isnan(correctness)).tolist() == [[0, 1, 0], [1, 1, 0]]


@given(st.floats(0.1, 10.0))
def test_off_manifold_is_free_of_units(scale: float) -> None:
    groups = [normal(30, 6, 0), normal(30, 6, 1, mean=3.0)]
    plain = off_manifold(lambda i, j: groups[i] + 1.0, groups)
    scaled = off_manifold(lambda i, j: scale * (groups[i] + 1.0), [scale * g for g in groups])
    np.testing.assert_allclose(scaled, plain)


def test_off_manifold_counts_in_spacings_of_the_target() -> None:
    line = torch.arange(10.0)[:, None]
    groups = [line, torch.cat([line, torch.zeros(10, 1)], 1)[:, :1] * 2.0, torch.zeros(1, 1)]
    ratio = off_manifold(lambda i, j: groups[j][:5] - 7.0 if i == 0 else groups[j], groups, [(0, 1), (1, 0), (2, 2)])
    below = (torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0]) - 7.0).clamp_max(0).abs()
    inside = torch.where(torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0]) - 7.0 > 0, 1.0, below)
    assert ratio[0, 1] == pytest.approx(float(inside.median()) / 2)
    assert ratio[1, 0] == 0.0
    assert np.isnan(ratio[2, 2])  # one cell has no spacing


@pytest.mark.parametrize("block", [1, 2**23])
def test_share_below_zero_counts_lowered_entries_only(block: int, monkeypatch) -> None:
    monkeypatch.setattr("scgce.core.score.evidence._BLOCK_ENTRIES", block)
    X = torch.tensor([[0.0, 2.0, 5.0], [1.0, 0.0, 5.0], [9.0, 9.0, 9.0]])
    basis = torch.tensor([[0.0, 0.0, 0.0], [-0.5, 1.0, -1.0]])
    found = share_below_zero(sparse_columns(X.numpy()), [slice(0, 2), slice(2, 3)], PairCuts(basis))
    np.testing.assert_allclose(found, [[np.nan, 0.25], [0.0, np.nan]])
    unmoved = share_below_zero(sparse_columns(X.numpy()), [slice(0, 2)] * 2, PairCuts(basis * 0), [(0, 1)])
    assert unmoved[0, 1] == 0.0


@pytest.mark.parametrize("kind", ["linear", "mlp", "module"])
def test_pair_objectives_add_up_to_eq_9(kind: str) -> None:
    case, lam = random_case(0, kind=kind), 0.3
    values = torch.randn(4, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    costs = torch.linspace(0, 2, 9, dtype=torch.float64)
    found = pair_objectives(case.problem, values, lam, costs)
    penalty = sum(float((costs * (values[j] - values[i]).abs()).sum()) for i in range(4) for j in range(4))
    assert found.sum() / 12 == pytest.approx(float(smooth_by_pairs(case, values)) + lam * penalty / 12)
    np.testing.assert_allclose(np.diag(found), 0.0)


def test_forbidden_genes_that_stay_cost_nothing() -> None:
    case = random_case(0)
    values = torch.zeros(4, 9, dtype=torch.float64)
    costs = torch.full((9,), torch.inf)
    assert np.isfinite(pair_objectives(case.problem, values, 1.0, costs)).all()


def test_consistency_never_pays_for_a_convex_problem() -> None:
    case, lam = random_case(1), 0.1
    values = 0.2 * torch.randn(4, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    alone = lasso_pairs(case.problem, lam).objective
    total, ratios = price_of_consistency(pair_objectives(case.problem, values, lam), alone)
    assert total > 1
    assert (ratios[~np.eye(4, dtype=bool)] >= 1 - 1e-6).all()
    assert np.isnan(np.diag(ratios)).all()


def test_price_of_nothing() -> None:
    total, ratios = price_of_consistency(np.array([[0.0, 0.0], [2.0, 0.0]]), np.zeros((2, 2)))
    assert total == np.inf
    assert ratios[0, 1] == 1.0
    assert ratios[1, 0] == np.inf
