from __future__ import annotations

import numpy as np
import pytest
import torch

from scgce.core.score.metrics import score_pairs
from scgce.core.score.permutation import LabelNull, permuted_labels


def normal(n: int, seed: int, mean: float = 0.0) -> torch.Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed)) + mean


def null(source, target, step: float, epsilon: float = 0.7, **options) -> LabelNull:
    return permuted_labels(source, target, source + step, target + step, epsilon, **options)


def test_a_real_shift_is_far_from_its_null() -> None:
    source, target = normal(60, 0), normal(50, 1, mean=6.0)
    found = null(source, target, 6.0)
    assert found.correctness > 0.8
    assert found.null_correctness.max() < 0.7
    assert found.p_correctness == found.p_coverage == pytest.approx(1 / 201)


def test_observed_values_are_those_of_score_pairs() -> None:
    source, target = normal(40, 2), normal(30, 3, mean=2.0)
    found = null(source, target, 1.5)
    scores = score_pairs(lambda i, j: source + 1.5, [source, target], 0.7, [(0, 1)])
    assert found.correctness == pytest.approx(scores.correctness[0, 1])
    assert found.coverage == pytest.approx(scores.coverage[0, 1])


def test_every_permutation_equals_scoring_its_groups() -> None:
    source, target = normal(8, 4), normal(5, 5, mean=1.0)
    found = null(source, target, 1.0, n_permutations=20, rng=9)
    rng = np.random.default_rng(9)
    first, second = rng.choice(8, 8, replace=False), rng.choice(5, 5, replace=False)
    pool = torch.cat([source[first], target[second]])
    for b in range(20):
        chosen = rng.permutation(13)[:8]
        a, c = pool[chosen], pool[np.setdiff1d(np.arange(13), chosen)]
        scores = score_pairs(lambda i, j, a=a: a + 1.0, [a, c], 0.7, [(0, 1)])
        assert found.null_correctness[b] == pytest.approx(scores.correctness[0, 1])
        assert found.null_coverage[b] == pytest.approx(scores.coverage[0, 1])


def test_p_values_are_uniform_when_labels_mean_nothing() -> None:
    values = []
    for seed in range(60):
        pool = normal(60, 100 + seed)
        values.append(null(pool[:30], pool[30:], 0.5, epsilon=0.2, n_permutations=99, rng=seed).p_correctness)
    assert 0.3 < np.mean(values) < 0.75
    assert np.mean(np.array(values) <= 0.1) < 0.25


def test_large_groups_are_sub_sampled_by_rng() -> None:
    source, target = normal(90, 6), normal(80, 7, mean=2.0)
    options = {"max_cells": 20, "n_permutations": 10}
    first, again, other = (null(source, target, 2.0, rng=seed, **options) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.null_coverage, again.null_coverage)
    assert not np.array_equal(first.null_coverage, other.null_coverage)
    assert (first.correctness * 20) % 1 == pytest.approx(0, abs=1e-9)


def test_shapes_must_agree() -> None:
    cloud = torch.zeros(3, 2)
    with pytest.raises(ValueError, match=r"moved_source \(2, 2\)"):
        permuted_labels(cloud, cloud, cloud[:2], cloud, 1.0)
    with pytest.raises(ValueError, match="at least one a group"):
        permuted_labels(cloud[:0], cloud, cloud[:0], cloud, 1.0)
