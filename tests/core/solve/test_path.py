"""The λ path and its working sets: exact where it starts, complete where it ends, as low as the best known values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.core._problems import ENCODERS, Case, random_case, solve_by_cvxpy

from scgce.core.solve import path, working_set
from scgce.core.solve.path import RICHEST, Point, fit_path, geometric_grid, part_for
from scgce.core.solve.penalties import Gap, Pairwise, Penalty
from scgce.core.solve.problem import Problem
from scgce.core.solve.solver import Stopping, minimise
from scgce.core.solve.working_set import lambda_max, prune, solve, zero_state

KINDS = [(kind, amplitude) for kind in ENCODERS for amplitude in (None, 2.0)]


def penalty_of(case: Case, amplitude: float | None, costs: torch.Tensor | None = None) -> Penalty:
    costs = torch.ones(case.means.shape[1], dtype=torch.float64) if costs is None else costs
    if amplitude is None:
        return Pairwise.build(costs, len(case.means))
    return Gap.build(case.means, amplitude, costs)


def path_of(case: Case, penalty: Penalty, *lams: float, **options: object) -> list[Point]:
    return fit_path(case.problem, penalty, lams=lams, stopping=Stopping(1e-9, 5000), **options)  # type: ignore[arg-type]


# --- where the path starts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, amplitude", KINDS)
@pytest.mark.parametrize("exponent", [1.0, 0.0])
def test_lambda_max_is_exact_from_both_sides(kind: str, amplitude: float | None, exponent: float) -> None:
    case = random_case(0, kind=kind)
    costs = torch.tensor([1, 1, 0.5, 5, 0.9, torch.inf, 1, 2, 1], dtype=torch.float64)
    penalty: Penalty = Pairwise.build(costs, 4, exponent)
    if amplitude is not None:
        penalty = Gap.build(case.means, amplitude, costs, exponent)
    largest = lambda_max(case.problem, penalty)
    some, none = path_of(case, penalty, 0.999 * largest, 1.001 * largest)[::-1]
    assert none.translations.genes.numel() == 0 and int(none.counts.max()) == 0
    assert some.translations.genes.numel() > 0
    assert some.objective < none.objective
    assert none.converged and some.converged


@pytest.mark.parametrize("amplitude", [None, 2.0])
def test_free_genes_move_at_any_lambda_and_lambda_max_is_above_them(amplitude: float | None) -> None:
    case = random_case(1, m=3)  # two free genes cannot reach every target in three dimensions
    costs = torch.tensor([0, 1, 1, 1, 0, 1, 1, 1, 1], dtype=torch.float64)
    penalty = penalty_of(case, amplitude, costs)
    largest = lambda_max(case.problem, penalty)
    none, some = path_of(case, penalty, 1.01 * largest, 0.99 * largest)
    assert set(none.translations.genes.tolist()) <= {0, 4} and none.translations.genes.numel()
    assert not set(some.translations.genes.tolist()) <= {0, 4}


def test_lambda_scales_with_the_price_and_not_with_genes_that_cannot_move() -> None:
    case = random_case(2)
    one = torch.ones(9, dtype=torch.float64)
    assert lambda_max(case.problem, penalty_of(case, None, 2 * one)) == pytest.approx(
        lambda_max(case.problem, penalty_of(case, None, one)) / 2
    )
    assert lambda_max(case.problem, penalty_of(case, None, 0 * one)) == 0.0
    lams = geometric_grid(8.0, per_decade=2, decades=2)
    np.testing.assert_allclose(np.log10(lams), np.log10(8.0) - np.array([0.5, 1.0, 1.5, 2.0]))


# --- the working set ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, amplitude", KINDS)
def test_working_set_reaches_what_all_genes_together_reach(kind: str, amplitude: float | None) -> None:
    case = random_case(3, kind=kind, d=60)
    penalty = penalty_of(case, amplitude)
    lam = 0.1 * lambda_max(case.problem, penalty)
    tight = Stopping(1e-10, 5000)
    state = solve(case.problem, penalty, lam, zero_state(case.problem, penalty), stopping=tight)
    zero = torch.zeros(penalty.n_rows, 60, dtype=torch.float64)
    together = minimise(case.problem, penalty, lam, zero, stopping=tight)
    assert state.complete and state.solution.converged
    assert len(state.genes) < 60
    assert state.solution.objective == pytest.approx(together.objective, rel=1e-4)
    assert (state.genes.diff() > 0).all()
    delta = state.translations(penalty, 60).dense()
    value = case.problem.value(case.problem.hidden(delta))
    assert value == pytest.approx(state.solution.smooth, rel=1e-10)


def test_pruning_forgets_only_genes_without_a_step() -> None:
    case = random_case(4, d=40)
    costs = torch.ones(40, dtype=torch.float64)
    costs[39] = 0.0  # free, but it moves nothing: all groups have the same mean, and its amplitude is a share of 0
    penalty = penalty_of(case, 2.0, costs)
    state = solve(case.problem, penalty, 0.2 * lambda_max(case.problem, penalty), zero_state(case.problem, penalty))
    kept = prune(state, penalty)
    assert 39 in kept.genes
    assert torch.equal(kept.translations(penalty, 40).dense(), state.translations(penalty, 40).dense())
    assert set(kept.genes.tolist()) == set(state.translations(penalty, 40).genes.tolist()) | {39}


def test_rounds_that_end_too_early_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    case = random_case(5, d=60)
    penalty = penalty_of(case, None)
    lam = 0.01 * lambda_max(case.problem, penalty)
    monkeypatch.setattr(working_set, "minimise", lambda *args, **kwargs: minimise(*args, **kwargs))
    assert not solve(case.problem, penalty, lam, zero_state(case.problem, penalty), max_rounds=1).complete


# --- the path -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, amplitude", KINDS)
def test_path_follows_the_order_of_lambda_and_forgets_where_it_came_from(kind: str, amplitude: float | None) -> None:
    case = random_case(6, kind=kind)
    penalty = penalty_of(case, amplitude)
    largest = lambda_max(case.problem, penalty)
    lams = [0.1 * largest, 0.6 * largest, 0.3 * largest]
    seen: list[int] = []
    points = path_of(case, penalty, *lams, on_point=lambda: seen.append(1))
    assert [point.lam for point in points] == sorted(lams, reverse=True)
    assert len(seen) == 3
    assert all(point.converged for point in points)
    smooth = [point.smooth for point in points]
    assert smooth == sorted(smooth, reverse=True)
    if kind == "linear":  # convex: the same from a cold start
        for point in points:
            (cold,) = path_of(case, penalty, point.lam)
            assert point.objective == pytest.approx(cold.objective, rel=1e-4)


def test_path_ends_once_the_mean_pair_is_rich_enough() -> None:
    case = random_case(7, d=60)
    penalty = penalty_of(case, None)
    whole = fit_path(case.problem, penalty)
    ended = fit_path(case.problem, penalty, enough_genes=3)
    means = [float(point.counts.double().mean()) for point in ended]
    assert max(means[:-1]) < 3 <= means[-1]
    assert len(ended) < len(whole)
    assert whole[0].lam == pytest.approx(lambda_max(case.problem, penalty) / 10**0.1)


@pytest.mark.parametrize("seed, amplitude", [(0, None), (1, 2.0), (2, None), (3, 2.0)])
def test_second_path_from_the_means_never_does_worse(seed: int, amplitude: float | None) -> None:
    case = random_case(seed, kind="mlp", d=30)
    costs = torch.ones(30, dtype=torch.float64)
    costs[::4] = torch.inf
    penalty = penalty_of(case, amplitude, costs)
    lams = [lambda_max(case.problem, penalty) * factor for factor in (0.5, 0.1, 0.02)]
    loose = Stopping(1e-4, 300)
    one, two = (fit_path(case.problem, penalty, lams=lams, means=means, stopping=loose) for means in (None, case.means))
    for first, best in zip(one, two, strict=True):
        assert best.objective <= first.objective * (1 + 1e-12)
        assert not set(best.translations.genes.tolist()) & set(range(0, 30, 4))
        value = case.problem.value(case.problem.hidden(best.translations.dense()))
        assert value == pytest.approx(best.smooth, rel=1e-9)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_second_path_ends_where_it_met_the_first_at_three_lambdas(unit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the problem is convex they meet at once, whatever the units of the representation."""
    case = random_case(3)
    problem = replace(case.problem, start=case.problem.start * unit, targets=case.problem.targets * unit)
    penalty = penalty_of(case, None)
    solved: list[float] = []

    def watched(*args: Any, **options: Any) -> working_set.State:
        solved.append(args[2])
        return solve(*args, **options)

    monkeypatch.setattr(path, "solve", watched)
    lams = [lambda_max(problem, penalty) * 0.8**step for step in range(1, 8)]
    fit_path(problem, penalty, lams=lams, means=case.means * unit, stopping=Stopping(1e-6, 5000))
    assert solved == [*lams, *lams[:-4:-1]]


