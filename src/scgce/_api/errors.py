"""The message for a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

MAX_LISTED = 12
LONGEST = 80


def listing(names: Iterable[object]) -> str:
    """Names for a message, the first dozen of them."""
    found = [str(name) for name in names]
    if not found:
        return "none"
    more = f", … ({len(found)} in all)" if len(found) > MAX_LISTED else ""
    return ", ".join(found[:MAX_LISTED]) + more


def shown(value: Any) -> str:
    """The value on one line that a message can hold."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class NotFoundError(KeyError, ValueError):
    """A name that is not there: the one error for unknown names, be they of genes, groups, columns, keys or layers.

    It is a KeyError, since something was looked up, and a ValueError, since an argument cannot be used; unlike a plain
    KeyError it prints its message without quotes.
    """

    def __str__(self) -> str:
        """Give the message as written."""
        return str(self.args[0])


def not_found(argument: str, value: object, where: str, names: Iterable[object], *, hint: str = "") -> NotFoundError:
    """Make the error that ``argument=value`` is not in ``where``: what is there, and which name was probably meant."""
    found = [str(name) for name in names]
    close = get_close_matches(str(value), found, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return NotFoundError(f"{argument}={value!r} not in {where}; found: {listing(found)}{meant}{hint}")
