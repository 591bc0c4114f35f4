from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.core._cells import World, cells_of, dense_cells_of, make_world
from tests.core.score.test_cells import Whole

from scgce.core.score.moves import Moves

GENES = torch.tensor([0, 3, 4, 20])


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def moves_of(world: World, kind: str, clip: bool) -> Moves:
    if kind == "dense":
        cells = dense_cells_of(world.X, world.sizes, Whole(world))
        return Moves.of(cells, None, GENES, clip=clip)
    return Moves.of(world.fit, world.W, GENES, clip=clip, expression=lambda rows: world.X[rows][:, GENES])


@pytest.mark.parametrize("kind", ["factorised", "dense"])
@pytest.mark.parametrize("clip", [False, True])
def test_each_list_of_cells_moves_under_its_explanations(world: World, kind: str, clip: bool) -> None:
    rows = torch.tensor([[0, 5, 5], [40, 31, 33]])
    source = torch.tensor([1, 0, 1])
    explanations = 2 * torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    found = moves_of(world, kind, clip)(rows, source, explanations)
    assert found.shape == (3, 3, 2)
    for p in range(3):
        x = world.X[rows[source[p]]].clone()
        moved = x[:, GENES] + explanations[p]
        x[:, GENES] = moved.clamp_min(0) if clip else moved
        np.testing.assert_allclose(found[p], world.encode(x), atol=1e-5)


def test_clipping_matters_and_gradients_flow(world: World) -> None:
    rows, source = torch.tensor([[0, 1]]), torch.tensor([0])
    explanations = torch.full((1, 4), -1.0, requires_grad=True)
    plain, clipped = (moves_of(world, "factorised", clip)(rows, source, explanations) for clip in (False, True))
    assert (plain - clipped).abs().max() > 0.1
    plain.sum().backward()
    assert explanations.grad is not None and (explanations.grad != 0).all()


def test_the_tail_is_given_a_matrix(world: World) -> None:
    shapes: list[torch.Size] = []

    def tail(hidden: torch.Tensor) -> torch.Tensor:
        shapes.append(hidden.shape)
        return world.tail(hidden)

    cells = cells_of(world.X, world.sizes, world.W, world.b, tail)  # type: ignore[arg-type]
    shapes.clear()
    Moves.of(cells, world.W, GENES)(torch.arange(6).view(2, 3), torch.tensor([0, 1, 0, 1]), torch.zeros(4, 4))
    assert shapes == [(12, 8)]
