"""Values as text inside a page: numbers packed, strings that cannot end the script they stand in."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

# What could end a script element or start a comment in one, and line ends of old JavaScript.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def packed(values: Any, kind: str) -> str:
    """
    Pack an array in row order as base64 of little-endian numbers.

    Parameters
    ----------
    values
        Array of any shape.
    kind
        numpy's name of the number type: ``"f4"``, ``"i4"``, ``"i2"``, ``"u2"``.
    """
    flat = np.ascontiguousarray(values, dtype=np.dtype(f"<{kind}"))
    return base64.b64encode(flat.tobytes()).decode("ascii")


def quantised(values: np.ndarray, low: float, high: float) -> str:
    """Pack positions between ``low`` and ``high`` as 16-bit steps; those outside are put on the border."""
    span = high - low if high > low else 1.0
    return packed(np.clip(np.round((values - low) / span * 65535), 0, 65535), "u2")


def json_in_html(content: Any) -> str:
    """
    Write JSON that can stand inside a script element, whatever its strings are.

    Numbers that JSON does not know (NaN, infinite) become null.
    """
    text = json.dumps(_finite(content), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return "".join(_ESCAPES.get(character, character) for character in text)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return _finite(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
