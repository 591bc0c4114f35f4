"""The smooth part against the same sum written out pair by pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core._problems import ENCODERS, random_case, smooth_by_pairs

from scgce.core.solve import problem as module


def random_delta(l: int, d: int, seed: int = 5) -> torch.Tensor:
    return torch.randn(l, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", ENCODERS)
def test_value_is_the_mean_over_ordered_pairs(kind: str) -> None:
    case = random_case(0, kind=kind)
    delta = random_delta(4, 9)
    found = case.problem.value(case.problem.hidden(delta))
    assert found == pytest.approx(float(smooth_by_pairs(case, delta)), rel=1e-12)


@pytest.mark.parametrize("kind", ENCODERS)
def test_gradient_equals_finite_differences(kind: str) -> None:
    case = random_case(1, kind=kind)
    delta = random_delta(4, 9)
    value, gradient = case.problem.value_and_gradient(case.problem.hidden(delta))
    assert value == pytest.approx(float(smooth_by_pairs(case, delta)), rel=1e-12)
    found = case.problem.vjp(gradient)
    for seed in range(5):
        direction, h = random_delta(4, 9, seed), 1e-5
        rise = float(smooth_by_pairs(case, delta + h * direction) - smooth_by_pairs(case, delta - h * direction))
        assert float((found * direction).sum()) == pytest.approx(rise / (2 * h), rel=1e-6)


@pytest.mark.parametrize("kind", ENCODERS)
def test_adding_one_vector_to_every_group_changes_nothing(kind: str) -> None:
    case = random_case(2, kind=kind)
    delta, common = random_delta(4, 9), random_delta(1, 9, 8)
    one, other = (case.problem.hidden(x) for x in (delta, delta + common))
    assert case.problem.value(one) == pytest.approx(case.problem.value(other), rel=1e-12)
    gradient = case.problem.vjp(case.problem.value_and_gradient(one)[1])
    np.testing.assert_allclose(gradient.sum(0), 0, atol=1e-12)


@pytest.mark.parametrize("kind", ENCODERS)
def test_taking_genes_keeps_the_others_untranslated(kind: str) -> None:
    case = random_case(3, kind=kind)
    genes = torch.tensor([1, 4, 6])
    delta = random_delta(4, 3)
    full = torch.zeros(4, 9, dtype=torch.float64).index_copy(1, genes, delta)
    part = case.problem.take(genes)
    assert part.n_genes == 3 and case.problem.n_genes == 9
    assert part.value(part.hidden(delta)) == pytest.approx(float(smooth_by_pairs(case, full)), rel=1e-12)
    gradient = case.problem.value_and_gradient(case.problem.hidden(full))[1]
    within = part.vjp(part.value_and_gradient(part.hidden(delta))[1])
    np.testing.assert_allclose(within, case.problem.vjp(gradient)[:, genes], atol=1e-12)
    again = part.take(torch.tensor([2, 0]))
    assert torch.equal(again.hidden(delta[:, :2]), case.problem.take(genes[[2, 0]]).hidden(delta[:, :2]))
    np.testing.assert_array_equal(part.column_norms(), case.problem.column_norms()[genes])


def test_strength_of_a_gene_is_its_row_of_the_first_linear_map() -> None:
    case = random_case(3)
    rows = case.problem.hidden(torch.eye(9, dtype=torch.float64)[:4])
    np.testing.assert_allclose(case.problem.column_norms()[:4], rows.square().sum(1))
    assert (random_case(3, kind="module").problem.column_norms() == 1).all()


def test_blocks_of_sources_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(4, kind="mlp", l=5)
    hidden = case.problem.hidden(random_delta(5, 9))
    value, gradient = case.problem.value_and_gradient(hidden)
    residuals = case.problem.residuals(hidden)
    monkeypatch.setattr(module, "MAX_GRID", 1)
    blocked = case.problem.value_and_gradient(hidden)
    assert blocked[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(blocked[1], gradient, atol=1e-12)
    np.testing.assert_allclose(case.problem.residuals(hidden), residuals, atol=1e-12)
    assert case.problem.value(hidden) == pytest.approx(value, rel=1e-12)


def test_residuals_are_moved_minus_target_and_zero_on_the_diagonal() -> None:
    case = random_case(5, kind="mlp")
    delta = random_delta(4, 9)
    residuals = case.problem.residuals(case.problem.hidden(delta))
    assert residuals.shape == (4, 4, 2)
    assert (residuals[range(4), range(4)] == 0).all()
    expected = case.encode((case.means[2] + delta[0] - delta[2])[None])[0] - case.targets[0]
    np.testing.assert_allclose(residuals[2, 0], expected, atol=1e-12)
    assert case.problem.n_pairs == 12


@pytest.mark.parametrize("l", [2, 3, 7])
@pytest.mark.parametrize("far", [0.0, 1e4])
def test_linear_encoders_need_no_pairs(l: int, far: float) -> None:
    case = random_case(6, l=l, m=3)
    one = replace(case.problem, start=case.problem.start + far, targets=case.targets + far)
    hidden = one.hidden(random_delta(l, 9))
    other = replace(one, linear=False)
    value, gradient = other.value_and_gradient(hidden)
    assert one.value(hidden) == pytest.approx(value, rel=1e-10)
    assert one.value_and_gradient(hidden)[0] == one.value(hidden)
    np.testing.assert_allclose(one.value_and_gradient(hidden)[1], gradient, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_a_perfect_fit_is_zero_and_never_below_for_linear_encoders(seed: int) -> None:
    case = random_case(seed, l=5, m=3)
    exact = replace(case.problem, targets=case.problem.start)
    value, gradient = exact.value_and_gradient(exact.targets)  # D = the positions themselves: everyone moved onto j
    assert 0 <= value < 1e-14
    np.testing.assert_allclose(gradient, 0, atol=1e-13)
    common = exact.targets + random_delta(1, 3)
    assert 0 <= exact.value(common) < 1e-14


@pytest.mark.parametrize("kind", ["linear", "mlp", "module"])
def test_with_pairs_only_these_count(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(4, kind=kind, l=7)
    pairs = [(0, 3), (3, 0), (2, 5), (5, 2), (5, 6)]
    sampled = replace(case.problem, pairs=torch.tensor(pairs))
    delta = random_delta(7, 9).requires_grad_(True)
    wanted = sum(
        (case.encode(case.means[i] + delta[j] - delta[i]) - case.targets[j]).square().sum() for i, j in pairs
    ) / len(pairs)
    hidden = sampled.hidden(delta.detach())
    assert sampled.value(hidden) == pytest.approx(wanted.item(), rel=1e-12)
    value, gradient = sampled.value_and_gradient(hidden)
    assert value == pytest.approx(wanted.item(), rel=1e-12)
    torch.testing.assert_close(sampled.vjp(gradient), torch.autograd.grad(wanted, delta)[0])
    assert sampled.residuals(hidden).square().sum() / 5 == pytest.approx(wanted.item(), rel=1e-12)
    monkeypatch.setattr(module, "MAX_GRID", 4)  # pairs too many to be held together go by blocks
    blocked = sampled.value_and_gradient(hidden)
    assert blocked[0] == pytest.approx(value, rel=1e-12)
    torch.testing.assert_close(blocked[1], gradient)


@pytest.mark.parametrize(("n_groups", "n_pairs", "each"), [(26, 600, 23), (60, 600, 10), (200, 600, 3), (700, 600, 1)])
def test_every_group_is_as_often_a_source_as_a_target(n_groups: int, n_pairs: int, each: int) -> None:
    pairs = module.some_pairs(n_groups, n_pairs, seed=1)
    assert pairs is not None and pairs.shape == (n_groups * each, 2)
    for end in pairs.T:
        assert (torch.bincount(end, minlength=n_groups) == each).all()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert len(set(map(tuple, pairs.tolist()))) == len(pairs)


def test_few_groups_keep_all_pairs() -> None:
    assert module.some_pairs(25, 600, seed=0) is None
