"""The argument checks that the random data sets share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgce.datasets._checks import whole, within


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_every_kind_of_whole_number_becomes_an_int(value: object) -> None:
    result = whole("n", value, 1)
    assert result == 3
    assert type(result) is int


@pytest.mark.parametrize("value", [3.0, "3", None, True, np.True_, [3]])
def test_what_is_no_whole_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="n=.*whole number of at least 1"):
        whole("n", value, 1)


@given(st.integers(), st.integers())
def test_the_minimum_is_allowed_and_nothing_below(value: int, minimum: int) -> None:
    if value >= minimum:
        assert whole("n", value, minimum) == value
    else:
        with pytest.raises(ValueError, match=f"at least {minimum}"):
            whole("n", value, minimum)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.int8(1)])
def test_every_kind_of_real_number_becomes_a_float(value: float) -> None:
    result = within("share", value, 0, 1)
    assert result == value
    assert type(result) is float


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf, -math.inf])
def test_out_of_range_is_a_value_error(value: float) -> None:
    with pytest.raises(ValueError, match="share=.*from 0 to 1"):
        within("share", value, 0, 1)


@pytest.mark.parametrize("value", ["0.5", None, True, 1j])
def test_what_is_no_real_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="share=.*from 0 to 1"):
        within("share", value, 0, 1)  # type: ignore[arg-type]
