from __future__ import annotations

import pytest
import torch
from tests.core._problems import Case, random_case, solve_by_cvxpy

from scgce.core.solve.certificate import duality_gap
from scgce.core.solve.penalties import Gap, Pairwise, Penalty
from scgce.core.solve.solver import Stopping, minimise

COSTS = torch.tensor([1, 1, 0.2, 5, 0.7, torch.inf, 1, 2, 1], dtype=torch.float64)


def penalty_of(case: Case, amplitude: float | None) -> Penalty:
    return Pairwise.build(COSTS, 4) if amplitude is None else Gap.build(case.means, amplitude, COSTS)


@pytest.mark.parametrize("amplitude", [None, 2.0])
@pytest.mark.parametrize("lam", [0.01, 0.2])
def test_gap_bounds_the_distance_to_the_optimum_and_vanishes_there(amplitude: float | None, lam: float) -> None:
    case = random_case(0)
    penalty = penalty_of(case, amplitude)
    optimum = solve_by_cvxpy(case, lam, COSTS, amplitude)
    gaps = []
    for n in (1, 3, 10, 30, 100, 2000):
        zero = torch.zeros(penalty.n_rows, 9, dtype=torch.float64)
        found = minimise(case.problem, penalty, lam, zero, stopping=Stopping(1e-12, n))
        gaps.append(duality_gap(case.problem, penalty, lam, found.v))
        assert gaps[-1] >= found.objective - optimum - 1e-9
        assert gaps[-1] >= -1e-12
    assert gaps[0] > 1e-3 * optimum
    assert gaps[-1] < 1e-4 * optimum


@pytest.mark.parametrize("amplitude", [None, 2.0])
def test_gap_holds_anywhere_not_only_on_the_way(amplitude: float | None) -> None:
    case, lam = random_case(1), 0.1
    penalty = penalty_of(case, amplitude)
    optimum = solve_by_cvxpy(case, lam, COSTS, amplitude)
    for seed in range(20):
        delta = torch.randn(4, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        v = penalty.variable(delta)
        value = case.problem.value(case.problem.hidden(penalty.translations(v))) + lam * penalty.value(v)
        assert duality_gap(case.problem, penalty, lam, v) >= value - optimum - 1e-9
