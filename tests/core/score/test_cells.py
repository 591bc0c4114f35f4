from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.core._cells import World, bounded, dense_cells_of, make_world
from torch import nn

from scgce.core.choose.truncate import PairCuts, SparseDelta
from scgce.core.score import cells as module
from scgce.core.score.cells import Cells
from scgce.core.score.translator import Bounds


class Whole(nn.Module):
    """The encoder of a world as one module that shows no first linear map."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.world.encode(x)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(params=["factorised", "dense"])
def cells(request: pytest.FixtureRequest, world: World) -> Cells:
    return world.fit if request.param == "factorised" else dense_cells_of(world.X, world.sizes, Whole(world))


def test_positions_are_those_of_the_encoder(cells: Cells, world: World) -> None:
    assert cells.n_groups == 4
    for points, x in zip(cells.embedded, world.X.split(world.sizes), strict=True):
        np.testing.assert_allclose(points, world.encode(x), atol=1e-5)
    expected = torch.stack([world.encode(x).double().mean(0) for x in world.X.split(world.sizes)])
    np.testing.assert_allclose(cells.means(), expected, atol=1e-6)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("k", [3, None])
def test_moved_cells_are_translated_then_encoded(
    cells: Cells, world: World, clip: bool, scale: float, k: int | None
) -> None:
    cuts = PairCuts(world.means, k)
    moved = bounded(cells, Bounds.at_zero(24) if clip else None).mover(cuts, scale=scale)
    groups = world.X.split(world.sizes)
    for i, j in [(0, 1), (3, 2)]:
        x = groups[i] + scale * cuts.dense(i, j).float()
        untouched = cuts.dense(i, j) == 0
        x = torch.where(untouched, groups[i], x.clamp_min(0)) if clip else x
        np.testing.assert_allclose(moved(i, j), world.encode(x), atol=2e-5)


def test_clipping_matters_here(world: World) -> None:
    cuts = PairCuts(3 * world.means)
    one, other = (bounded(world.fit, bounds).mover(cuts)(0, 1) for bounds in (None, Bounds.at_zero(24)))
    assert (one - other).abs().max() > 0.1


def test_no_translation_moves_nothing(cells: Cells) -> None:
    moved = cells.mover(PairCuts(torch.zeros(4, 24)))
    assert torch.equal(moved(2, 1), cells.embedded[2])


def test_blocks_change_nothing(cells: Cells, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = PairCuts(world.means, 5)
    whole = cells.mover(cuts)(1, 0)
    monkeypatch.setattr(module, "_BLOCK_ENTRIES", 7 * 24)
    np.testing.assert_allclose(cells.mover(cuts)(1, 0), whole, atol=1e-6)


def test_no_block_is_larger_than_allowed_but_for_single_cells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []

    def tail(hidden: torch.Tensor) -> torch.Tensor:
        rows.append(len(hidden))
        return hidden

    for entries, most in ((7 * 8, 7), (7 * 8 - 1, 6), (1, 1)):
        monkeypatch.setattr(module, "_BLOCK_ENTRIES", entries)
        rows.clear()
        Cells(world.fit.translator, tail, np.array(world.sizes), 8)
        assert max(rows) == most and sum(rows) == sum(world.sizes)


def test_unless_asked_for_nothing_is_clipped_and_amounts_are_whole(cells: Cells, world: World) -> None:
    delta = SparseDelta(torch.tensor([1, 4]), torch.tensor([-9.0, 2.0]))
    moved = world.X[: world.sizes[0]].clone()
    moved[:, delta.genes] += delta.values
    np.testing.assert_allclose(cells.translate(0, delta), world.encode(moved), atol=2e-5)
