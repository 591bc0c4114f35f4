"""The choice of a panel: against brute force, and what it promises of order, prices and copies."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from scgce.core.choose.panel import LEAST_EXCHANGE, Panel, Wish, choose_panel
from scgce.core.choose.separation import RIDGE, SHRINKAGE, Covariance, Pairs, bounds_after, error_bound
from scgce.core.score.panel import score_panel


def cells(seed: int, n_groups: int = 4, n_genes: int = 9, each: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_groups), each)
    centres = 2.0 * (rng.random((n_groups, n_genes)) < 0.3)
    mixing = np.eye(n_genes) + 0.4 * rng.standard_normal((n_genes, n_genes))
    return (centres[codes] + rng.standard_normal((len(codes), n_genes)) @ mixing).astype(np.float32), codes


def problem(values: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, Covariance, Pairs]:
    means = np.stack([values[codes == g].mean(axis=0, dtype=np.float64) for g in np.unique(codes)])
    return means, Covariance(sparse.csr_array(values), codes), Pairs.of(np.ones((len(means),) * 2))


def dense_covariance(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean of the groups' covariances (groups of equal size), correlations shrunk, ridge on the diagonal."""
    whole = np.mean([np.cov(values[codes == g].T.astype(float), bias=True) for g in np.unique(codes)], axis=0)
    variances = np.diag(whole).copy()
    shrunk = (1 - SHRINKAGE) * whole
    np.fill_diagonal(shrunk, variances + RIDGE * np.median(variances))
    return shrunk


def bound_of(genes: list[int], means: np.ndarray, covariance: np.ndarray, pairs: Pairs) -> float:
    gaps = means[pairs.first][:, genes] - means[pairs.second][:, genes]
    squared = np.einsum("pk,pk->p", gaps @ np.linalg.inv(covariance[np.ix_(genes, genes)]), gaps)
    return float(pairs.weights @ error_bound(squared))


def wish(n_genes: int, c: int, **options: object) -> Wish:
    given = {"costs": np.ones(c), "allowed": np.ones(c, dtype=bool)} | options
    return Wish(n_genes=n_genes, **given)  # type: ignore[arg-type]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_bounds_are_those_of_the_whole_covariance(seed: int) -> None:
    values, codes = cells(seed)
    means, covariance, pairs = problem(values, codes)
    whole = dense_covariance(values, codes)
    np.testing.assert_allclose(np.stack([covariance.column(g) for g in range(9)]), whole, rtol=1e-4, atol=1e-5)
    panel = choose_panel(means, covariance, pairs, wish(5, 9))
    for k in range(1, 6):
        assert panel.bounds[k - 1] == pytest.approx(bound_of(panel.genes[:k], means, whole, pairs), rel=1e-3)
    np.testing.assert_allclose(
        panel.factor @ panel.factor.T, whole[np.ix_(panel.genes, panel.genes)], rtol=1e-3, atol=1e-4
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_no_single_exchange_lowers_the_bound(seed: int) -> None:
    values, codes = cells(seed)
    means, covariance, pairs = problem(values, codes)
    whole, chosen = dense_covariance(values, codes), choose_panel(means, covariance, pairs, wish(3, 9)).genes
    found = bound_of(chosen, means, whole, pairs)
    swaps = [[other if g == gene else g for g in chosen] for gene in chosen for other in set(range(9)) - set(chosen)]
    assert found <= min(bound_of(swap, means, whole, pairs) for swap in swaps) * (1 + 2 * LEAST_EXCHANGE)
    best = min(bound_of(list(genes), means, whole, pairs) for genes in combinations(range(9), 3))
    assert found <= best * 1.2


def test_one_gene_is_the_best_one() -> None:
    values, codes = cells(1)
    means, covariance, pairs = problem(values, codes)
    whole = dense_covariance(values, codes)
    after = bounds_after(means, covariance.diagonal, pairs, np.zeros(len(pairs.first)))
    np.testing.assert_allclose(after, [bound_of([g], means, whole, pairs) for g in range(9)], rtol=1e-4)
    assert choose_panel(means, covariance, pairs, wish(1, 9)).genes == [int(np.argmin(after))]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 6.0))
