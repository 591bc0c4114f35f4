from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from scgce.matrix import arrays, holders
from scgce.matrix.device_read import project_and_sum_on
from scgce.matrix.extremes import Extremes


def by_hand(column: np.ndarray) -> tuple[float, float]:
    """The documented rule, from the sorted values of one gene."""
    values = np.sort(column)
    rank = min(max(math.ceil(np.count_nonzero(column) / 10), 1), 3, len(values))
    lower, upper = values[rank - 1], values[-rank]
    width = (upper - lower) * (1 + 1e-5)  # what is at the limit to rounding is no outlier
    return values[values >= lower - width].min(), values[values <= upper + width].max()


def found(X: object, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    extremes = Extremes(X.shape[1])  # type: ignore[attr-defined]
    arrays.group_sums(X, codes, int(codes.max()) + 1, extremes=extremes, block_bytes=400)
    return extremes.range()


def skewed(seed: int = 0, n: int = 90, d: int = 7) -> np.ndarray:
    """Genes seen in none to all of the cells, two of them with an outlier, one negative."""
    rng = np.random.default_rng(seed)
    X = rng.gamma(2.0, 1.0, (n, d)) * (rng.random((n, d)) < np.array([0.0, 0.03, 0.1, 0.3, 0.6, 1.0, 1.0])[:d])
    X[:, 5] -= 3.0
    X[4, 4], X[5, 5], X[6, 6] = 500.0, -70.0, 80.0
    return X.astype(np.float32)


KINDS = (np.asarray, sparse.csr_array, sparse.csc_matrix)


@pytest.mark.parametrize("kind", KINDS)
def test_the_range_is_that_of_the_sorted_values_of_the_cells_in_groups(kind) -> None:
    X = skewed()
    codes = np.where(np.arange(90) % 4 == 3, -1, np.arange(90) % 2)
    low, high = found(kind(X), codes)
    expected = np.array([by_hand(column) for column in X[codes >= 0].T])
    np.testing.assert_array_equal(low, expected[:, 0])
    np.testing.assert_array_equal(high, expected[:, 1])
    assert high[4] < 20 and low[5] > -10 and high[6] < 20, "an outlier is no part of the range"
    assert (low[:5] == 0).all() and low[5] < 0, "0 for a gene that somewhere is 0, its own for one with negative values"


@given(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 40), st.integers(1, 3)), elements=st.sampled_from([0, 0, 1, 2, 9, -4])
    ),
    st.floats(0.5, 4),
    st.integers(-3, 3),
)
def test_the_rule_holds_for_any_values_and_follows_their_scale(X: np.ndarray, scale: float, shift: int) -> None:
    codes = np.zeros(len(X), dtype=np.int64)
    low, high = found(X, codes)
    expected = np.array([by_hand(column) for column in X.T])
    np.testing.assert_array_equal(np.stack([low, high], axis=1), expected)
    assert (low <= high).all() and all(low[g] in X[:, g] and high[g] in X[:, g] for g in range(X.shape[1]))
    np.testing.assert_allclose(
        found(X * np.float32(scale), codes), np.float32(scale) * np.stack([low, high]), rtol=1e-6
    )


def test_what_three_cells_show_is_no_outlier() -> None:
    """The marker of a rare group, seen a little in many other cells."""
    X = np.zeros((200, 1), np.float32)
    X[:60], X[60:63] = 0.5, 6.0
    assert found(X, np.zeros(200, np.int64))[1] == 6.0
    X[61:63] = 0.5
    assert found(X, np.zeros(200, np.int64))[1] == 0.5


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_the_same_where_a_device_reads(kind) -> None:
    X = kind(skewed())
    codes = np.where(np.arange(90) % 4 == 3, -1, np.arange(90) % 2)
    extremes = Extremes(7)
    spans, load = (lambda size: holders.row_spans(X, size)), (lambda rows: holders.load_there(X, rows))
    project_and_sum_on(
        torch.device("cpu"), load, spans, X.shape, None, np.zeros(0, np.float32), codes, 2, 400, extremes
    )
    np.testing.assert_array_equal(extremes.range(), found(X, codes))


def test_dask_chunks_give_the_same() -> None:
    da = pytest.importorskip("dask.array")
    X, codes = skewed(), np.arange(90) % 3
    chunked = da.from_array(X, chunks=(13, 7)).map_blocks(sparse.csr_array)
    np.testing.assert_array_equal(found(chunked, codes), found(X, codes))


def test_no_cells_no_bounds() -> None:
    low, high = found(skewed(), np.full(90, -1))
    assert (low == -np.inf).all() and (high == np.inf).all()