# --- the authors' encoders ------------------------------------------------------------------------------------------

BEST_KNOWN = {("iris", 1): 0.320, ("iris", 3): 0.914, ("heart", 1): 0.192, ("heart", 3): 0.531}


def reference_case(stored: dict[str, np.ndarray]) -> tuple[Problem, torch.Tensor]:
    layers = [(torch.tensor(stored[f"W{i}"]).double(), torch.tensor(stored[f"b{i}"]).double()) for i in range(4)]

    def tail(hidden: torch.Tensor) -> torch.Tensor:
        for W, b in layers[1:]:
            hidden = torch.nn.functional.elu(hidden) @ W + b
        return hidden

    X, (W, b) = torch.tensor(stored["X"]).double(), layers[0]
    cells = [X[torch.tensor(stored["group"] == g)] for g in range(int(stored["group"].max()) + 1)]
    means = torch.stack([x.mean(0) for x in cells])
    targets = torch.stack([tail(x @ W + b).mean(0) for x in cells])
    return Problem(means @ W + b, targets, W, tail), means


@pytest.mark.parametrize("name", ["iris", "heart"])
def test_objective_is_as_low_as_the_best_known(name: str, request: pytest.FixtureRequest) -> None:
    problem, means = reference_case(request.getfixturevalue(f"reference_{name}"))
    l, d = means.shape
    penalty = Pairwise.build(torch.ones(d, dtype=torch.float64), l)
    grid = [2 * reference / d for reference in (5, 4, 3, 2, 1.5, 1, 0.5)]  # their λ to that of Eq. 9
    points = {round(point.lam * d / 2, 9): point for point in fit_path(problem, penalty, lams=grid, means=means)}
    for reference in (1, 3):
        found, delta = points[reference].objective / 2, points[reference].translations.dense()
        assert found <= BEST_KNOWN[name, reference] * 1.005
        # in the authors' words: 0.5 ||.||² + λ mean_g |δ|, averaged over ordered pairs
        gaps = (delta[None] - delta[:, None]).abs().mean(2).sum() / (l * (l - 1))
        assert found == pytest.approx(0.5 * problem.value(problem.hidden(delta)) + reference * float(gaps), rel=1e-9)


