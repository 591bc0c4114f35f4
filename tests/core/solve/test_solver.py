"""The solver against cvxpy (linear encoders) and against first-order conditions (the others)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.core._problems import ENCODERS, Case, amounts_by_pairs, random_case, smooth_by_pairs, solve_by_cvxpy

from scgce.core.solve.penalties import Gap, Pairwise, Penalty
from scgce.core.solve.solver import _QUIET, Solution, Stopping, minimise

EXACT = Stopping(1e-11, 20_000)
AMPLITUDES = [None, 1.0, 3.0]


def penalty_of(case: Case, amplitude: float | None, costs: torch.Tensor | None = None) -> Penalty:
    costs = torch.ones(case.means.shape[1], dtype=torch.float64) if costs is None else costs
    if amplitude is None:
        return Pairwise.build(costs, len(case.means))
    return Gap.build(case.means, amplitude, costs)


def solution_of(
    case: Case, penalty: Penalty, lam: float, stopping: Stopping = EXACT, lipschitz: float = 1.0
) -> Solution:
    zero = torch.zeros(penalty.n_rows, case.means.shape[1], dtype=torch.float64)
    return minimise(case.problem, penalty, lam, zero, stopping=stopping, lipschitz=lipschitz)


def stationarity(case: Case, penalty: Penalty, lam: float, v: torch.Tensor) -> float:
    """Largest move of a prox-gradient step of length 1 from v."""
    hidden = case.problem.hidden(penalty.translations(v))
    gradient = penalty.vjp(case.problem.vjp(case.problem.value_and_gradient(hidden)[1]))
    step = torch.ones(v.shape[1], dtype=torch.float64)
    return float((penalty.prox(v - gradient, step, lam) - v).abs().max())


@pytest.mark.parametrize("amplitude", AMPLITUDES)
@pytest.mark.parametrize("lam", [0.02, 0.3])
def test_objective_equals_that_of_a_convex_solver(amplitude: float | None, lam: float) -> None:
    case = random_case(0)
    costs = torch.tensor([1, 1, 0.2, 5, 0, torch.inf, 1, 2, 1], dtype=torch.float64)
    found = solution_of(case, penalty_of(case, amplitude, costs), lam)
    assert found.converged
    expected = solve_by_cvxpy(case, lam, costs, amplitude)
    assert found.objective == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("amplitude", AMPLITUDES)
@pytest.mark.parametrize("kind", ENCODERS)
def test_objective_is_the_sum_over_pairs_of_what_it_returns(kind: str, amplitude: float | None) -> None:
    case, lam = random_case(1, kind=kind), 0.1
    penalty = penalty_of(case, amplitude)
    found = solution_of(case, penalty, lam, Stopping(1e-6, 200))
    delta = penalty.translations(found.v)
    assert found.smooth == pytest.approx(float(smooth_by_pairs(case, delta)), rel=1e-10)
    explicit = found.smooth + lam * amounts_by_pairs(delta, torch.ones(9, dtype=torch.float64))
    assert found.objective == pytest.approx(explicit, rel=1e-10)


@pytest.mark.parametrize("amplitude", AMPLITUDES)
@pytest.mark.parametrize("kind", ENCODERS)
def test_objective_never_rises_along_the_iterations(kind: str, amplitude: float | None) -> None:
    case = random_case(2, kind=kind)
    penalty = penalty_of(case, amplitude)
    runs = [solution_of(case, penalty, 0.05, Stopping(1e-16, n)) for n in (*range(1, 15), 20, 30)]
    objectives = np.array([case.problem.value(torch.zeros_like(case.problem.start)), *(run.objective for run in runs)])
    assert (np.diff(objectives) <= 0).all()
    assert objectives[-1] < 0.9 * objectives[0]


@pytest.mark.parametrize("kind, amplitude", [("linear", 3.0), ("mlp", None), ("mlp", 3.0), ("module", None)])
def test_it_ends_at_a_stationary_point_whatever_the_first_guess_of_the_curvature(
    kind: str, amplitude: float | None
) -> None:
    case, lam = random_case(3, kind=kind), 0.05
    penalty = penalty_of(case, amplitude)
    for lipschitz in (1e-4, 1e4):
        found = solution_of(case, penalty, lam, Stopping(1e-10, 20_000), lipschitz)
        assert found.converged
        assert stationarity(case, penalty, lam, found.v) < 1e-3


def test_the_optimum_depends_neither_on_the_order_nor_on_the_reference_of_the_groups() -> None:
    case, lam = random_case(4), 0.05
    order = torch.tensor([2, 0, 3, 1])
    permuted = Case(
        replace(case.problem, start=case.problem.start[order], targets=case.targets[order]),
        case.means[order],
        case.targets[order],
        case.encode,
    )
    for amplitude in AMPLITUDES:
        one, other = (solution_of(c, penalty_of(c, amplitude), lam) for c in (case, permuted))
        assert one.objective == pytest.approx(other.objective, rel=1e-7)
    penalty = penalty_of(case, None)
    shifted = minimise(case.problem, penalty, lam, one_vector_added(case), stopping=EXACT)
    assert shifted.objective == pytest.approx(solution_of(case, penalty, lam).objective, rel=1e-7)


def one_vector_added(case: Case) -> torch.Tensor:
    """A start in another gauge."""
    return torch.linspace(-2, 2, case.means.shape[1], dtype=torch.float64).repeat(len(case.means), 1)


@pytest.mark.parametrize("amplitude", AMPLITUDES)
def test_a_solution_is_left_at_once(amplitude: float | None) -> None:
    case = random_case(5)
    penalty = penalty_of(case, amplitude)
    found = solution_of(case, penalty, 0.1)
    again = minimise(case.problem, penalty, 0.1, found.v, lipschitz=found.lipschitz, stopping=Stopping())
    assert again.converged and again.n_iterations <= 2 * _QUIET  # one quiet spell tells, a second allows for a restart
    assert again.objective <= found.objective
    assert solution_of(case, penalty, 0.1, Stopping()).n_iterations > again.n_iterations


def plain_descent(case: Case, penalty: Penalty, lam: float, n: int) -> float:
    """The objective after as many steps without acceleration, as long as the curvature of these problems allows."""
    norms = case.problem.column_norms()
    step = 1 / (4.5 * norms.clamp(min=1e-3 * float(norms.mean())))
    v = torch.zeros(penalty.n_rows, len(norms), dtype=torch.float64)
    for _ in range(n):
        hidden = case.problem.hidden(penalty.translations(v))
        gradient = penalty.vjp(case.problem.vjp(case.problem.value_and_gradient(hidden)[1]))
        v = penalty.prox(v - gradient * step, step, lam)
    return case.problem.value(case.problem.hidden(penalty.translations(v))) + lam * penalty.value(v)


@pytest.mark.parametrize("seed", range(3))
def test_acceleration_leaves_less_than_plain_descent_does(seed: int) -> None:
    case, lam, n = random_case(seed, l=6, d=40, m=12), 0.01, 160
    penalty = penalty_of(case, None)
    optimum = solve_by_cvxpy(case, lam, torch.ones(40, dtype=torch.float64))
    start = case.problem.value(torch.zeros_like(case.problem.start)) - optimum
    left = solution_of(case, penalty, lam, Stopping(1e-15, n)).objective - optimum
    plain = plain_descent(case, penalty, lam, n) - optimum
    assert 0.0005 * start < plain < 0.1 * start, "plain descent works, but has a way to go"
    assert left < 0.1 * plain


@pytest.mark.parametrize("unit", [2.0**-20, 2.0**20])
def test_units_of_the_genes_do_not_matter(unit: float) -> None:
    """A power of two, so that nothing is rounded: the same iterations to the last bit."""
    case, lam = random_case(3), 0.05
    penalty = penalty_of(case, None)
    assert case.problem.weights is not None
    other = replace(case, problem=replace(case.problem, weights=case.problem.weights * unit))
    one, scaled = solution_of(case, penalty, lam), solution_of(other, penalty, lam * unit)
    assert torch.equal(scaled.v * unit, one.v)
    assert (scaled.n_iterations, scaled.objective) == (one.n_iterations, one.objective)


def test_steps_without_a_bound_are_allowed() -> None:
    case = random_case(6)
    order = case.means.argsort(dim=0)
    free = Gap(
        order, torch.full((3, 9), torch.inf, dtype=torch.float64), torch.zeros(9).double(), torch.ones(3).double()
    )
    found = solution_of(case, free, 0.0)
    assert found.v.isfinite().all() and (found.v >= 0).all()
    bounded = solution_of(case, penalty_of(case, 3.0, torch.zeros(9, dtype=torch.float64)), 0.0)
    assert found.objective <= bounded.objective + 1e-12


def test_running_out_of_iterations_is_reported() -> None:
    case = random_case(7)
    found = solution_of(case, penalty_of(case, None), 0.01, Stopping(1e-12, 3))
    assert not found.converged and found.n_iterations == 3


def test_an_encoder_that_ignores_a_gene_leaves_it_alone() -> None:
    case = random_case(8)
    assert case.problem.weights is not None
    case.problem.weights[2] = 0.0
    for amplitude in AMPLITUDES:
        penalty = penalty_of(case, amplitude)
        delta = penalty.translations(solution_of(case, penalty, 0.01, Stopping(1e-6, 500)).v)
        assert (delta[:, 2] == delta[0, 2]).all()
        assert delta.isfinite().all()
