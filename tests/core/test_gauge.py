"""Gauges of basis translations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scgce.core.gauge import gauge, weighted_median

tables = st.tuples(st.integers(1, 7), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        arrays(np.float64, shape, elements=st.integers(-20, 20).map(float)),
        arrays(np.int64, shape[0], elements=st.integers(1, 6)),
    )
)


@given(tables)
def test_weighted_median_is_the_lower_median_of_repeated_rows(drawn):
    table, sizes = drawn
    repeated = np.sort(np.repeat(table, sizes, axis=0), axis=0)
    expected = repeated[(len(repeated) - 1) // 2]
    np.testing.assert_array_equal(weighted_median(table, sizes), expected)


@given(tables)
def test_baseline_has_the_smallest_weighted_sum_of_absolute_values(drawn):
    table, sizes = drawn
    reached = (sizes[:, None] * np.abs(gauge(table, "baseline", sizes))).sum(axis=0)
    shifted = np.abs(table[:, None, :] - table[None, :, :])  # every shift that puts some group at 0
    best = (sizes[:, None, None] * shifted).sum(axis=0).min(axis=0)
    np.testing.assert_array_equal(reached, best)


@given(tables, st.data())
def test_differences_between_groups_do_not_depend_on_the_gauge(drawn, data):
    table, sizes = drawn
    row = data.draw(st.integers(0, len(table) - 1))
    by_row, by_median = gauge(table, row), gauge(table, "baseline", sizes)
    assert not by_row[row].any()
    np.testing.assert_array_equal(by_row[:, None] - by_row, table[:, None] - table)
    np.testing.assert_array_equal(by_median[:, None] - by_median, table[:, None] - table)


@given(tables, st.integers(-9, 9))
def test_a_common_vector_changes_nothing(drawn, shift):
    table, sizes = drawn
    np.testing.assert_array_equal(gauge(table + shift, "baseline", sizes), gauge(table, "baseline", sizes))


def test_equal_weights_unless_sizes_are_given():
    table = np.array([[0.0], [1.0], [5.0]])
    assert gauge(table).ravel().tolist() == [-1.0, 0.0, 4.0]
    assert gauge(table, sizes=[1, 1, 9]).ravel().tolist() == [-5.0, -4.0, 0.0]


def test_single_precision_leaves_exact_zeros():
    table = np.array([[0.1, 0.3], [0.1, 0.2], [0.7, 0.2]], dtype=np.float32)
    result = gauge(table)
    assert (result == 0).sum() == 4
    assert result.dtype == np.float64


@pytest.mark.parametrize("reference", [-1, 2, "median"])
def test_unknown_reference(reference):
    with pytest.raises(ValueError, match="baseline"):
        gauge(np.zeros((2, 3)), reference)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, np.nan]])
def test_bad_weights(weights):
    with pytest.raises(ValueError, match="weight"):
        weighted_median(np.zeros((2, 3)), weights)
