"""Where only some pairs count: prices, the solver's certificate, the choice and the codebook against brute force."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core._cells import make_world
from tests.core._problems import random_case

from scgce.core.choose.codebook import averaging, pairwise
from scgce.core.choose.codebook_loss import Residual
from scgce.core.choose.refine import RefineOptions
from scgce.core.choose.select import Material, choose
from scgce.core.choose.support import close_least_steps
from scgce.core.linked import as_tensor, centred, linked
from scgce.core.pairs import listed, some
from scgce.core.solve.certificate import duality_gap
from scgce.core.solve.path import fit_path
from scgce.core.solve.penalties import Gap, Separate, split_prices
from scgce.core.solve.penalties.families import asked_prices
from scgce.core.solve.solver import Stopping, minimise
from scgce.core.translations import Translations


def mask(n: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    found = np.zeros((n, n), dtype=bool)
    for i, j in pairs:
        found[i, j] = found[j, i] = True
    return found


TWO_SETS = mask(5, [(0, 2), (1, 3), (3, 4)])


def test_pairs_are_listed_linked_and_drawn() -> None:
    assert listed(5, TWO_SETS) == [(0, 2), (1, 3), (2, 0), (3, 1), (3, 4), (4, 3)]
    sets = linked(TWO_SETS)
    assert sets[0] == sets[2] != sets[1] == sets[3] == sets[4]
    assert some(5, None, 20, 0) is None
    assert some(5, TWO_SETS, 20, 0) == listed(5, TWO_SETS)
    drawn = some(5, TWO_SETS, 4, 0)
    assert drawn is not None and len(set(drawn)) == 4 and set(drawn) < set(listed(5, TWO_SETS))
    means = np.arange(10.0).reshape(5, 2)
    np.testing.assert_allclose(centred(means, TWO_SETS)[[0, 2]], [[-2, -2], [2, 2]])
    np.testing.assert_allclose(centred(means, TWO_SETS)[[1, 3, 4]].sum(0), 0, atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(3, 6))
def test_the_penalty_is_the_mean_over_the_pairs(seed: int, l: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    means = torch.rand(l, 7, generator=generator, dtype=torch.float64)
    pairs = as_tensor(listed(l, None))
    chosen = pairs[torch.randperm(len(pairs), generator=generator)[: max(1, len(pairs) // 2)]]
    gap = Gap.build(means, 2.0, torch.ones(7, dtype=torch.float64), pairs=chosen)
    v = torch.rand(l - 1, 7, generator=generator, dtype=torch.float64) * gap.upper
    delta = gap.translations(v)
    wanted = np.mean([float((delta[j] - delta[i]).abs().sum()) for i, j in chosen.tolist()])
    assert gap.value(v) == pytest.approx(wanted, rel=1e-12)
    order = means.argsort(dim=0)
    every = split_prices(l)[:, None].expand(-1, 7)
    for exponent in (1.0, 0.5):
        found = asked_prices(order, pairs, exponent)
        scaled = split_prices(l, exponent)[:, None].expand(-1, 7)
        torch.testing.assert_close(found, scaled if exponent != 1 else every)


def optimum(case: object, lam: float, amplitude: float, pairs: list[tuple[int, int]]) -> float:
    """Of the objective over some pairs, in the translations themselves; their amounts alone are bounded."""
    means, targets = case.means.numpy(), case.targets.numpy()  # type: ignore[attr-defined]
    W = case.problem.weights.numpy()  # type: ignore[attr-defined]
    start = case.problem.start.numpy()  # type: ignore[attr-defined]
    delta = cp.Variable(means.shape)
    terms = []
    for i, j in pairs:
        step = delta[j] - delta[i]
        terms += [cp.sum_squares(start[i] + step @ W - targets[j]), lam * cp.sum(cp.abs(step))]
    bounds = [delta[0] == 0]
    for i, j in pairs:
        real = means[j] - means[i]
        bounds += [delta[j] - delta[i] <= amplitude * np.maximum(real, 0)]
        bounds += [delta[j] - delta[i] >= amplitude * np.minimum(real, 0)]
    problem = cp.Problem(cp.Minimize(sum(terms) / len(pairs)), bounds)
    return float(problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11))


@pytest.mark.parametrize("lam", [0.01, 0.2])
def test_the_solver_reaches_the_optimum_over_the_pairs_and_knows_it(lam: float) -> None:
    case, pairs = random_case(3), [(0, 2), (2, 0), (1, 3), (3, 1)]
    problem = replace(case.problem, pairs=as_tensor(pairs))
    gap = Gap.build(case.means, 2.0, torch.ones(9, dtype=torch.float64), pairs=as_tensor(pairs))
    start = torch.zeros(gap.n_rows, 9, dtype=torch.float64)
    found = minimise(problem, gap, lam, start, stopping=Stopping(1e-12, 5000))
    best = optimum(case, lam, 2.0, pairs)
    assert found.objective == pytest.approx(best, abs=1e-5)
    assert -1e-12 <= duality_gap(problem, gap, lam, found.v) <= 1e-3 * max(best, 0.1)


@pytest.mark.parametrize("far", [0.0, 5.0])
def test_sets_that_no_pair_links_share_no_step(far: float) -> None:
    case, pairs = random_case(3), [(0, 2), (2, 0), (1, 3), (3, 1)]
    offset = far * torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)[:, None]
    near, apart = (Gap.build(m, 2.0, torch.ones(9), pairs=as_tensor(pairs)) for m in (case.means, case.means + offset))
    torch.testing.assert_close(near.upper.sum(0), apart.upper.sum(0))
    full = near.translations(near.upper)
    torch.testing.assert_close((full[2] - full[0]).abs(), 2 * (case.means[2] - case.means[0]).abs())
    low = Gap.build(case.means.abs(), 3.0, torch.ones(9), pairs=as_tensor(pairs), nonnegative=True)
    most = low.translations(low.upper)
    for i, j in pairs:
        assert (case.means.abs()[i] + most[j] - most[i] >= -1e-9).all()


def random_v(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_unbounded_amounts_of_some_pairs_are_those_of_every_set_by_itself(exponent: float) -> None:
    sets = [[0, 3, 4], [1, 5]]  # group 2 is in no pair
    pairs = as_tensor([(i, j) for own in sets for i in own for j in own if i != j])
    costs = torch.tensor([1.0, 0.0, torch.inf, 0.5], dtype=torch.float64)
    penalty = Separate.build(costs, 6, pairs, exponent)
    v, step = penalty.variable(random_v(0, 6, 4)), torch.full((4,), 0.7, dtype=torch.float64)
    if exponent == 1.0:
        finite = torch.where(costs.isinf(), 0.0, costs)
        wanted = np.mean([float(((v[j] - v[i]).abs() * finite).sum()) for i, j in pairs.tolist()])
        assert penalty.value(v) == pytest.approx(wanted, rel=1e-12)
    delta, found = cp.Variable((6, 4)), penalty.prox(v, step, 0.9)
    terms = [cp.sum_squares(delta - v.numpy()) / 1.4]
    for own in sets:
        share = len(own) * (len(own) - 1) / len(pairs)
        prices = split_prices(len(own), exponent).numpy()
        for gene in (0, 3):  # sum_k F(k) (u_(k) - u_(k+1)), by sums of largest
            values = delta[own, gene]
            weights = np.diff(np.r_[0.0, prices, 0.0])
            largest = [*(cp.sum_largest(values, k) for k in range(1, len(own))), cp.sum(values)]
            steps = [weights[k] - weights[k + 1] for k in range(len(own) - 1)] + [weights[-1]]
            terms.append(0.9 * share * float(costs[gene]) * sum(s * one for s, one in zip(steps, largest, strict=True)))
    rule = [delta[own[0], 2] == delta[i, 2] for own in sets for i in own]
    cp.Problem(cp.Minimize(sum(terms)), rule).solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12)
    inside = [i for own in sets for i in own]
    np.testing.assert_allclose(found[inside], delta.value[inside], atol=1e-5)
    assert (found[2] == 0).all()


def test_a_step_that_tells_no_such_pair_apart_stays_closed() -> None:
    means = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    gap = Gap.build(means, 3.0, torch.ones(1, dtype=torch.float64), pairs=as_tensor([(0, 1), (1, 0), (2, 3), (3, 2)]))
    np.testing.assert_allclose(gap.upper.ravel(), [3, 0, 3])
    np.testing.assert_allclose(gap.variable(3 * means).ravel(), [3, 0, 3])
    assert torch.isfinite(gap.dual_norm(torch.ones(4, 1, dtype=torch.float64))).all()


def test_steps_are_closed_for_these_pairs_only() -> None:
    delta = torch.cumsum(torch.ones(4, 6, dtype=torch.float64), dim=0)
    asked = mask(4, [(0, 1), (2, 3)])
    found = close_least_steps(Translations.of_dense(delta), torch.arange(1.0, 7.0), 2, asked)
    counts = found.counts()
    assert int(counts[0, 1]) == int(counts[2, 3]) == 2
    assert set(found.genes.tolist()) >= {4, 5}
    everywhere = close_least_steps(Translations.of_dense(delta), torch.arange(1.0, 7.0), 2)
    assert int(everywhere.counts().max()) == 2


@pytest.fixture(scope="module")
def material() -> Material:
    """Two pairs of four groups."""
    world, asked = make_world(), mask(4, [(0, 1), (2, 3)])
    pairs = as_tensor(listed(4, asked))
    gap = Gap.build(world.means, 3.0, torch.ones(24, dtype=torch.float64), pairs=pairs)
    problem = replace(world.problem, pairs=pairs)
    points = fit_path(problem, gap, means=world.means, enough_genes=7, stopping=Stopping(1e-4, 500), asked=asked)
    how = {"epsilon": 1.0, "seed": 0, "options": RefineOptions(steps=5), "means": world.means, "asked": asked}
    return Material(problem, gap, 3.0, points, world.fit, world.validate, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["refine", "path", "truncate"])
def test_the_choice_looks_at_these_pairs_only(material: Material, method: str) -> None:
    asked = material.asked
    assert len(material.points[-1].counts) == 4
    for found in choose(material, (2, 5), method):
        np.testing.assert_array_equal(~np.isnan(found.validation.correctness), asked)
        cuts = found.cuts()
        assert max(len(cuts(i, j).genes) for i, j in listed(4, asked)) <= found.sparsity
        assert found.quality > 0


def test_what_programmes_leave_undone_counts_these_pairs() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(5, 8))
    apart = means - means.mean(0)
    products = np.stack([apart[:, part] @ apart[:, part].T for part in (slice(4), slice(4, 8))])
    levels = np.array([[0, 1, 0, 1, 1], [0, 0, 1, 2, 0]])
    counts = pairwise(levels, TWO_SETS)
    np.testing.assert_array_equal(counts, [(levels[:, i] != levels[:, j]).sum() for i, j in listed(5, TWO_SETS)])
    weights = np.ones(5)
    undone = Residual(products, TWO_SETS)
    found = sum(undone.of(m, averaging(levels[m][None], weights))[0] for m in range(2))
    left = np.concatenate(
        [
            averaging(levels[m], weights) @ means[:, part] - means[:, part]
            for m, part in ((0, slice(4)), (1, slice(4, 8)))
        ],
        axis=1,
    )
    shares = [((left[j] - left[i]) ** 2).sum() / ((means[j] - means[i]) ** 2).sum() for i, j in listed(5, TWO_SETS)]
    assert found == pytest.approx(np.mean(shares), rel=1e-9)
