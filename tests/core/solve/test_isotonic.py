from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.isotonic import IsotonicRegression

from scgce.core.solve.penalties.isotonic import isotonic_decreasing, isotonic_decreasing_minmax

few = settings(max_examples=40)
columns_with_ties = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 4)),
    elements=st.sampled_from([-2.0, -0.5, 0.0, 0.1, 1.0, 3.0]) | st.floats(-5, 5, width=32),
)


def by_sklearn(columns: np.ndarray) -> np.ndarray:
    rows = np.arange(len(columns))
    fitted = [IsotonicRegression(increasing=False).fit_transform(rows, column) for column in columns.T]
    return np.stack(fitted, axis=1)


@few
@given(columns_with_ties)
def test_both_forms_equal_an_independent_regression(columns: np.ndarray) -> None:
    expected = by_sklearn(columns)
    for form in (isotonic_decreasing, isotonic_decreasing_minmax):
        np.testing.assert_allclose(form(torch.from_numpy(columns)).numpy(), expected, rtol=0, atol=1e-12)


@few
@given(columns_with_ties)
def test_result_never_rises_and_keeps_the_sum(columns: np.ndarray) -> None:
    for form in (isotonic_decreasing, isotonic_decreasing_minmax):
        fitted = form(torch.from_numpy(columns)).numpy()
        assert (np.diff(fitted, axis=0) <= 0).all()
        np.testing.assert_allclose(fitted.sum(0), columns.sum(0), atol=1e-12)


@few
@given(columns_with_ties)
def test_both_forms_tie_the_same_rows_exactly(columns: np.ndarray) -> None:
    # quarters: no two different means of a block come closer than rounding
    columns = torch.from_numpy(np.round(columns * 4) / 4)
    tied = [form(columns).diff(dim=0) == 0 for form in (isotonic_decreasing, isotonic_decreasing_minmax)]
    close = isotonic_decreasing(columns).diff(dim=0).abs() < 1e-9
    assert torch.equal(tied[0], close)
    assert torch.equal(tied[1], close)


def test_a_sequence_that_never_rises_is_left_alone() -> None:
    columns = torch.tensor([[3.0, 1.0], [1.0, 1.0], [-2.0, 1.0]], dtype=torch.float64)
    assert torch.equal(isotonic_decreasing(columns), columns)
    assert torch.equal(isotonic_decreasing_minmax(columns), columns)


def test_float32_keeps_its_type_and_columns_may_be_strided() -> None:
    wide = torch.randn(5, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    strided = wide[:, ::3]
    assert torch.equal(isotonic_decreasing(strided), isotonic_decreasing(strided.contiguous()))
    single = isotonic_decreasing(wide.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, isotonic_decreasing(wide), atol=1e-6)


def test_input_is_not_written_to() -> None:
    columns = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    isotonic_decreasing(columns)
    assert columns.flatten().tolist() == [0.0, 1.0, 2.0]
