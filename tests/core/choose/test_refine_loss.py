"""What refinement descends on, where it can be told without a formula; and that it has no units of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core._cells import World, cells_of, make_world
from torch import nn

from scgce.core.choose.parametrisation import FreeParametrisation
from scgce.core.choose.refine import RefineOptions, _Batch, _Loss, refine
from scgce.core.score.epsilon import epsilon_from
from scgce.core.translations import Translations


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


class Scaled(nn.Module):
    """The same map in other units."""

    def __init__(self, tail: nn.Module, unit: float) -> None:
        super().__init__()
        self.tail, self.unit = tail, unit

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.unit * self.tail(hidden)


@pytest.mark.parametrize("away, expected", [(0.0, 0.0), (1.4, 0.0), (1.6, 2.0), (100.0, 2.0)])
def test_a_sharp_loss_counts_the_cells_out_of_reach_on_both_sides(world: World, away: float, expected: float) -> None:
    """All cells of one group on, or at one distance from, as many of another: both metrics are perfect, or zero."""
    rows = torch.zeros(4, 1, dtype=torch.int64)
    goals = torch.zeros(4, 1, 2)
    goals[1, 0] = world.encode(world.X[:1])[0] + torch.tensor([0.6, -0.8]) * away
    options = RefineOptions(reach=1.5, pull=0.0)
    loss = _Loss(world.fit, torch.arange(24), 1.0, 1.0, options)
    found = loss(_Batch(torch.tensor([0]), torch.tensor([1]), rows, goals), torch.zeros(1, 24), 1e-3)
    assert float(found) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_units_of_the_representation_do_not_matter(world: World, unit: float) -> None:
    delta = 0.6 * world.means
    amounts = FreeParametrisation.of(Translations.of_dense(delta - delta[:1]))
    found = []
    for tail in (world.tail, Scaled(world.tail, unit)):
        cells = cells_of(world.X, world.sizes, world.W, world.b, tail)
        epsilon = epsilon_from(cells.embedded, "mean")
        generator = torch.Generator().manual_seed(0)
        options = replace(RefineOptions(), steps=10)
        found.append(refine(cells, amounts, 5, epsilon, generator=generator, options=options))
    assert (found[0] - amounts.translations(amounts.start())).abs().max() > 0.05
    np.testing.assert_allclose(found[1], found[0], atol=2e-3)