def test_prices_stay_within_the_budget_and_wishes_hold(seed: int, budget: float) -> None:
    values, codes = cells(seed)
    means, covariance, pairs = problem(values, codes)
    rng = np.random.default_rng(seed)
    costs = rng.choice([0.0, 0.3, 1.0, 2.5, np.inf], 9)
    costs[4] = 0.5
    allowed = np.isfinite(costs) & (np.arange(9) != 2)
    panel = choose_panel(means, covariance, pairs, wish(6, 9, costs=costs, allowed=allowed, fixed=(4,), budget=budget))
    assert panel.genes[0] == 4 and 2 not in panel.genes and len(set(panel.genes)) == len(panel.genes)
    assert costs[panel.genes].sum() <= budget + 1e-9
    assert allowed[panel.genes[1:]].all()


def test_every_set_is_read_and_a_start_is_improved() -> None:
    values, codes = cells(3)
    means, covariance, pairs = problem(values, codes)
    sets = (np.array([7, 8]), np.array([0]))
    genes = choose_panel(means, covariance, pairs, wish(3, 9, sets=sets)).genes
    assert {7, 8} & set(genes) and 0 in genes
    whole = dense_covariance(values, codes)
    started = choose_panel(means, covariance, pairs, wish(3, 9, start=(6, 7, 8))).genes
    assert bound_of(started, means, whole, pairs) <= bound_of([6, 7, 8], means, whole, pairs)


def test_copies_are_passed_over_and_named_also_in_other_units() -> None:
    values, codes = cells(5)
    values = np.column_stack([values, values[:, :9] * 3.0])
    means, covariance, pairs = problem(values, codes)
    panel = choose_panel(means, covariance, pairs, wish(18, 18))
    assert {gene % 9 for gene in panel.genes} == set(range(9)) and len(panel.genes) == 9
    assert sorted(twin % 9 for twin, _ in panel.twins) == list(range(9))


def test_genes_that_say_nothing_end_the_panel() -> None:
    values, codes = cells(2)
    values[:, 3:] = 1.0
    means, covariance, pairs = problem(values, codes)
    assert len(choose_panel(means, covariance, pairs, wish(6, 9)).genes) == 3
    with pytest.raises(ValueError, match="no pair of groups"):
        Pairs.of(np.zeros((3, 3)))


def test_a_pair_of_weight_nought_counts_nothing() -> None:
    values, codes = cells(8)
    means, covariance, _ = problem(values, codes)
    weights = np.zeros((4, 4))
    weights[0, 1] = weights[1, 0] = 2.0
    pairs = Pairs.of(weights)
    assert len(pairs.first) == 1
    gap = (means[0] - means[1]) ** 2 / covariance.diagonal
    assert choose_panel(means, covariance, pairs, wish(1, 9)).genes == [int(np.argmax(gap))]


def test_scores_are_those_of_a_discriminant_on_every_beginning() -> None:
    values, codes = cells(4)
    means, covariance, pairs = problem(values, codes)
    panel: Panel = choose_panel(means, covariance, pairs, wish(4, 9))
    fresh, truth = cells(4, each=50)
    scores = score_panel(fresh[:, panel.genes].astype(float), truth, means[:, panel.genes], panel.factor)
    whole = dense_covariance(values, codes)
    for k in range(1, 5):
        genes = panel.genes[:k]
        precision = np.linalg.inv(whole[np.ix_(genes, genes)])
        gaps = fresh[:, None, genes] - means[None][:, :, genes]
        distances = np.einsum("ngk,km,ngm->ng", gaps, precision, gaps)
        called = distances.argmin(axis=1)
        np.testing.assert_allclose(
            scores.recalls[:, k - 1], [np.mean(called[truth == g] == g) for g in range(4)], atol=0.03
        )
    nearer = np.mean(distances[truth == 0, 0] < distances[truth == 0, 1])
    other = np.mean(distances[truth == 1, 1] < distances[truth == 1, 0])
    assert scores.pairs[0, 1] == pytest.approx((nearer + other) / 2, abs=0.03)
    assert np.isnan(np.diag(scores.pairs)).all()
