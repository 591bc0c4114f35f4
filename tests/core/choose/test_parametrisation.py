from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.core.choose.parametrisation import FreeParametrisation, Parametrisation, StepParametrisation
from scgce.core.solve.penalties import Gap
from scgce.core.solve.relaxed import partition_gaps
from scgce.core.translations import Translations


def means() -> torch.Tensor:
    return torch.rand(5, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 4


def plausible(amplitude: float) -> tuple[Gap, Translations]:
    gap = Gap.build(means(), amplitude, torch.ones(8, dtype=torch.float64))
    share = torch.rand(4, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    share[:, ::2] *= (share[:, ::2] > 0.5).double()
    return gap, Translations(torch.arange(8), gap.translations(gap.upper * share), 8)


def every_kind() -> list[tuple[Parametrisation, Translations]]:
    gap, translations = plausible(2.0)
    partition = partition_gaps(translations)
    return [
        (FreeParametrisation.of(translations), translations),
        (StepParametrisation.of_gap(gap, translations.genes, 2.0, translations), translations),
        (StepParametrisation.of_partition(partition, translations), translations),
    ]


@pytest.mark.parametrize("kind", range(3))
def test_start_is_the_translations_it_was_made_from_and_is_allowed(kind: int) -> None:
    amounts, translations = every_kind()[kind]
    delta = amounts.translations(amounts.start())
    found = Translations(translations.genes, delta, 8)
    np.testing.assert_allclose(found.pairs(), translations.pairs(), atol=1e-12)
    np.testing.assert_allclose(amounts.project(amounts.start()), amounts.start(), atol=1e-12)
    assert torch.equal(amounts.genes, translations.genes)


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_parameters_are_of_the_order_of_one_in_any_unit(kind: int, unit: float) -> None:
    _, translations = plausible(2.0)
    scaled = Translations(translations.genes, translations.values * unit, 8)
    gap = Gap.build(means() * unit, 2.0, torch.ones(8, dtype=torch.float64))
    amounts: Parametrisation = [
        FreeParametrisation.of(scaled),
        StepParametrisation.of_gap(gap, scaled.genes, 2.0, scaled),
        StepParametrisation.of_partition(partition_gaps(scaled), scaled),
    ][kind]
    assert 0.1 < float(amounts.start().abs().max()) < 10
    np.testing.assert_allclose(amounts.start(), every_kind()[kind][0].start(), atol=1e-9)


def test_projected_amounts_are_plausible() -> None:
    gap, translations = plausible(2.0)
    amounts = StepParametrisation.of_gap(gap, translations.genes, 2.0, translations)
    wild = 10 * torch.randn(4, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    delta = amounts.translations(amounts.project(wild))
    amount, real = delta[None] - delta[:, None], means()[None] - means()[:, None]
    assert (amount * real >= 0).all()
    assert (amount.abs() <= 2.0 * real.abs() + 1e-12).all()
    assert (amount.abs() > 1.99 * real.abs())[real != 0].any()


def test_projected_amounts_keep_a_partition() -> None:
    _, translations = plausible(2.0)
    amounts = StepParametrisation.of_partition(partition_gaps(translations), translations)
    wild = 10 * torch.randn(4, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    delta = Translations(translations.genes, amounts.translations(amounts.project(wild)), 8)
    tied = translations.pairs() == 0
    assert tied[~torch.eye(5, dtype=torch.bool)].any()
    assert (delta.pairs()[tied] == 0).all()
    assert (delta.pairs() * translations.pairs() >= 0).all()


@pytest.mark.parametrize("kind", range(3))
def test_gradients_reach_the_parameters(kind: int) -> None:
    amounts, _ = every_kind()[kind]
    start = amounts.start().clone().requires_grad_(True)
    weights = torch.randn(5, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    (amounts.translations(start) * weights).sum().backward()
    assert start.grad is not None
    direction = torch.randn(start.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    with torch.no_grad():
        rise = (amounts.translations(start + direction) - amounts.translations(start)) * weights
    assert float((start.grad * direction).sum()) == pytest.approx(float(rise.sum()))


def test_free_amounts_are_in_units_of_the_mean_square_over_pairs() -> None:
    _, translations = plausible(2.0)
    amounts = FreeParametrisation.of(translations)
    assert amounts.unit == pytest.approx(float(translations.pairs().square().mean().sqrt()))
    torch.testing.assert_close(amounts.start() * amounts.unit, translations.values)


def test_a_gap_between_equal_means_stays_closed() -> None:
    equal = means()
    equal[2, 3] = equal[4, 3] = equal[0, 3]
    gap = Gap.build(equal, 2.0, torch.ones(8, dtype=torch.float64))
    closed = gap.upper == 0
    assert int(closed.sum()) == 2
    amounts = StepParametrisation.of_gap(gap, torch.arange(8), 2.0, Translations(torch.arange(8), equal, 8))
    assert (amounts.start()[closed] == 0).all() and (amounts.start()[~closed] > 0).all()
    assert (amounts.project(torch.full((4, 8), 0.5, dtype=torch.float64)) == 0.5 * ~closed).all()


def test_steps_of_a_bounded_partition_are_in_units_of_the_open_ones() -> None:
    """However narrow the bounds are: those of scaled data are far below 1."""
    _, translations = plausible(2.0)
    small = Gap.build(means() / 1000, 2.0, torch.ones(8, dtype=torch.float64))
    scaled = Translations(translations.genes, translations.values / 1000, 8)
    steps = partition_gaps(scaled, small).variable(scaled.values)
    found = StepParametrisation.of_partition(partition_gaps(scaled, small), scaled)
    assert found.unit.unique().tolist() == pytest.approx([float(steps[steps > 0].square().mean().sqrt())])
    assert (found.most == torch.where(steps > 0, torch.inf, 0.0)).all()
