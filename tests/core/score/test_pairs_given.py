"""Explanations given pair by pair."""

from __future__ import annotations

import torch

from scgce.core.choose.truncate import PairCuts, SparseDelta, support


def given_pairs() -> tuple[PairCuts, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(3, 3, 6, generator=generator) * (torch.rand(3, 3, 6, generator=generator) < 0.4)
    table[torch.arange(3), torch.arange(3)] = 0
    deltas = {(i, j): support(table[i, j]) for i in range(3) for j in range(3) if i != j}
    return PairCuts.given(deltas, 3, 6), table


def test_returns_what_was_given() -> None:
    pairs, table = given_pairs()
    for i in range(3):
        for j in range(3):
            torch.testing.assert_close(pairs.dense(i, j), table[i, j], rtol=0, atol=0)
    torch.testing.assert_close(pairs.n_active(), (table != 0).sum(-1))


def test_the_way_back_is_the_opposite_unless_given() -> None:
    forward = SparseDelta(torch.tensor([1, 4]), torch.tensor([2.0, -3.0]))
    pairs = PairCuts.given({(0, 1): forward}, 3, 6)
    torch.testing.assert_close(pairs.dense(1, 0), -pairs.dense(0, 1))
    assert pairs(0, 2).genes.numel() == 0
    own = SparseDelta(torch.tensor([0]), torch.tensor([1.0]))
    assert PairCuts.given({(0, 1): forward, (1, 0): own}, 3, 6)(1, 0) is own
