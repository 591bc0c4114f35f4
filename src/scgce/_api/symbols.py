"""Other names of genes, from a column of ``adata.var``: what scanpy calls ``gene_symbols``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from .columns import label_names
from .errors import listing, not_found

_WORD = re.compile(r"[^\s()]+")


def _column(adata: AnnData, gene_symbols: str) -> pd.Series:
    """The symbols by gene name, empty ones left out.

    Raises
    ------
    KeyError
        If there is no such column.
    """
    if gene_symbols not in adata.var.columns:
        raise not_found("gene_symbols", gene_symbols, "adata.var", adata.var.columns)
    column = pd.Series(adata.var[gene_symbols].to_numpy(dtype=object), index=adata.var_names.astype(str))
    column = column[~column.index.duplicated()].dropna()
    column = pd.Series(label_names(column), index=column.index, dtype=object).str.strip()
    return column[column != ""]


def symbols_of(adata: AnnData, names: Iterable[Any], gene_symbols: str) -> NDArray[np.object_]:
    """The symbol of every gene, looked up by its name; its own name where there is none.

    Parameters
    ----------
    adata
        Annotated data, whose genes may have been subset or reordered since the names were stored.
    names
        Genes (k,).
    gene_symbols
        Column of ``adata.var``.

    Raises
    ------
    KeyError
        If there is no such column.
    """
    known = _column(adata, gene_symbols).to_dict()
    return np.array([known.get(str(name), str(name)) for name in names], dtype=object)


def gene_labels(adata: AnnData, names: Iterable[Any], gene_symbols: str | None) -> NDArray[np.object_]:
    """What to call genes: their symbols, with the name in brackets behind a symbol that several genes have.

    Which symbols are ambiguous is told by all genes of ``adata``, so that a gene is called the same everywhere.

    Parameters
    ----------
    adata, names
        As for `symbols_of`.
    gene_symbols
        Column of ``adata.var``; None: the names as they are.

    Raises
    ------
    KeyError
        If there is no such column.
    """
    known = [str(name) for name in names]
    if gene_symbols is None:
        return np.array(known, dtype=object)
    everywhere = list(dict.fromkeys([*adata.var_names.astype(str), *known]))
    symbols = pd.Series(symbols_of(adata, everywhere, gene_symbols), index=everywhere, dtype=object)
    shared = symbols.duplicated(keep=False) & (symbols != symbols.index)
    return (symbols.where(~shared, symbols + " (" + symbols.index + ")")).loc[known].to_numpy(dtype=object)


def names_of_genes(gene_symbols: str | None) -> str:
    """Where the user's names of genes are looked up, for messages."""
    return "adata.var_names" if gene_symbols is None else f"adata.var[{gene_symbols!r}]"


def naming_column(var: pd.DataFrame, given: pd.Index) -> tuple[str, float] | None:
    """The column of ``adata.var`` that has most of some names of genes, and the share of them; None if none has any."""
    texts = [column for column in var.columns if not pd.api.types.is_numeric_dtype(var[column])]
    shares = {column: float(given.isin(var[column].dropna().astype(str)).mean()) for column in texts if len(given)}
    best = max(shares, key=lambda column: shares[column], default=None)
    return None if best is None or not shares[best] else (best, shares[best])


def column_words(var: pd.DataFrame, given: pd.Index, gene_symbols: str | None = None) -> str:
    """What a message about names that are not there adds where other names of the genes in ``adata.var`` are meant.

    ``gene_symbols`` is the column that they were looked up in; None for ``adata.var_names``.
    """
    if gene_symbols is None:
        found = naming_column(var, given)
        if found is None:
            return ""
        return (
            f"; adata.var[{found[0]!r}] has {found[1]:.0%} of them: give gene_symbols={found[0]!r} where a tool takes "
            "it, or names of adata.var_names"
        )
    shared = np.flatnonzero(var[gene_symbols].astype(str).isin(given))
    if len(shared):
        names = [f"{var[gene_symbols].iloc[row]} ({var.index[row]})" for row in shared[:2]]
        return f"; several genes are called so: give their own name in brackets behind it, as in {listing(names)}"
    own = float(given.isin(var.index.astype(str)).mean()) if len(given) else 0.0
    return f"; adata.var_names has {own:.0%} of them: leave gene_symbols out" if own else ""


def in_symbols(
    adata: AnnData, texts: Iterable[Any], genes: Iterable[Any], gene_symbols: str | None
) -> NDArray[np.object_]:
    """Names of genes or programmes with genes called by their symbols: learned programmes are named by their genes.

    Parameters
    ----------
    adata, gene_symbols
        As for `gene_labels`.
    texts
        Names such as ``"ENSG1"``, ``"ENSG1 ENSG2"`` or ``"ribosomal (ENSG1 ENSG2)"``.
    genes
        Words that are genes.
    """
    known = [str(gene) for gene in genes]
    labels = dict(zip(known, gene_labels(adata, known, gene_symbols), strict=True))

    def called(text: str) -> str:
        return labels[text] if text in labels else _WORD.sub(lambda word: labels.get(word[0], word[0]), text)

    return np.array([called(str(text)) for text in texts], dtype=object)


def with_symbols(frame: pd.DataFrame, adata: AnnData, gene_symbols: str | None, column: str = "gene") -> pd.DataFrame:
    """The frame with the symbols in a column of their own, as in ``scanpy.get.rank_genes_groups_df``.

    It is called like that of ``adata.var`` and stands behind ``column``, the genes; a frame without stays as it is.

    Raises
    ------
    KeyError
        If there is no such column.
    ValueError
        If the frame has a column of that name already.
    """
    if gene_symbols is None:
        return frame
    symbols = symbols_of(adata, frame.get(column, ()), gene_symbols)
    if gene_symbols in frame:
        raise ValueError(
            f"gene_symbols={gene_symbols!r} is also the name of a column of the frame; give adata.var's another name: "
            f"adata.var.rename(columns={{{gene_symbols!r}: 'symbol'}})"
        )
    if column in frame:
        frame.insert(int(frame.columns.get_indexer([column])[0]) + 1, gene_symbols, symbols)
    return frame
