from __future__ import annotations

from itertools import permutations

import cvxpy as cp
import numpy as np
import pytest
import torch
from tests.core._problems import ENCODERS, Case, random_case

from scgce.core.score.evidence import pair_objectives
from scgce.core.solve.lasso import lasso_lam_max, lasso_pairs
from scgce.core.solve.path import fit_path
from scgce.core.solve.penalties import Pairwise
from scgce.core.solve.solver import Stopping


def dense(case: Case, deltas, i: int, j: int) -> torch.Tensor:
    genes, values = deltas(i, j)
    out = torch.zeros(case.means.shape[1], dtype=torch.float64)
    out[genes] = values
    return out


def gradient(case: Case, delta: torch.Tensor, i: int, j: int) -> torch.Tensor:
    delta = delta.clone().requires_grad_(True)
    loss = (case.encode((case.means[i] + delta)[None])[0] - case.targets[j]).square().sum()
    return torch.autograd.grad(loss, delta)[0]


def objective(case: Case, delta: torch.Tensor, lam: float, i: int, j: int) -> float:
    residual = case.encode((case.means[i] + delta)[None])[0] - case.targets[j]
    return float(residual.square().sum() + lam * delta.abs().sum())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lam", [0.05, 0.5])
def test_linear_encoder_equals_cvxpy(seed: int, lam: float) -> None:
    case = random_case(seed)
    found = lasso_pairs(case.problem, lam)
    offset = case.encode(torch.zeros(1, 9, dtype=torch.float64))[0]
    A = (case.encode(torch.eye(9, dtype=torch.float64)) - offset).numpy()
    for i, j in permutations(range(4), 2):
        delta = cp.Variable(9)
        gap = (case.encode(case.means[i : i + 1])[0] - case.targets[j]).numpy()
        best = cp.Problem(cp.Minimize(cp.sum_squares(gap + delta @ A) + lam * cp.norm1(delta))).solve()
        assert found.objective[i, j] == pytest.approx(best, abs=1e-6)
        assert objective(case, dense(case, found, i, j), lam, i, j) == pytest.approx(found.objective[i, j])
    assert found.converged


@pytest.mark.parametrize("kind", ENCODERS)
def test_every_pair_is_stationary(kind: str) -> None:
    """Optimality of an l1 penalty: |gradient| ≤ λ everywhere, = −λ·sign where a gene moves."""
    case, lam = random_case(5, kind=kind, l=5, d=40), 0.2
    found = lasso_pairs(case.problem, lam)
    for i, j in permutations(range(5), 2):
        delta = dense(case, found, i, j)
        slope = gradient(case, delta, i, j)
        assert float(slope.abs().max()) <= lam * (1 + 1e-4)
        moved = delta != 0
        torch.testing.assert_close(slope[moved], -lam * delta[moved].sign(), rtol=0, atol=2e-3 * lam)
        assert found.objective[i, j] <= objective(case, torch.zeros(40, dtype=torch.float64), lam, i, j)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_from_a_consistent_solution_no_pair_gets_worse_by_being_alone(kind: str) -> None:
    case, lam = random_case(2, kind=kind), 0.02
    (point,) = fit_path(case.problem, Pairwise.build(torch.ones(case.problem.n_genes).double(), 4), lams=[lam])
    together = point.translations
    consistent = pair_objectives(case.problem.take(together.genes), together.values, lam)
    alone = lasso_pairs(case.problem, lam, start=together).objective
    off = ~np.eye(4, dtype=bool)
    assert alone[off].sum() < consistent[off].sum()
    if kind == "linear":
        np.testing.assert_allclose(alone, lasso_pairs(case.problem, lam).objective, atol=1e-6)


def test_a_start_at_another_lambda_reaches_the_same_optimum() -> None:
    case = random_case(1, d=60)
    cold = lasso_pairs(case.problem, 0.05)
    for far in (0.5, 0.01):
        warm = lasso_pairs(case.problem, 0.05, start=lasso_pairs(case.problem, far).state)
        np.testing.assert_allclose(warm.objective, cold.objective, atol=1e-6)


def test_pairs_do_not_depend_on_each_other() -> None:
    case = random_case(2, kind="mlp")
    every = lasso_pairs(case.problem, 0.1)
    alone = lasso_pairs(case.problem, 0.1, [(2, 0), (1, 1)])
    assert alone.objective[2, 0] == pytest.approx(every.objective[2, 0], abs=1e-7)
    assert list(alone.deltas) == [(2, 0)]
    assert np.isnan(alone.objective).sum() == 15


@pytest.mark.parametrize("factor", [0.999, 1.001])
def test_nothing_moves_from_the_largest_lambda_on(factor: float) -> None:
    case = random_case(3, kind="mlp")
    largest = max(
        float(gradient(case, torch.zeros(9).double(), i, j).abs().max()) for i, j in permutations(range(4), 2)
    )
    moved = sum(delta.genes.numel() for delta in lasso_pairs(case.problem, factor * largest).deltas.values())
    assert (moved == 0) == (factor > 1)


def test_forbidden_genes_stay_and_free_genes_cost_nothing() -> None:
    case = random_case(4)
    costs = torch.ones(9)
    costs[[0, 3]] = torch.inf
    costs[1] = 0.0
    found = lasso_pairs(case.problem, 0.05, costs=costs)
    for i, j in permutations(range(4), 2):
        delta = dense(case, found, i, j)
        assert float(delta[[0, 3]].abs().max()) == 0.0
        assert abs(float(gradient(case, delta, i, j)[1])) < 1e-3
        assert np.isfinite(found.objective[i, j])


def test_unfinished_pairs_say_so() -> None:
    found = lasso_pairs(random_case(0, kind="mlp").problem, 1e-3, stopping=Stopping(1e-12, 2))
    assert not found.converged


@pytest.mark.parametrize("lam", [0.0, -1.0, float("inf"), float("nan")])
def test_lambda_must_be_positive(lam: float) -> None:
    with pytest.raises(ValueError, match="accepted: a finite number above 0"):
        lasso_pairs(random_case(0).problem, lam)


@pytest.mark.parametrize("kind", ENCODERS)
def test_from_lam_max_up_nothing_moves(kind: str) -> None:
    case = random_case(2, kind=kind)
    lam = lasso_lam_max(case.problem)
    steepest = max(
        gradient(case, torch.zeros(case.means.shape[1], dtype=torch.float64), i, j).abs().max()
        for i, j in permutations(range(4), 2)
    )
    assert lam == pytest.approx(float(steepest))
    assert all(len(genes) == 0 for genes, _ in lasso_pairs(case.problem, 1.001 * lam).deltas.values())
    assert any(len(genes) for genes, _ in lasso_pairs(case.problem, 0.95 * lam).deltas.values())
    costs = torch.ones(case.means.shape[1], dtype=torch.float64)
    costs[:] = 2.0
    assert lasso_lam_max(case.problem, costs=costs) == pytest.approx(lam / 2)
