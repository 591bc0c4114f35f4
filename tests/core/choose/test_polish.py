"""The search that ends refinement of few genes, against the metrics as they are reported."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.core._cells import World, bounded, dense_cells_of, make_world
from tests.core.choose.test_refine import epsilon_of, gap_of, start_of
from tests.core.score.test_cells import Whole

from scgce.core.choose import polish as module
from scgce.core.choose.parametrisation import FreeParametrisation, Parametrisation, StepParametrisation
from scgce.core.choose.polish import polish
from scgce.core.choose.truncate import PairCuts
from scgce.core.score.cells import Cells
from scgce.core.score.metrics import off_diagonal_mean, score_pairs
from scgce.core.score.translator import Bounds
from scgce.core.solve.relaxed import partition_gaps
from scgce.core.translations import Translations


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(l=3, cells=16)


STEPS = (-2.0, -1.0, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 1.0, 2.0)


def search(
    world: World, amounts: Parametrisation, k: int | None, *, balance: float = 0.6, seed: int = 0
) -> Translations:
    generator = torch.Generator().manual_seed(seed)
    values = polish(world.fit, amounts, k, epsilon_of(world), balance=balance, generator=generator)
    return Translations(amounts.genes, values, 24)


def reported(
    world: World, translations: Translations, k: int | None, *, clip: bool = False, cells: Cells | None = None
) -> tuple[float, float]:
    cells = bounded(world.fit if cells is None else cells, Bounds.at_zero(24) if clip else None)
    scores = score_pairs(cells.mover(PairCuts(translations.dense(), k)), cells.embedded, epsilon_of(world))
    return off_diagonal_mean(scores.correctness), off_diagonal_mean(scores.coverage)


def quality(world: World, translations: Translations, k: int | None, balance: float = 0.6) -> float:
    correctness, coverage = reported(world, translations, k)
    return balance * correctness + (1 - balance) * coverage


@pytest.mark.parametrize("k", [1, 3, None])
def test_it_improves_what_is_reported(world: World, k: int | None) -> None:
    start = start_of(world)
    start = Translations(start.genes, start.values * 0.6, 24)
    after = search(world, FreeParametrisation.of(start), k)
    assert quality(world, after, k) > quality(world, start, k) + 0.05


@pytest.mark.parametrize("k", [1, 2, None])
def test_in_the_end_no_step_of_any_amount_helps(world: World, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every neighbour scored anew by the reported metrics."""
    monkeypatch.setattr(module, "_LEAST", 0.0)
    genes = torch.tensor([0, 3, 6])
    start = Translations(genes, world.means[:, genes] * 0.6, 24)
    amounts = FreeParametrisation.of(start)
    after = search(world, amounts, k)
    best = quality(world, after, k)
    for group in range(3):
        for gene in range(3):
            for step in STEPS:
                values = after.values.clone()
                values[group, gene] += step * amounts.unit
                assert quality(world, Translations(genes, values, 24), k) <= best + 1e-9


@pytest.mark.parametrize("amplitude", [1.5, 3.0])
def test_amounts_stay_plausible(world: World, amplitude: float) -> None:
    start = start_of(world)
    gap = gap_of(world, amplitude).take(start.genes)
    start = Translations(start.genes, start.values * 0.5, 24)
    after = search(world, StepParametrisation.of_gap(gap, start.genes, amplitude, start), 3)
    delta = after.dense()
    amount, real = delta[None] - delta[:, None], world.means[None] - world.means[:, None]
    assert (amount * real >= 0).all()
    assert (amount.abs() <= amplitude * real.abs() * (1 + 1e-6) + 1e-9).all()
    assert quality(world, after, 3) > quality(world, start, 3)


def test_a_fixed_partition_stays(world: World) -> None:
    start = Translations(torch.arange(12), (world.means[:, :12] > 0.7).double(), 24)
    after = search(world, StepParametrisation.of_partition(partition_gaps(start), start), None)
    assert (after.pairs()[start.pairs() == 0] == 0).all()
    assert quality(world, after, None) > quality(world, start, None)


