"""The causal example: distribution, truth, reproducibility."""

from __future__ import annotations

import numpy as np
import pytest

from scgce.datasets import synthetic


def test_shape_names_and_truth() -> None:
    adata = synthetic()
    assert adata.shape == (400, 4)
    assert list(adata.var_names) == ["x1", "x2", "x3", "x4"]
    assert list(adata.var["role"]) == ["cause", "cause", "noise", "effect"]
    assert set(adata.obs["group"]) == {"0", "1", "2", "3"}
    truth = adata.uns["truth"]["deltas"]
    # Signs of the paper's Table 1: 0 -> 1 lowers x1, 0 -> 2 raises x2, 0 -> 3 does both.
    np.testing.assert_array_equal(truth, [[0, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [-1, 1, 0, 0]])


def test_distribution_is_the_papers() -> None:
    adata = synthetic(40_000, rng=1)
    x = adata.X.astype(float)
    codes = adata.obs["group"].cat.codes.to_numpy()
    np.testing.assert_allclose(np.bincount(codes) / len(codes), 0.25, atol=0.02)
    np.testing.assert_allclose(x[:, :2].mean(axis=0), 0.5, atol=0.02)
    for code in range(4):
        np.testing.assert_allclose(x[codes == code, :2].std(axis=0), 0.2, atol=0.01)
    assert x[:, 2].std() == pytest.approx(0.5, abs=0.01)
    assert abs(x[:, 2].mean()) < 0.02
    assert (x[:, 3] - x[:, 0]).std() == pytest.approx(0.05, abs=0.002)


def test_truth_is_the_difference_of_means_of_the_causes() -> None:
    adata = synthetic(40_000, rng=2)
    means = np.array([adata.X[(adata.obs["group"] == g).to_numpy()].mean(axis=0) for g in "0123"])
    truth = adata.uns["truth"]["deltas"]
    np.testing.assert_allclose((means - means[0])[:, :2], truth[:, :2], atol=0.02)
    # x4 differs just as much as x1 and yet is no cause.
    assert means[0, 3] - means[1, 3] == pytest.approx(1.0, abs=0.02)
    assert (truth[:, 2:] == 0).all()


def test_seeds() -> None:
    np.testing.assert_array_equal(synthetic(50, 3).X, synthetic(50, np.random.default_rng(3)).X)
    assert (synthetic(50, 3).X != synthetic(50, 4).X).any()


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (-4, ValueError), (1.5, TypeError), ("ten", TypeError)])
def test_bad_n_is_named(n: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="n="):
        synthetic(n)  # type: ignore[arg-type]
