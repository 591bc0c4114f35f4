from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core._cells import World, bounded, dense_cells_of, make_world
from tests.core.score.test_cells import Whole

from scgce.core.choose.parametrisation import FreeParametrisation, Parametrisation, StepParametrisation
from scgce.core.choose.refine import RefineOptions, refine
from scgce.core.choose.truncate import PairCuts
from scgce.core.score.cells import Cells
from scgce.core.score.epsilon import epsilon_from
from scgce.core.score.metrics import off_diagonal_mean, score_pairs
from scgce.core.score.translator import Bounds
from scgce.core.solve.penalties import Gap
from scgce.core.solve.relaxed import partition_gaps
from scgce.core.translations import Translations

QUICK = RefineOptions(steps=40)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def gap_of(world: World, amplitude: float) -> Gap:
    return Gap.build(world.means, amplitude, torch.ones(24, dtype=torch.float64))


def start_of(world: World) -> Translations:
    """The differences of means of the marker genes."""
    delta = world.means.clone()
    delta[:, 12:] = 0.0
    return Translations.of_dense(delta)


def run(
    world: World,
    amounts: Parametrisation,
    k: int | None,
    *,
    seed: int = 0,
    options: RefineOptions = QUICK,
    cells: Cells | None = None,
    clip: bool = False,
    **kwargs: object,
) -> Translations:
    cells = world.fit if cells is None else cells
    values = refine(
        bounded(cells, Bounds.at_zero(24)) if clip else cells,
        amounts,
        k,
        epsilon_of(world),
        generator=torch.Generator().manual_seed(seed),
        options=options,
        **kwargs,  # type: ignore[arg-type]
    )
    return Translations(amounts.genes, values, 24)


def epsilon_of(world: World) -> float:
    return epsilon_from(world.fit.embedded, "mean")


def quality(world: World, translations: Translations, k: int | None, cells: Cells, clip: bool = False) -> float:
    cells = bounded(cells, Bounds.at_zero(24)) if clip else cells
    scores = score_pairs(cells.mover(PairCuts(translations.dense(), k)), cells.embedded, epsilon_of(world))
    return 0.5 * (off_diagonal_mean(scores.correctness) + off_diagonal_mean(scores.coverage))


@pytest.mark.parametrize("k", [2, 4, None])
def test_it_improves_what_is_reported_on_its_cells_and_on_others(world: World, k: int | None) -> None:
    start = start_of(world)
    start = Translations(start.genes, start.values * 0.6, 24)
    after = run(world, FreeParametrisation.of(start), k)
    assert quality(world, after, k, world.fit) > quality(world, start, k, world.fit) + 0.05
    assert quality(world, after, k, world.validate) > quality(world, start, k, world.validate) + 0.05


@pytest.mark.parametrize("amplitude", [1.5, 3.0])
def test_amounts_stay_plausible(world: World, amplitude: float) -> None:
    start = start_of(world)
    gap = gap_of(world, amplitude).take(start.genes)
    after = run(world, StepParametrisation.of_gap(gap, start.genes, amplitude, start), 3)
    delta = after.dense()
    amount, real = delta[None] - delta[:, None], world.means[None] - world.means[:, None]
    assert (amount * real >= 0).all()
    assert (amount.abs() <= amplitude * real.abs() * (1 + 1e-6) + 1e-9).all()
    assert quality(world, after, 3, world.fit) > quality(world, start, 3, world.fit)


def test_a_fixed_partition_stays(world: World) -> None:
    levels = (world.means[:, :12] > 0.7).double()
    start = Translations(torch.arange(12), levels, 24)
    after = run(world, StepParametrisation.of_partition(partition_gaps(start), start), None)
    tied = start.pairs() == 0
    assert (after.pairs()[tied] == 0).all()
    assert (after.counts() <= start.counts()).all()
    assert quality(world, after, None, world.validate) > quality(world, start, None, world.validate)


def test_same_seed_same_bytes_other_seed_other_bytes(world: World) -> None:
    amounts = FreeParametrisation.of(start_of(world))
    few = replace(QUICK, steps=10, cells=8)
    one, same, other = (run(world, amounts, 3, seed=seed, options=few).values for seed in (1, 1, 2))
    assert one.numpy().tobytes() == same.numpy().tobytes()
    assert not torch.equal(one, other)


def test_the_global_generator_is_neither_used_nor_moved(world: World) -> None:
    before = torch.random.get_rng_state()
    run(world, FreeParametrisation.of(start_of(world)), 3, options=replace(QUICK, steps=2))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_genes_outside_the_cut_of_every_pair_do_not_move(world: World) -> None:
    values = torch.zeros(4, 24, dtype=torch.float64)
    values[1, 0], values[2, 1], values[3, 2] = 5.0, 5.0, 5.0
    values[:, 3] = torch.tensor([0.0, 1e-3, 2e-3, 3e-3])  # never the largest of a pair
    start = Translations(torch.arange(4), values[:, :4], 24)
    few = replace(QUICK, steps=3, learning_rate=1e-4)
    after = run(world, FreeParametrisation.of(start), 1, options=replace(few, explore=0.0))
    np.testing.assert_allclose(after.values[:, 3], start.values[:, 3], rtol=1e-6)
    assert (after.values[1:, 0] != start.values[1:, 0]).any()
    exploring = run(world, FreeParametrisation.of(start), 1, options=few)
    assert (exploring.values[:, 3] - start.values[:, 3]).abs().min() > 1e-5


def test_an_encoder_without_a_first_linear_map_gives_the_same(world: World) -> None:
    amounts = FreeParametrisation.of(start_of(world))
    few = replace(QUICK, steps=15)
    whole = dense_cells_of(world.X, world.sizes, Whole(world))
    one = run(world, amounts, 3, options=few)
    other = run(world, amounts, 3, options=few, cells=whole)
    np.testing.assert_allclose(one.values, other.values, atol=2e-3)


@pytest.mark.parametrize("dense", [False, True])
def test_with_clipping_what_is_clipped_is_what_improves(world: World, dense: bool) -> None:
    start = start_of(world)
    cells = dense_cells_of(world.X, world.sizes, Whole(world)) if dense else world.fit
    amounts = FreeParametrisation.of(start)
    after = run(world, amounts, 3, cells=cells, clip=True)
    plain = run(world, amounts, 3, cells=cells)
    assert quality(world, after, 3, world.validate, clip=True) > quality(world, start, 3, world.validate, clip=True)
    assert not torch.equal(after.values, plain.values)


def test_few_pairs_and_cells_a_step_are_enough(world: World) -> None:
    start, steps = start_of(world), []
    options = replace(QUICK, pairs=3, cells=6, steps=60)
    after = run(world, FreeParametrisation.of(start), 3, options=options, on_step=lambda: steps.append(1))
    assert len(steps) == 60
    assert quality(world, after, 3, world.validate) > quality(world, start, 3, world.validate)


def test_groups_of_one_cell_are_sampled_with_repetition() -> None:
    tiny = make_world(cells=1, l=2)
    start = Translations.of_dense(tiny.means)
    after = run(tiny, FreeParametrisation.of(start), 2, options=replace(QUICK, steps=2))
    assert after.values.isfinite().all()
