"""Everything the page shows, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.symbols import gene_labels
from scgce.get._contrasts import contrasts
from scgce.get._markers import markers
from scgce.get._metrics import sweep
from scgce.pl._map import cell_map, layer_of
from scgce.store.result import Result

from ._about import about
from ._cells import cells, colors
from ._codebook import programmes
from ._levels import levels

MARKERS = 50
"""Genes listed for each group."""


def payload(
    adata: AnnData,
    key: str,
    *,
    title: str | None,
    basis: str | None,
    gene_symbols: str | None = None,
    max_cells: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """
    Gather what the page shows.

    Parameters
    ----------
    adata, key
        Annotated data, and where in its ``uns`` the result is.
    title, basis, gene_symbols
        Headline, map and column of names; chosen here if None.
    max_cells, rng
        Cells drawn at most, and what draws them.

    Returns
    -------
    Nested dict of strings, numbers, lists and packed arrays.
    """
    result = Result.read(adata, key)
    labels = gene_labels(adata, result.genes, gene_symbols)
    chosen = cell_map(adata, result, basis)
    drawn, moves = cells(adata, result, chosen, max_cells, rng)
    return {
        "title": title or f"What tells {result.groupby} apart",
        "key": key,
        "groupby": result.groupby,
        "layer": layer_of(result, adata) or "X",
        "axes": list(chosen.axes),
        "selected": result.selected,
        "groups": [str(name) for name in result.groups],
        "sizes": result.sizes,
        "targets": [np.flatnonzero(row).tolist() for row in result.asked] if "asked" in result.raw else None,
        "colors": colors(adata, result),
        "cells": drawn,
        "moves": moves,
        **levels(result, labels),
        "programmes": programmes(adata, result, labels),
        "sweep": _sweep(adata, result, key),
        "disagreements": [list(pair) for pair in result.disagreements(result.selected)],
        "markers": _columns(_labelled(markers(adata, n_genes=MARKERS, key=key), result, labels)),
        "contrasts": _contrasts(adata, result, key, labels),
        **about(adata, result),
    }


def _contrasts(adata: AnnData, result: Result, key: str, labels: NDArray[np.object_]) -> dict[str, list[Any]] | None:
    """The table of contrasts, where pairs were asked for or donors were."""
    if "asked" not in result.raw and "donor_evidence" not in result.raw:
        return None
    frame = contrasts(adata, key=key)
    known = frame["donors"] > 0
    votes = frame["donors_agreeing"].astype(str) + " of " + frame["donors"].astype(str)
    holds = frame["agree"].map({True: "yes", False: "not shown"}).fillna("unknown")
    called = dict(zip(map(str, result.genes), labels, strict=True))
    frame["item"] = [" ".join(str(called.get(word, word)) for word in str(item).split(" ")) for item in frame["item"]]
    shown = frame[["within", "contrast", "item", "shift", "scope", "correctness"]]
    return _columns(shown.assign(donors=votes.where(known, "–"), agree=holds.where(known, "–")))


def _sweep(adata: AnnData, result: Result, key: str) -> dict[str, list[Any]] | None:
    return _columns(sweep(adata, key=key)) if "sweep" in result.raw else None


def _labelled(frame: pd.DataFrame, result: Result, labels: NDArray[np.object_]) -> pd.DataFrame:
    return frame.assign(gene=frame["gene"].map(dict(zip(result.genes, labels, strict=True))))


def _columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): frame[name].tolist() for name in frame.columns}
