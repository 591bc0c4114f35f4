"""`scgce.report`: a stored explanation as one HTML page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.store.atomic import replacing

from ._page import page
from ._payload import payload


@checked()
@with_docs
def report(
    adata: AnnData,
    path: str | os.PathLike[str],
    key: str = "tgt",
    *,
    title: str | None = None,
    basis: str | None = None,
    gene_symbols: str | None = None,
    max_cells: int = 20_000,
    rng: int | np.random.Generator = 0,
) -> None:
    """Write a stored explanation as one self-contained HTML page, to be opened in any browser without a network.

    The page holds the map, the explanation of any chosen pair with its cells before and after the translation, the
    metrics of all pairs, the trade-off against the number of genes, markers, the encoder's fidelity, parameters and
    versions. Its tables can be searched and sorted.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt` (or another tool of scgce).
    path
        File to write; an existing one is replaced once the page is complete.
    key
        Key of ``adata.uns`` with the result.
    title
        Headline; the column that was explained if None.
    {basis}
    {gene_symbols}
    max_cells
        Cells drawn at most, a random sample.
    rng
        Seed or generator of the sample. The same seed gives the same bytes.

    Returns
    -------
    None. Writes ``path``: about 1 MB for 10 groups, below 10 MB for 30 groups.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or the groups, the basis or ``gene_symbols`` are not in ``adata``.
    ValueError
        If the result is damaged, or ``max_cells`` is below 1.
    OSError
        If the file cannot be written; an old one stays as it was.
    """
    options: dict[str, Any] = {"title": title, "basis": basis, "gene_symbols": gene_symbols, "max_cells": max_cells}
    content = payload(adata, key, rng=np.random.default_rng(rng), **options)
    text = page(content)
    with replacing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
