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
    ``"all"``, or the labels (of several columns also ``{column: label, …}``) to compare: each with each other, and
    with nothing else.""",
    "reference": """
reference
    Label whose translation is 0, or ``"baseline"`` for the cell-weighted median of the groups, gene by gene.
    Only the per-group reading depends on it, never a pair's. With several columns also a label of one of them.""",
    "mask_var": """
mask_var
    Boolean column of ``adata.var`` or array (d,): genes that may be used; all if None.""",
    "gene_costs": """
gene_costs
    Price of each gene: column of ``adata.var``, array (d,), Series or dict by gene name, 0 or above; ``inf``
    forbids.""",
    "min_cells": """
min_cells
    A group with fewer cells is an error.""",
    "rng": """
rng
    Seed or generator. The same seed gives the same bytes on the CPU.""",
    "device": """
device
    ``"auto"`` (CUDA, then MPS, then CPU) or a torch device name; stored in ``params``.""",
    "n_jobs": """
n_jobs
    Processes among which the repetitions are shared, -1 for as many as there are processors. None: as
    ``scanpy.settings.n_jobs`` says, which is 1. The result does not depend on it.""",
    "key": """
key
    Key of ``adata.uns`` with the stored result.""",
    "sparsity": """
sparsity
    Genes per pair. "auto": 1, 2, 5, …, 200 are tried; the smallest within 0.05 of the best mean of correctness and
    coverage on the validation cells is selected. Several: all are stored, the selection is made among them.""",
    "clip": """
clip
    How far translated cells may go. "auto" and "range": no further than each gene's smallest and largest value
    among the fitting cells, outliers passed over; "zero" (or True): not below 0; None (or False): anywhere.""",
    "epsilon": """
epsilon
    Distance in the representation at which a cell counts as reached. "mean" (default): the smallest at which the
    self-similarity of the groups is at least 0.95 on average; "max": in every group; or a number.""",
    "validation_fraction": """
validation_fraction
    Share of every group that selects, and another that is reported; the rest fits. 0: all cells do all.""",
    "pairs": """
pairs
    The pairs that matter: "all"; a list of (source, target), each a name or ``{"cell_type": "B", "condition":
    "ctrl"}``; a frame with the columns ``source`` and ``target``; or "within:cell_type", all pairs of groups that
    share a label of that column. Both directions of each are explained and scored; the others have no explanation
    and NaN for their metrics.""",
    "split_by": """
split_by
    Column of ``adata.obs`` with donors or samples: whole donors fit, select and are reported, in these shares.
    Every group needs ``min_cells`` cells in each part.""",
    "judges": """
judges
    Score translated cells with a logistic regression and a vote of the 15 nearest cells as well, fitted on the
    fitting cells. A mapping adds more: name → any object with ``predict`` from dense cells to labels. It reads the
    genes named in its ``feature_names_in_``; without it those that were explained, in their order.""",
    "own_key": """
key_added
    Name of the result in ``adata.uns``; the tool's own name by default.""",
    "gene_symbols": """
gene_symbols
    Column of ``adata.var`` with the names to show, e.g. ``"feature_name"`` where ``var_names`` are Ensembl ids. A
    gene without one, or no longer in ``adata``, keeps its own name; a name that several genes have is followed by
    the gene's own in brackets.""",
    "symbol_column": """
gene_symbols
    Column of ``adata.var`` with other names of the genes, e.g. ``"feature_name"`` where ``var_names`` are Ensembl
    ids. They are added as a column of that name, as in ``scanpy.get.rank_genes_groups_df``; a gene without one, or
    no longer in ``adata``, keeps its own name there. Where genes are listed in words, these are their names.""",
    "symbol_names": """
gene_symbols
    Column of ``adata.var`` with the names to list, e.g. ``"feature_name"`` where ``var_names`` are Ensembl ids.""",
    "figure": """
ax
    Axes to draw into; None for a new figure.
show
    Show the figure. None: as ``scanpy.settings.autoshow`` says, and never one that ``ax`` belongs to.
return_fig
    Return the Figure instead of the Axes.""",
    "basis": """
basis
    Map to draw on, key of ``obsm``; by default the explained representation if it has two dimensions, else
    ``X_umap``, else its first two dimensions. If no encoder of that map is stored, translated cells are not
    drawn on it.""",
    "divided": """
ax
    Axes to draw into, which are divided into the panels; None for a new figure.
show
    Show the figure. None: as ``scanpy.settings.autoshow`` says, and never one that ``ax`` belongs to.
return_fig
    Return the Figure instead of the list of Axes.""",
    "selected": """
sparsity
    Genes per pair, one of those computed; the selected number if not given.""",
    "consistent": """
consistent
    The variant without triangle error: A → C is A → B plus B → C, gene by gene, still in at most as many genes for
    every pair. ``tl.tgt(method="refine")`` stores it beside its own; "refine_consistent" and "path" are so anyway.""",
    "by": """
by
    "gene" or "program": rows of the frame; None for programmes where the result explains in them.""",
    "result": """
adata
    Annotated data with a result of :func:`scgce.tl.tgt` (or another tool of scgce).""",
    "n_components": """
n_components
    Dimensions m of the map.""",
    "init": """
init
    Where the map starts: at the principal components of what the network reads, which makes the broad layout depend
    less on the seed, or at ``"random"``.""",
    "reads": """
use_rep
    What the network reads: a PCA with its loadings (``"X_pca"``), or ``"X"`` for the genes themselves. Either way
    the stored encoder reads genes.""",
    "read_mask": """
mask_var
    Boolean column of ``adata.var`` or array (d,): genes that are read; only with ``use_rep="X"``.""",
    "patience": """
patience
    Early stopping: looks at the held-out cells, every 50 mini-batches, without a lower loss before training
    stops. 0 for never, and no cells are held out.""",
    "held_out": """
validation_fraction
    Share of the cells that are held out of training for early stopping.""",
    "map_key": """
key_added
    Key of ``obsm`` and ``uns``.""",
    "map_fields": """
``None``, or a copy if ``copy=True``. Sets these fields:

``adata.obsm[key_added]`` : float32 (n, m)
    The map.
``adata.uns[key_added]``
    ``params``; ``encoder``, which ``tl.tgt(use_rep=key_added)`` and ``tl.embed_new`` read; ``gene_means`` (d,);
    ``history`` with the loss and its terms, one number for every 50 mini-batches.""",
    "panel": """
adata
    Annotated data with a result of :func:`scgce.tl.panel`.
key
    Key of ``adata.uns`` with the panel.""",
    "drawn": """
The Axes, or the Figure.

Raises
------
KeyError
    If there is no result under ``key``, or no column ``gene_symbols``.
ValueError
    If an argument is out of range.""",
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
