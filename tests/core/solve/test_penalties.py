"""Penalties against explicit sums over pairs, brute force over subsets of groups, and cvxpy."""

from __future__ import annotations

from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.core._problems import amounts_by_pairs

from scgce.core.solve.penalties import Gap, Pairwise, Penalty, exponent_of, rank_weights, split_prices
from scgce.core.solve.penalties.isotonic import isotonic_decreasing_minmax

few = settings(max_examples=40)
EXPONENTS = [0.0, 0.3, 1.0]
COSTS = torch.tensor([1.0, 0.0, torch.inf, 0.25, 3.0], dtype=torch.float64)
values_with_ties = hnp.arrays(
    np.float64, (4, 5), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]) | st.floats(-3, 3, width=32)
).map(torch.from_numpy)
PRECISE = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-13, "tol_gap_rel": 1e-13, "tol_feas": 1e-13}


def random_tensor(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tied(values: torch.Tensor, seed: int) -> torch.Tensor:
    """The same with about half of the rows equal to a neighbour."""
    generator = torch.Generator().manual_seed(seed)
    source = torch.randint(0, 2, values.shape, generator=generator) * torch.arange(len(values))[:, None]
    return values.gather(0, source)


def centred(gradient: torch.Tensor) -> torch.Tensor:
    """As gradients of the smooth part are: every gene's sum over the groups is zero."""
    return gradient - gradient.mean(0)


# --- prices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l", [2, 3, 7])
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_prices_are_concave_and_scaled_alike(l: int, exponent: float) -> None:
    prices, weights = split_prices(l, exponent), rank_weights(split_prices(l, exponent))
    assert (weights.diff() <= 1e-15).all()
    assert float(weights.sum()) == pytest.approx(0, abs=1e-14)
    assert float(prices.mean()) == pytest.approx(float(split_prices(l).mean()))
    np.testing.assert_allclose(prices, prices.flip(0))


def test_named_families() -> None:
    assert split_prices(5, exponent_of("gene")).unique().numel() == 1
    np.testing.assert_allclose(split_prices(4, exponent_of("pair")), [2 * 3 / 12, 2 * 4 / 12, 2 * 3 / 12])
    assert exponent_of(0.5) == 0.5


@pytest.mark.parametrize("bad", ["genes", -0.1, 1.5, float("nan"), True, None, [1]])
def test_unknown_family_is_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="penalty="):
        exponent_of(bad)  # type: ignore[arg-type]


# --- values ---------------------------------------------------------------------------------------------------------


@few
@given(values_with_ties)
def test_pairwise_value_is_the_sum_over_pairs(delta: torch.Tensor) -> None:
    costs = torch.tensor([1.0, 0.0, 2.0, 0.25, 3.0], dtype=torch.float64)
    assert Pairwise.build(costs, 4).value(delta) == pytest.approx(amounts_by_pairs(delta, costs), abs=1e-12)


