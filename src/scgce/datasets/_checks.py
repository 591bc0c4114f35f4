"""Argument checks shared by the data sets that are drawn at random."""

from __future__ import annotations

import numbers


def whole(name: str, value: object, minimum: int) -> int:
    """Return *value* as an int, or say what would be accepted.

    Raises
    ------
    TypeError
        If *value* is not a whole number.
    ValueError
        If it is below *minimum*.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}={value!r}: expected a whole number of at least {minimum}")
    if value < minimum:
        raise ValueError(f"{name}={value!r}: expected a whole number of at least {minimum}")
    return int(value)


def within(name: str, value: float, low: float, high: float) -> float:
    """Return *value* as a float if ``low <= value <= high``.

    Raises
    ------
    TypeError
        If *value* is not a real number.
    ValueError
        If it lies outside the range, or is NaN.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}={value!r}: expected a number from {low:g} to {high:g}")
    if not low <= value <= high:
        raise ValueError(f"{name}={value!r}: expected a number from {low:g} to {high:g}")
    return float(value)
