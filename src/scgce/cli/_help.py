"""Help as plain text in sections, and what a shell completes from the file that is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

WIDTH = 100
FIRST, EVERYWHERE = "Options", "Everywhere"
_VALUE = re.compile(r" (?:<(\w+)[^|>]*>|<(.+\|.+)>|(PATH|TEXT|INTEGER|FLOAT)(?: RANGE)?)$")
_WORDS = {"path": "FILE", "int": "N", "integer": "N", "float": "NUMBER", "str": "TEXT", "text": "TEXT"}
"""What stands for a value in the help, by its type as versions of typer write it."""


class PlainCommand(TyperCommand):
    """A command whose help lists its options in sections, names left, words right, nothing cut off.

    The tables of rich leave a column of 20 characters for the words in a terminal of 80.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                title = getattr(parameter, "rich_help_panel", None) or FIRST
                name, words = record
                sections.setdefault(title, []).append((_VALUE.sub(_word, name), words))
        for title in sorted(sections, key=lambda name: name == EVERYWHERE):
            with formatter.section(title):
                formatter.write_dl(sections[title])


def _word(found: re.Match[str]) -> str:
    if found[2]:  # one of a few words
        return f" {found[2]}"
    kind = (found[1] or found[3]).lower()
    return " " + _WORDS.get(kind, kind.upper())


def names_in(element: str) -> Callable[[typer.Context, str], list[str]]:
    """
    Complete a name from the file given as ``--input``.

    Parameters
    ----------
    element
        "obs", "obsm", "layers", "var" or "uns".
    """

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        path = context.params.get("input")
        with suppress(Exception):  # a shell that completes has nowhere to show an error
            return [name for name in _keys(Path(str(path)), element) if name.startswith(incomplete)]
        return []

    return complete


def _keys(path: Path, element: str) -> list[str]:
    if path.suffix == ".zarr":
        names = [entry.name for entry in (path / element).iterdir() if entry.is_dir()]
    else:
        import h5py

        with h5py.File(path) as file:
            names = list(file[element])
    return sorted(name for name in names if not name.startswith("_") and name != "index")
