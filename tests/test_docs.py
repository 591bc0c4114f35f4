from __future__ import annotations

import inspect
from itertools import pairwise

import pytest
from tests.contract._api import function, public

from scgce._api.docs import FRAGMENTS, with_docs


def test_fragments_are_filled_in_at_their_indent() -> None:
    @with_docs
    def tool() -> None:
        """Do it.

        Parameters
        ----------
        {adata}
        other
            In {braces}, and {curly} ones, nothing changes.
        {copy}
        """

    lines = inspect.cleandoc(tool.__doc__ or "").splitlines()
    where = lines.index("adata")
    assert lines[where + 1].startswith("    Annotated data")
    assert lines[where + 2] == "other"
    assert "In {braces}, and {curly} ones" in lines[where + 3]
    assert lines[where + 4] == "copy"


def test_unknown_fragment_is_an_error() -> None:
    def tool() -> None:
        """Do it.

        {nonsense}
        """

    with pytest.raises(KeyError, match="nonsense"):
        with_docs(tool)


def test_no_docstring_is_left_alone() -> None:
    def tool() -> None: ...

    assert with_docs(tool).__doc__ is None


RETURNED = {"drawn", "map_fields"}
"""Fragments that say what a function returns."""


@pytest.mark.parametrize("name", sorted(set(FRAGMENTS) - RETURNED))
def test_a_fragment_describes_parameters_of_public_functions(name: str) -> None:
    lines = FRAGMENTS[name].strip("\n").splitlines()
    known = {parameter for one in public() for parameter in inspect.signature(function(one)).parameters}
    described = {line for line in lines if not line.startswith(" ")}
    assert described <= known and not lines[0].startswith(" ")
    assert all(below.startswith("    ") for line, below in pairwise(lines) if line in described)
    assert all(len(line) < 117 for line in lines)
