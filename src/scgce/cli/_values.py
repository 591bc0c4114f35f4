"""Arguments that are more than one number or word: what is typed, and what the tools take."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from ._errors import UsageError

_NAME = re.compile(r'\s*+(?:"((?:[^"]|"")*)"\s*|((?!")[^,]*))(,|$)')


def sparsities(text: str) -> str | int | list[int]:
    """
    Read "auto", a whole number, or several between commas, each at least 1.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    if text == "auto":
        return text
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise UsageError(f"sparsity={text!r}: expected auto, a whole number or several between commas, from 1 on")
    return numbers[0] if len(numbers) == 1 else numbers


def number_or_none(name: str, text: str) -> float | None:
    """
    Read a number above 0, or "none".

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text.lower() == "none":
        return None
    value = _number(text)
    if value is None or value <= 0:
        raise UsageError(f"{name}={text!r}: expected a number above 0, or none")
    return value


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def clip_word(text: str) -> str | None:
    """
    Read how far translated cells may go: range, zero or none; a file's true means zero, false none.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    words: dict[str, str | None] = {"range": "range", "zero": "zero", "true": "zero", "none": None, "false": None}
    if text.lower() not in words:
        raise UsageError(f"clip={text!r}: expected range, zero or none")
    return words[text.lower()]


def number_or_word(
    name: str, text: str | None, words: tuple[str, ...], *, most: float = math.inf
) -> float | str | None:
    """
    Read a number from 0 to ``most`` or one of a few words; None stays None.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text is None or text in words:
        return text
    value = _number(text)
    if value is None or not 0 <= value <= most:
        bounds = "of at least 0" if most == math.inf else f"from 0 to {most:g}"
        raise UsageError(f"{name}={text!r}: expected a number {bounds} or one of {', '.join(words)}")
    return value


def names(argument: str, text: str | None) -> list[str] | None:
    """
    Read names between commas; a name that holds a comma, or is empty, stands in double quotes.

    Raises
    ------
    UsageError
        If there is nothing between two commas.
    """
    if text is None:
        return None
    found, end = [], 0
    while True:
        match = _NAME.match(text, end)
        if match is None:
            raise UsageError(
                f"{argument}={text!r}: expected a comma after the quotes; quotes inside a name are written twice"
            )
        quoted, plain, separator = match.groups()
        if quoted is None and not plain.strip():
            raise UsageError(f'{argument}={text!r}: expected names between commas, found none; an empty one is ""')
        found.append(plain.strip() if quoted is None else quoted.replace('""', '"'))
        end = match.end()
        if not separator:
            break
    return found


def joined(values: Iterable[object]) -> str:
    """Write names between commas such that `names` reads them back, whatever they hold."""
    return ",".join(_quoted(str(value)) for value in values)


def _quoted(name: str) -> str:
    plain = name == name.strip() and "," not in name and not name.startswith('"') and name
    return name if plain else '"' + name.replace('"', '""') + '"'


def check(function: Callable[..., Any], **values: Any) -> None:
    """
    Refuse what a public function would refuse whatever the data are, before a file is read.

    Raises
    ------
    UsageError
        If a value does not fit the function's constraints.
    """
    for name, constraint in getattr(function, "__constraints__", {}).items():
        if name in values and not constraint.accepts(values[name]):
            raise UsageError(f"{name}={values[name]!r}: expected {constraint.words}")


def columns(text: str, there: Iterable[str]) -> str | list[str]:
    """
    Read a column's name, or several between commas; a column whose own name has a comma is that column.

    Raises
    ------
    UsageError
        If a name is empty.
    """
    found = [text] if text in set(there) else names("groupby", text) or [text]
    return found[0] if len(found) == 1 else found
