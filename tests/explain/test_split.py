from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgce.explain.split import FIT, REPORT, VALIDATE, split_cells


def _codes(sizes: list[int], seed: int = 0) -> np.ndarray:
    codes = np.repeat(np.arange(-1, len(sizes) - 1), sizes)
    return np.random.default_rng(seed).permutation(codes)


@given(
    st.lists(st.integers(3, 60), min_size=1, max_size=6),
    st.integers(0, 10),
    st.floats(0.01, 0.49),
    st.integers(0, 2**32),
)
def test_parts_are_stratified(sizes: list[int], without: int, fraction: float, seed: int) -> None:
    codes = _codes([without, *sizes])
    parts = split_cells(codes, len(sizes), fraction, seed)
    assert parts.dtype == np.int8
    np.testing.assert_array_equal(parts == -1, codes == -1)
    for group, size in enumerate(sizes):
        counts = np.bincount(parts[codes == group], minlength=3)
        assert counts.sum() == size
        assert counts.min() >= 1
        assert counts[VALIDATE] == counts[REPORT]
        assert abs(counts[REPORT] - fraction * size) <= 1


def test_shares_of_a_large_group() -> None:
    parts = split_cells(np.zeros(1000, dtype=int), 1, 0.25, 0)
    assert np.bincount(parts).tolist() == [500, 250, 250]


def test_no_split() -> None:
    assert split_cells(np.array([0, -1, 1, 1]), 2, 0, 0).tolist() == [FIT, -1, FIT, FIT]


def test_same_seed_same_split() -> None:
    codes = _codes([5, 40, 40])
    first = split_cells(codes, 2, 0.25, 7)
    np.testing.assert_array_equal(split_cells(codes, 2, 0.25, 7), first)
    np.testing.assert_array_equal(split_cells(codes, 2, 0.25, np.random.default_rng(7)), first)
    assert (split_cells(codes, 2, 0.25, 8) != first).any()


def test_a_generator_advances() -> None:
    codes, rng = _codes([0, 40, 40]), np.random.default_rng(7)
    assert (split_cells(codes, 2, 0.25, rng) != split_cells(codes, 2, 0.25, rng)).any()


def test_names_and_order_of_groups_do_not_matter() -> None:
    codes = _codes([5, 40, 30, 20])
    renamed = np.array([2, 0, 1, -1])[codes]
    np.testing.assert_array_equal(split_cells(codes, 3, 0.25, 0), split_cells(renamed, 3, 0.25, 0))


def test_the_order_of_cells_carries_no_information() -> None:
    parts = split_cells(np.zeros(3000, dtype=int), 1, 0.25, 0)
    for third in np.split(parts, 3):
        assert abs((third == REPORT).mean() - 0.25) < 0.05


@pytest.mark.parametrize("fraction", [-0.1, 0.5, 1, np.nan])
def test_fraction_out_of_range(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"validation_fraction=.*expected a number in \[0, 0.5\)"):
        split_cells(np.zeros(10, dtype=int), 1, fraction, 0)


def test_too_few_cells() -> None:
    with pytest.raises(ValueError, match="at least 3 cells in every group; the smallest has 2"):
        split_cells(np.array([0, 0, 0, 1, 1]), 2, 0.25, 0)
    with pytest.raises(ValueError, match=r"the smallest has 2 \(NK\)"):
        split_cells(np.array([0, 0, 0, 1, 1]), 2, 0.25, 0, ["B", "NK"])
    assert split_cells(np.array([0, 0, 0, 1, 1]), 2, 0, 0).tolist() == [FIT] * 5


def test_small_parts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="scgce"):
        split_cells(np.repeat([0, 1], [8, 100]), 2, 0.25, 0)
    assert "1 of 2 groups have fewer than 5 cells" in caplog.text
    caplog.clear()
    split_cells(np.repeat([0, 1], [20, 100]), 2, 0.25, 0)
    assert not caplog.text