def test_the_part_of_a_path_for_fewer_genes_ends_where_a_path_for_them_would() -> None:
    case = random_case(0, kind="mlp")
    penalty, loose = penalty_of(case, None), Stopping(1e-4, 300)
    whole = fit_path(case.problem, penalty, enough_genes=4.4, stopping=loose)
    for k in (1, 2):
        alone = fit_path(case.problem, penalty, enough_genes=RICHEST * k, stopping=loose)
        part = part_for(whole, k)
        assert [point.lam for point in part] == [point.lam for point in alone]
        assert len(part) < len(whole)
    assert part_for(whole, 1000) == whole


@pytest.mark.parametrize("amplitude", [None, 2.0])
def test_the_gap_of_every_point_bounds_its_distance_to_the_optimum(amplitude: float | None) -> None:
    case = random_case(3)
    costs = torch.ones(9, dtype=torch.float64)
    for point in path_of(case, penalty_of(case, amplitude), 0.3, 0.05, 0.01):
        optimum = solve_by_cvxpy(case, point.lam, costs, amplitude)
        assert point.objective - optimum <= point.gap + 1e-9
        assert point.gap <= 1e-3 * point.objective


def test_without_convexity_there_is_no_gap() -> None:
    case = random_case(3, kind="mlp")
    assert np.isnan(path_of(case, penalty_of(case, 2.0), 0.1)[0].gap)
