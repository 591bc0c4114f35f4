from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.core.score.metrics import Scores, score_pairs
from scgce.core.score.unexplained import REASONS, unexplained_pairs


def normal(n: int, seed: int, mean: float = 0.0, spread: float = 1.0) -> torch.Tensor:
    return spread * torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) + mean


def explain(groups, moved, epsilon: float = 0.4, threshold: float = 0.5):
    return unexplained_pairs(moved, groups, score_pairs(moved, groups, epsilon), epsilon, threshold=threshold)


def centred(groups):
    return lambda i, j: groups[i] - groups[i].mean(0) + groups[j].mean(0)


def test_a_spread_mismatch_is_named_in_both_directions() -> None:
    groups = [normal(80, 0, spread=0.2), normal(80, 1, mean=9.0, spread=3.0)]
    found = {(pair.source, pair.target): pair for pair in explain(groups, centred(groups))}
    assert found[0, 1].reason == "narrower"
    assert found[1, 0].reason == "wider"
    assert not found[0, 1].possible
    assert found[0, 1].spread_ratio == pytest.approx(1 / found[1, 0].spread_ratio)
    assert found[0, 1].spread_ratio < 0.1


def test_cells_that_do_not_arrive_could() -> None:
    groups = [normal(100, 0), normal(100, 1, mean=20.0)]
    for pair in explain(groups, lambda i, j: groups[i]):
        assert pair.reason == "offset"
        assert pair.possible
        assert pair.correctness == pair.coverage == 0.0
        assert pair.centre_distance == pytest.approx(20 * 2**0.5, rel=0.05)


def test_two_parts_against_one_ring_is_a_matter_of_shape() -> None:
    angle = torch.linspace(0, 6.28, 80)
    ring = 3 * torch.stack([angle.cos(), angle.sin()], 1)
    parts = normal(80, 0, spread=0.1) + 3 * torch.tensor([1.0, 0.0]) * torch.tensor([1.0, -1.0]).repeat(40)[:, None]
    (pair,) = (p for p in explain([parts, ring], centred([parts, ring])) if p.source == 0)
    assert pair.reason == "shape"
    assert not pair.possible


def test_explained_pairs_are_not_listed_and_the_worst_comes_first() -> None:
    groups = [normal(100, 0), normal(100, 1, mean=20.0), normal(100, 2, mean=50.0)]
    good = centred(groups)
    assert explain(groups, good) == []

    def moved(i: int, j: int) -> torch.Tensor:
        return groups[i] if (i, j) == (0, 2) else good(i, j) + 1.8 * (i == 1)

    listed = explain(groups, moved, threshold=0.8)
    assert (listed[0].source, listed[0].target) == (0, 2)
    worst = [min(pair.correctness, pair.coverage) for pair in listed]
    assert worst == sorted(worst)
    assert {pair.reason for pair in listed} <= set(REASONS)


def test_half_of_the_cells_is_enough_unless_more_is_asked_for() -> None:
    groups = [normal(4, 0), normal(4, 1, mean=20.0)]
    for share, listed in ((0.25, True), (0.5, False), (0.75, False)):
        scores = Scores(np.full((2, 2), share), np.full((2, 2), 1.0))
        assert bool(unexplained_pairs(lambda i, j: groups[i], groups, scores, 1.0)) is listed


def on_a_line(*x: float, centre: float = 0.0) -> torch.Tensor:
    return torch.stack([torch.tensor(x) + centre, torch.zeros(len(x))], 1)


def test_a_rigid_move_that_carries_just_enough_cells_is_possible() -> None:
    groups = [on_a_line(-3.0, -1.0, 1.0, 3.0), on_a_line(-1.0, 1.0, centre=50.0)]
    nothing = Scores(np.zeros((2, 2)), np.zeros((2, 2)))
    for threshold, possible in ((0.5, True), (0.51, False)):
        found = unexplained_pairs(lambda i, j: groups[i], groups, nothing, 0.1, threshold=threshold)
        assert [pair.possible for pair in found if pair.source == 0] == [possible]


def test_spreads_that_differ_by_just_half_are_not_called_different() -> None:
    nothing = Scores(np.zeros((2, 2)), np.zeros((2, 2)))
    for wide, reasons in ((1.5, ["shape", "shape"]), (1.5625, ["narrower", "wider"])):
        groups = [on_a_line(-1.0, 1.0), on_a_line(-wide, wide, centre=8.0)]
        found = unexplained_pairs(centred(groups), groups, nothing, 0.1)
        assert [pair.reason for pair in sorted(found, key=lambda pair: pair.source)] == reasons


def test_pairs_that_were_not_scored_and_point_targets() -> None:
    groups = [normal(5, 0), torch.zeros(4, 2)]
    unknown = Scores(np.full((2, 2), np.nan), np.full((2, 2), np.nan))
    assert unexplained_pairs(lambda i, j: groups[i], groups, unknown, 1.0) == []
    (pair,) = (p for p in explain(groups, lambda i, j: groups[i], epsilon=0.01) if p.target == 1)
    assert pair.spread_ratio == float("inf")
