"""The molecule-by-molecule sampler against scipy's negative binomial, and its blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from scgce.datasets._counts import blocks, draw_block
from scgce.datasets._plan import COPY_SHARE, Plan


def flat_plan(means: list[float], copy_of: list[int] | None = None) -> Plan:
    profile = np.array([means])
    return Plan(profile, np.zeros_like(profile), np.array(copy_of or [-1] * len(means)))


def draw(means: list[float], n: int = 40_000, copy_of: list[int] | None = None, **kwargs: float) -> np.ndarray:
    options = {"dispersion": 0.0, "dropout": 0.0} | kwargs
    rng = np.random.default_rng(0)
    block = draw_block(flat_plan(means, copy_of), np.zeros(n, dtype=int), np.ones(n), rng=rng, **options)
    return block.toarray()


def goodness_of_fit(counts: np.ndarray, distribution: stats.rv_discrete) -> float:
    """p-value of a chi-square test with the tail pooled."""
    top = int(distribution.ppf(0.999))
    observed = np.bincount(np.minimum(counts.astype(int), top), minlength=top + 1)
    expected = np.append(distribution.pmf(np.arange(top)), distribution.sf(top - 1)) * len(counts)
    keep = expected > 5
    observed = np.append(observed[keep], observed[~keep].sum())
    expected = np.append(expected[keep], expected[~keep].sum())
    return float(stats.chisquare(observed[expected > 0], expected[expected > 0]).pvalue)


@pytest.mark.parametrize(("mean", "dispersion"), [(0.3, 0.5), (2.0, 0.2), (5.0, 1.0)])
def test_counts_are_negative_binomial(mean: float, dispersion: float) -> None:
    counts = draw([mean, 1.0], dispersion=dispersion)[:, 0]
    size = 1 / dispersion
    assert goodness_of_fit(counts, stats.nbinom(size, size / (size + mean))) > 1e-3


def test_no_dispersion_is_poisson() -> None:
    assert goodness_of_fit(draw([1.5, 0.2])[:, 0], stats.poisson(1.5)) > 1e-3


def test_genes_are_independent_without_copies() -> None:
    counts = draw([1.0, 2.0], dispersion=0.3)
    assert abs(np.corrcoef(counts.T)[0, 1]) < 0.02


def test_a_copy_has_background_plus_its_share_of_the_source() -> None:
    counts = draw([0.5, 2.0], copy_of=[1, -1])
    assert counts[:, 0].mean() == pytest.approx(0.5 + COPY_SHARE * 2.0, rel=0.02)
    # Given the source's molecules, the copy grows by COPY_SHARE for each.
    assert np.polyfit(counts[:, 1], counts[:, 0], 1)[0] == pytest.approx(COPY_SHARE, rel=0.03)


def test_dropout_hits_weak_entries() -> None:
    complete, lossy = draw([0.1, 4.0]), draw([0.1, 4.0], dropout=0.8)
    lost = 1 - (lossy > 0).mean(axis=0) / (complete > 0).mean(axis=0)
    np.testing.assert_allclose(lost, 0.8 * np.exp([-0.1, -4.0]), atol=0.03)


def test_an_empty_cell_is_an_empty_row() -> None:
    block = draw_block(flat_plan([1.0, 1.0]), np.zeros(3, int), np.zeros(3), 0.1, 0.1, np.random.default_rng(0))
    assert block.nnz == 0 and block.shape == (3, 2)


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=40), st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_blocks_cover_every_cell_once(library: list[float], molecules: int) -> None:
    sizes = np.array(library)
    parts = list(blocks(sizes, molecules))
    covered = np.concatenate([np.arange(len(sizes))[p] for p in parts])
    np.testing.assert_array_equal(covered, np.arange(len(sizes)))
    assert all(sizes[p].sum() <= molecules * (1 + 1e-9) + 1e-6 or len(sizes[p]) == 1 for p in parts)
