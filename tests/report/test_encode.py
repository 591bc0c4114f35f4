from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scgce._report._encode import json_in_html, packed, quantised

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
@settings(max_examples=40)
def test_json_comes_back_and_cannot_end_a_script(value: object) -> None:
    text = json_in_html(value)
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)
    assert text.isascii()


@pytest.mark.parametrize("attack", ["</script><script>alert(1)</script>", "<!--", "]]>", "&lt;", "\ud800"])
def test_attacks_are_only_text(attack: str) -> None:
    text = json_in_html({attack: [attack]})
    assert "<" not in text
    assert json.loads(text) == {attack: [attack]}


def test_numbers_that_json_lacks_become_null() -> None:
    value = {"a": np.array([1.5, np.nan]), "b": (np.inf, np.float32(2)), "c": np.int64(3), "d": np.bool_(True)}
    assert json.loads(json_in_html(value)) == {"a": [1.5, None], "b": [None, 2.0], "c": 3, "d": True}


@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 5)), elements=st.floats(width=32)))
def test_packed_is_little_endian_in_row_order(values: np.ndarray) -> None:
    back = np.frombuffer(base64.b64decode(packed(values, "f4")), dtype="<f4")
    np.testing.assert_array_equal(back, values.ravel())
    transposed = np.frombuffer(base64.b64decode(packed(values.T, "f4")), dtype="<f4")
    np.testing.assert_array_equal(transposed, values.T.ravel())


def test_quantised_spans_the_frame() -> None:
    steps = np.frombuffer(base64.b64decode(quantised(np.array([-9.0, 0.0, 1.0, 2.0, 9.0]), 0.0, 2.0)), dtype="<u2")
    np.testing.assert_array_equal(steps, [0, 0, 32768, 65535, 65535])


def test_quantised_without_extent() -> None:
    steps = np.frombuffer(base64.b64decode(quantised(np.array([3.0, 3.0]), 3.0, 3.0)), dtype="<u2")
    np.testing.assert_array_equal(steps, [0, 0])
