"""Arguments that are more than one number or word: what is typed, and what the tools take."""

from __future__ import annotations

from ._errors import UsageError


def sparsities(text: str) -> str | int | list[int]:
    """
    Read "auto", a whole number, or several between commas.

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
        raise UsageError(f"sparsity={text!r}: expected auto, a whole number or several between commas") from None
    return numbers[0] if len(numbers) == 1 else numbers


def number_or_none(name: str, text: str) -> float | None:
    """
    Read a number, or "none".

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text.lower() == "none":
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name}={text!r}: expected a number or none") from None


def number_or_word(name: str, text: str | None, words: tuple[str, ...]) -> float | str | None:
    """
    Read a number or one of a few words; None stays None.

    Raises
    ------
    UsageError
        If it is neither.
    """
    if text is None or text in words:
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name}={text!r}: expected a number or one of {', '.join(words)}") from None


def names(text: str | None) -> list[str] | None:
    """
    Read names between commas; a name that holds a comma stands in double quotes.

    Raises
    ------
    UsageError
        If a name is empty.
    """
    if text is None:
        return None
    import csv

    found = [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]
    if not all(found):
        raise UsageError(f"{text!r}: expected names between commas, found an empty one")
    return found
