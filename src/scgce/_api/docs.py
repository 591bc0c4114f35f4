"""Sentences of the documentation that several functions share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

FRAGMENTS = {
    "adata": """
adata
    Annotated data: n cells × d genes.""",
    "groupby": """
groupby
    Column of ``adata.obs`` with the groups. Cells without a label and unused categories are left out.""",
    "use_rep": """
use_rep
    Key of ``adata.obsm`` that is explained, e.g. ``"X_umap"``; ``"X_pca"`` and ``"pca"`` mean the same.""",
    "encoder": """
encoder
    A torch module (or scgce encoder) that maps genes to the representation; instead of ``use_rep``.""",
    "layer": """
layer
    Layer with the expression to explain; ``adata.X`` if None.""",
    "groups": """
groups
    ``"all"``, or the labels to compare: each with each other, and with nothing else.""",
    "reference": """
reference
    Label whose translation is 0, or ``"baseline"`` for the cell-weighted median of the groups, gene by gene.
    Only the per-group reading depends on it, never a pair's.""",
    "mask_var": """
mask_var
    Boolean column of ``adata.var`` or array (d,): genes that may be used; all if None.""",
    "gene_costs": """
gene_costs
    Price of each gene: column of ``adata.var``, array (d,) or Series by gene name, 0 or above; ``inf`` forbids.""",
    "min_cells": """
min_cells
    A group with fewer cells is an error.""",
    "rng": """
rng
    Seed or generator. The same seed gives the same bytes on the CPU.""",
    "device": """
device
    ``"auto"`` (CUDA, then MPS, then CPU) or a torch device name; stored in ``params``.""",
    "key": """
key
    Key of ``adata.uns`` with the stored result.""",
    "copy": """
copy
    Return a changed copy instead of changing ``adata``.""",
}

_PLACE = re.compile(r"^(?P<indent>[ \t]*)\{(?P<name>\w+)\}[ \t]*$", re.MULTILINE)


def with_docs(function: F) -> F:
    """Replace every line ``{name}`` of the docstring by the shared fragment of that name.

    Raises
    ------
    KeyError
        If there is no fragment of that name.
    """

    def fragment(match: re.Match[str]) -> str:
        return textwrap.indent(FRAGMENTS[match["name"]].strip("\n"), match["indent"])

    if function.__doc__:
        function.__doc__ = _PLACE.sub(fragment, function.__doc__)
    return function