def test_the_balance_decides_between_correctness_and_coverage(world: World) -> None:
    start = start_of(world)
    amounts = FreeParametrisation.of(Translations(start.genes, start.values * 0.6, 24))
    correct, covering = (reported(world, search(world, amounts, 2, balance=b), 2) for b in (1.0, 0.0))
    assert correct[0] > covering[0] and correct[1] < covering[1]


def test_what_is_clipped_is_what_improves(world: World) -> None:
    start = start_of(world)
    amounts = FreeParametrisation.of(start)
    found = []
    for cells in (world.fit, dense_cells_of(world.X, world.sizes, Whole(world))):
        generator = torch.Generator().manual_seed(0)
        values = polish(
            bounded(cells, Bounds.at_zero(24)), amounts, 2, epsilon_of(world), balance=1.0, generator=generator
        )
        found.append(reported(world, Translations(amounts.genes, values, 24), 2, clip=True, cells=cells)[0])
    before = reported(world, start, 2, clip=True)[0]
    plain = reported(world, search(world, amounts, 2, balance=1.0), 2, clip=True)[0]
    assert min(found) > max(before, plain)


def test_same_seed_same_bytes_other_seed_other_bytes(world: World) -> None:
    state = torch.random.get_rng_state()
    amounts = FreeParametrisation.of(start_of(world))
    one, same, other = (search(world, amounts, 2, seed=seed).values for seed in (1, 1, 2))
    assert one.numpy().tobytes() == same.numpy().tobytes()
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), state), "the global generator is neither used nor moved"


def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Cells of every call that scores a pair."""
    calls: list[int] = []
    plain = Cells.translate_many

    def spy(self: Cells, rows: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        calls.append(rows.shape[1])
        return plain(self, rows, *rest)

    monkeypatch.setattr(Cells, "translate_many", spy)
    return calls


def test_time_is_bounded_where_there_are_many_groups_or_cells(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = spied(monkeypatch)
    monkeypatch.setattr(module, "_CELLS", 15)
    monkeypatch.setattr(module, "_MOVED", 2 * 4 * len(STEPS) * 15)
    after = search(world, FreeParametrisation.of(start_of(world)), None)
    assert len(calls) == 6 + 2 * 4, "all pairs once; an amount of one group changes four"
    assert set(calls) == {15}, "of groups of 16, 18 and 20 cells"
    assert after.values.isfinite().all()


def test_rounds_go_on_while_they_gain_something(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = spied(monkeypatch)
    genes = torch.tensor([0, 3, 6])
    amounts = FreeParametrisation.of(Translations(genes, world.means[:, genes] * 0.6, 24))
    found = {}
    for least in (1.0, module._LEAST, 0.0):
        monkeypatch.setattr(module, "_LEAST", least)
        calls.clear()
        after = search(world, amounts, None)
        found[least] = quality(world, after, None)
        rounds, rest = divmod(len(calls) - 6, 9 * 4)
        assert rest == 0
        assert (rounds == 1) == (least == 1.0)
    assert list(found.values()) == sorted(found.values())
    assert found[0.0] > found[1.0]


@pytest.mark.parametrize("away", STEPS)
def test_every_size_of_step_is_tried(away: float) -> None:
    """One amount is off by that step, and cells are met at the right one only."""
    tiny = make_world(cells=1, l=2)
    right = torch.stack([torch.zeros(24), tiny.X[1] - tiny.X[0]]).double()
    wrong = right.clone()
    wrong[1, 5] -= away
    amounts = FreeParametrisation(torch.arange(24), wrong, 1.0)
    found = polish(tiny.fit, amounts, None, 1e-3, balance=0.6, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(found[1] - found[0], right[1] - right[0], atol=1e-12)


def test_groups_of_one_cell_are_no_obstacle() -> None:
    tiny = make_world(cells=1, l=2)
    after = search(tiny, FreeParametrisation.of(Translations.of_dense(tiny.means)), 2)
    assert after.values.isfinite().all()