@few
@given(values_with_ties)
def test_gene_family_charges_the_range_once(delta: torch.Tensor) -> None:
    costs = torch.tensor([1.0, 0.0, 2.0, 0.25, 3.0], dtype=torch.float64)
    expected = float(split_prices(4, 0.0)[0]) * float((costs * (delta.amax(0) - delta.amin(0))).sum())
    assert Pairwise.build(costs, 4, 0.0).value(delta) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_gap_value_is_that_of_its_translations(exponent: float) -> None:
    means, costs = random_tensor(0, 5, 6), torch.rand(6, dtype=torch.float64)
    gap = Gap.build(means, 3.0, costs, exponent)
    b = gap.upper * torch.rand(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert gap.value(b) == pytest.approx(Pairwise.build(costs, 5, exponent).value(gap.translations(b)))
    if exponent == 1.0:
        assert gap.value(b) == pytest.approx(amounts_by_pairs(gap.translations(b), costs))


# --- gap: plausible amounts -----------------------------------------------------------------------------------------


@few
@given(values_with_ties)
def test_every_real_step_gives_the_difference_of_means(means: torch.Tensor) -> None:
    gap = Gap.build(means, 1.0, torch.ones(5, dtype=torch.float64))
    delta = gap.translations(gap.upper)
    np.testing.assert_allclose(delta - delta[0], means - means[0], rtol=0, atol=1e-14)


@few
@given(values_with_ties, hnp.arrays(np.float64, (3, 5), elements=st.floats(0, 1)), st.floats(0.1, 5))
def test_amounts_have_the_real_sign_and_bounded_size(means: torch.Tensor, share: np.ndarray, amplitude: float) -> None:
    gap = Gap.build(means, amplitude, COSTS)
    delta = gap.translations(gap.upper * torch.from_numpy(share))
    amount = delta[None] - delta[:, None]
    real = means[None] - means[:, None]
    assert (amount * real >= 0).all()
    assert (amount.abs() <= amplitude * real.abs() * (1 + 1e-12) + 1e-14).all()
    assert (amount[:, :, COSTS.isinf()] == 0).all()
    assert (amount[real == 0] == 0).all()


@few
@given(values_with_ties)
def test_no_mean_is_taken_below_zero_and_no_gene_is_held_back_without_need(means: torch.Tensor) -> None:
    means = means.clamp(min=0.0)  # several groups that do not express a gene are the rule
    costs = torch.ones(5, dtype=torch.float64)
    delta = Gap.build(means, 3.0, costs, nonnegative=True)
    delta = delta.translations(delta.upper)
    reached = means[:, None] + delta[None] - delta[:, None]
    assert (reached >= -1e-12).all()
    free = Gap.build(means, 3.0, costs)
    free = free.translations(free.upper)
    held = (delta.amax(0) - delta.amin(0)) < (free.amax(0) - free.amin(0)) * (1 - 1e-9)
    lowest = reached.amin((0, 1))
    assert (lowest[held] <= 1e-9).all(), "an amplitude is lowered only as far as zero"
    zero = (means.amin(0) == 0) & (means.amax(0) > 0)
    np.testing.assert_allclose((delta.amax(0) - delta.amin(0))[zero], (means.amax(0) - means.amin(0))[zero], rtol=1e-12)


@few
@given(values_with_ties)
def test_variable_inverts_translations_and_projects_into_the_box(delta: torch.Tensor) -> None:
    means = random_tensor(3, 4, 5)
    gap = Gap.build(means, 2.0, COSTS)
    b = gap.variable(delta)
    assert ((b >= 0) & (b <= gap.upper)).all()
    np.testing.assert_allclose(gap.variable(gap.translations(b)), b, atol=1e-14)


@few
@given(values_with_ties)
def test_pull_back_is_the_adjoint_of_translations(gradient: torch.Tensor) -> None:
    gap = Gap.build(random_tensor(4, 4, 5), 2.0, torch.ones(5, dtype=torch.float64))
    b = random_tensor(5, 3, 5)
    left = float((gap.translations(b) * gradient).sum())
    assert left == pytest.approx(float((b * gap.vjp(gradient)).sum()), abs=1e-10)


def test_taking_genes_is_the_penalty_of_these_genes() -> None:
    means, genes = random_tensor(0, 4, 5), torch.tensor([3, 0])
    v = random_tensor(1, 4, 2)
    assert Pairwise.build(COSTS, 4).take(genes).value(v) == Pairwise.build(COSTS[genes], 4).value(v)
    gap, direct = Gap.build(means, 2.0, COSTS).take(genes), Gap.build(means[:, genes], 2.0, COSTS[genes])
    b = direct.upper / 2
    assert torch.equal(gap.translations(b), direct.translations(b))
    assert gap.value(b) == direct.value(b)
    assert gap.n_rows == 3 and Pairwise.build(COSTS, 4).n_rows == 4


# --- prox -----------------------------------------------------------------------------------------------------------


def pairwise_expression(column: cp.Variable, l: int, exponent: float) -> cp.Expression:
    """F of one gene without sorting: explicit pairs, or sums of largest entries for the other families."""
    if exponent == 1.0:
        return sum(cp.abs(column[i] - column[j]) for i, j in combinations(range(l), 2)) * 2 / (l * (l - 1))
    if exponent == 0.0:
        return float(split_prices(l, 0.0)[0]) * (cp.max(column) - cp.min(column))
    weights = rank_weights(split_prices(l, exponent)).numpy()
    drops = weights[:-1] - weights[1:]
    return sum(d * cp.sum_largest(column, k + 1) for k, d in enumerate(drops)) + weights[-1] * cp.sum(column)


def prox_by_cvxpy(v: np.ndarray, step: float, lam: float, cost: float, exponent: float) -> np.ndarray:
    """One gene."""
    u = cp.Variable(len(v))
    objective = cp.sum_squares(u - v) / (2 * step)
    constraints = []
    if np.isinf(cost):
        constraints = [u[1:] == u[:-1]]
    elif cost > 0:
        objective += lam * cost * pairwise_expression(u, len(v), exponent)
    cp.Problem(cp.Minimize(objective), constraints).solve(**PRECISE)
    return np.asarray(u.value)


@pytest.mark.parametrize("exponent", EXPONENTS)
@pytest.mark.parametrize("ties", [False, True])
def test_pairwise_prox_equals_a_convex_solver(exponent: float, ties: bool) -> None:
    l, lam = 6, 0.8
    v = random_tensor(11, l, 5)
    v = tied(v, 1) if ties else v
    step = torch.tensor([1.0, 0.5, 2.0, 3.0, 0.3], dtype=torch.float64)
    found = Pairwise.build(COSTS, l, exponent).prox(v, step, lam).numpy()
    for gene in range(5):
        expected = prox_by_cvxpy(v[:, gene].numpy(), float(step[gene]), lam, float(COSTS[gene]), exponent)
        np.testing.assert_allclose(found[:, gene], expected, rtol=0, atol=1e-8)


@few
@given(values_with_ties, st.floats(0.01, 4), st.sampled_from(EXPONENTS))
def test_pairwise_prox_is_optimal_by_its_subgradient(v: torch.Tensor, lam: float, exponent: float) -> None:
    """v - p is a subgradient: among the groups of one level, its partial sums never exceed those of the weights."""
    weights = rank_weights(split_prices(4, exponent)) * lam
    p = Pairwise.build(torch.ones(5, dtype=torch.float64), 4, exponent).prox(v, torch.ones(5, dtype=torch.float64), lam)
    for gene in range(5):
        order = torch.argsort(p[:, gene], descending=True, stable=True)
        start = 0
        for level in p[:, gene].unique().flip(0):
            members = order[p[order, gene] == level]
            own = (v - p)[members, gene].sort(descending=True).values.cumsum(0)
            most = weights[start : start + len(members)].cumsum(0)
            assert (own <= most + 1e-9).all()
            assert float(own[-1]) == pytest.approx(float(most[-1]), abs=1e-9)
            start += len(members)


def test_pairwise_prox_gives_exact_ties_and_the_gpu_form_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    v, step = random_tensor(2, 8, 40), torch.ones(40, dtype=torch.float64)
    penalty = Pairwise.build(torch.full((40,), 2.0, dtype=torch.float64), 8)
    p = penalty.prox(v, step, 1.0)
    assert 0 < int((p.sort(0).values.diff(dim=0) == 0).sum()) < 7 * 40
    monkeypatch.setattr("scgce.core.solve.penalties.pairwise.isotonic_decreasing", isotonic_decreasing_minmax)
    again = penalty.prox(v, step, 1.0)
    np.testing.assert_allclose(again, p, atol=1e-12)
    assert torch.equal(again.sort(0).values.diff(dim=0) == 0, p.sort(0).values.diff(dim=0) == 0)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_gap_prox_equals_a_convex_solver(exponent: float) -> None:
    l, lam = 5, 0.4
    gap = Gap.build(tied(random_tensor(6, l, 5), 2), 2.0, COSTS, exponent)
    v, step = random_tensor(7, l - 1, 5), torch.tensor([1.0, 0.5, 2.0, 3.0, 0.3], dtype=torch.float64)
    found = gap.prox(v, step, lam)
    u = cp.Variable((l - 1, 5))
    paid = [g for g in range(5) if COSTS[g] < torch.inf]
    prices = np.outer(split_prices(l, exponent).numpy(), COSTS.numpy()[paid])
    objective = cp.sum(cp.multiply(1 / (2 * step.numpy())[None].repeat(l - 1, 0), cp.square(u - v.numpy())))
    objective += lam * cp.sum(cp.multiply(prices, u[:, paid]))
    cp.Problem(cp.Minimize(objective), [u >= 0, u <= gap.upper.numpy()]).solve(**PRECISE)
    np.testing.assert_allclose(found.numpy(), u.value, rtol=0, atol=1e-8)


@pytest.mark.parametrize("lam", [0.0, 1e-9, 1e6])
def test_a_forbidden_gene_is_tied_at_every_lambda(lam: float) -> None:
    means = random_tensor(0, 4, 5)
    penalties: list[Penalty] = [Pairwise.build(COSTS, 4), Gap.build(means, 2.0, COSTS)]
    for penalty in penalties:
        v = penalty.prox(penalty.variable(means), torch.ones(5, dtype=torch.float64), lam)
        delta = penalty.translations(v)
        assert (delta[:, 2] == delta[0, 2]).all()
        assert (penalty.translations(penalty.variable(means))[:, 2].diff() == 0).all()
        assert delta.isfinite().all()


# --- which genes may enter ------------------------------------------------------------------------------------------


def pressure_by_subsets(gradient: np.ndarray, cost: float, exponent: float) -> float:
    """Largest decrease of f per unit of price over all ways to raise some of the groups."""
    l = len(gradient)
    prices = split_prices(l, exponent).numpy()
    subsets = [list(s) for k in range(1, l) for s in combinations(range(l), k)]
    return max(-gradient[s].sum() / (cost * prices[len(s) - 1]) for s in subsets)


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_pairwise_pressure_is_the_best_split_of_the_groups(exponent: float) -> None:
    gradient = centred(random_tensor(8, 5, 5))
    found = Pairwise.build(COSTS, 5, exponent).dual_norm(gradient)
    expected = [pressure_by_subsets(gradient[:, g].numpy(), float(COSTS[g]), exponent) for g in (0, 3, 4)]
    np.testing.assert_allclose(found[[0, 3, 4]], expected)
    assert found[1] == torch.inf and found[2] == 0


def test_gap_pressure_is_the_best_open_gap() -> None:
    means = random_tensor(9, 5, 5)
    means[:, 4] = 1.0  # no gap at all
    gradient = centred(random_tensor(10, 5, 5))
    gap = Gap.build(means, 2.0, COSTS)
    found = gap.dual_norm(gradient)
    for gene in (0, 3):
        order = means[:, gene].argsort()
        gains = [-float(gradient[order[k:], gene].sum()) / float(split_prices(5)[k - 1]) for k in range(1, 5)]
        assert float(found[gene]) == pytest.approx(max(0.0, *gains) / float(COSTS[gene]))
    assert found[2] == 0 and found[4] == 0


def test_a_free_gene_wants_in_for_any_gain_and_for_none_stays_out() -> None:
    means = random_tensor(9, 4, 5)
    penalties: list[Penalty] = [Pairwise.build(COSTS, 4), Gap.build(means, 2.0, COSTS)]
    for penalty in penalties:
        for size in (1e-6, 1.0, 1e6):
            towards_the_means = size * centred(-means)
            assert penalty.dual_norm(towards_the_means)[1] == torch.inf
        assert (penalty.dual_norm(torch.zeros(4, 5, dtype=torch.float64)) == 0).all()


@pytest.mark.parametrize("kind", ["pairwise", "gap"])
def test_prox_stays_at_zero_exactly_from_the_pressure_up(kind: str) -> None:
    costs, gradient = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64), centred(random_tensor(12, 5, 3))
    means = random_tensor(13, 5, 3) - gradient  # lower the objective by going towards the real means
    penalty: Penalty = Pairwise.build(costs, 5) if kind == "pairwise" else Gap.build(means, 1e6, costs)
    step = torch.full((3,), 0.1, dtype=torch.float64)
    zero = torch.zeros(penalty.n_rows, 3, dtype=torch.float64)
    pressures = penalty.dual_norm(gradient)
    assert (pressures > 0).sum() >= 2
    for gene, dual_norm in enumerate(pressures.tolist()):
        for factor, moves in ((1.001, False), (0.999, dual_norm > 0)):
            moved = penalty.prox(zero - penalty.vjp(gradient) * step, step, factor * dual_norm)
            delta = penalty.translations(moved)[:, gene]
            assert bool((delta.max() - delta.min()) > 1e-9) is moves


@few
@given(values_with_ties, values_with_ties, st.floats(0.01, 3))
def test_conjugate_bounds_every_translation(gradient: torch.Tensor, delta: torch.Tensor, lam: float) -> None:
    """Fenchel and Young: <u, δ> <= λ P(δ) + (λ P)*(u) at the dual point u that the penalty makes feasible."""
    costs = torch.tensor([1.0, 0.5, 2.0, 0.25, 3.0], dtype=torch.float64)
    means = random_tensor(14, 4, 5)
    penalties: list[Penalty] = [Pairwise.build(costs, 4), Gap.build(means, 2.0, costs)]
    for penalty in penalties:
        factor, conjugate = penalty.conjugate(centred(gradient), lam)
        assert 0 <= factor <= 1
        v = penalty.variable(delta)
        linear = float((-factor * centred(gradient) * penalty.translations(v)).sum())
        assert linear <= lam * penalty.value(v) + conjugate + 1e-10
