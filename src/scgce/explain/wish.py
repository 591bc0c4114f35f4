"""What the user wants of a panel, from names and columns to numbers of genes and weights of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from scgce._api.columns import label_among
from scgce._api.errors import not_found
from scgce._api.groups import Groups, coarser_labels
from scgce._api.symbols import column_words, gene_labels, names_of_genes
from scgce.core.choose.separation import Pairs

LEADING = 10
"""Genes of largest weight of a programme, one of which the panel must have."""


def pairs_of(adata: AnnData, groups: Groups, weights: str | pd.DataFrame | None) -> Pairs:
    """The pairs of groups and what each counts: alike, as a table says, or half within and half between lineages.

    Parameters
    ----------
    adata
        Annotated data.
    groups
        The groups.
    weights
        None; a table groups × groups; or a column of ``adata.obs`` with coarser labels.

    Raises
    ------
    KeyError
        If the column or a group is not there.
    ValueError
        If the table is not symmetric and at least 0, or a group lies in two lineages, or none has two groups.
    """
    if weights is None:
        return Pairs.of(np.ones((groups.n, groups.n)))
    if isinstance(weights, pd.DataFrame):
        return Pairs.of(_table(groups, weights))
    if weights not in adata.obs.columns:
        raise not_found("pair_weights", weights, "adata.obs", adata.obs.columns)
    lineage = np.array([*coarser_labels(adata, groups, weights, f"pair_weights={weights!r}").values()])
    same = lineage[:, None] == lineage[None, :]
    upper = np.triu(np.ones_like(same), 1)
    within, between = int((same & upper).sum()), int((~same & upper).sum())
    if not within or not between:
        raise ValueError(
            f"pair_weights={weights!r}: expected coarser labels than {groups.key!r}, two or more, one of them with "
            f"two groups or more; found {len(set(lineage))} over {groups.n} groups"
        )
    return Pairs.of(np.where(same, 0.5 / within, 0.5 / between))


def _table(groups: Groups, weights: pd.DataFrame) -> NDArray[np.float64]:
    rows, columns = ([label_among(name, groups.names) for name in axis] for axis in (weights.index, weights.columns))
    named = weights.set_axis(rows).set_axis(columns, axis=1)
    for name in groups.names:
        if name not in named.index or name not in named.columns:
            raise not_found("pair_weights", name, "its rows and columns", named.index)
    table = named.loc[list(groups.names), list(groups.names)].to_numpy(dtype=np.float64)
    np.fill_diagonal(table, 0.0)
    if not (np.isfinite(table).all() and (table >= 0).all() and np.allclose(table, table.T)):
        raise ValueError("pair_weights: expected finite numbers of at least 0, the same for (i, j) and (j, i)")
    if not table.any():
        raise ValueError("pair_weights: expected at least one pair with a weight above 0")
    return table


@dataclass(frozen=True)
class Called:
    """What the user calls the genes: their own names, or those of a column of ``adata.var``.

    Attributes
    ----------
    labels
        Of every gene (d,), in the order in which genes are numbered.
    var
        Table of the genes, where a message looks for other names.
    gene_symbols
        That column; None for their own names.
    """

    labels: NDArray[np.object_]
    var: pd.DataFrame
    gene_symbols: str | None

    @classmethod
    def of(cls, adata: AnnData, columns: NDArray[np.int64], gene_symbols: str | None) -> Called:
        """The names of the genes that stand in some columns of ``adata``.

        Raises
        ------
        KeyError
            If there is no column ``gene_symbols``.
        """
        return cls(gene_labels(adata, adata.var_names, gene_symbols)[columns], adata.var, gene_symbols)

    @property
    def where(self) -> str:
        """What the names come from, for messages."""
        return names_of_genes(self.gene_symbols)

    def numbers(self, names: Sequence[str], argument: str) -> NDArray[np.int64]:
        """Numbers of genes that the user names.

        Raises
        ------
        KeyError
            If one is not there.
        """
        place = {name: index for index, name in enumerate(self.labels)}
        for name in names:
            if str(name) not in place:
                raise not_found(argument, name, self.where, self.labels, hint=self.hint(names))
        return np.array([place[str(name)] for name in dict.fromkeys(names)], dtype=np.int64)

    def hint(self, names: Sequence[str]) -> str:
        """Where else in ``adata.var`` names stand that are not there, in words."""
        return column_words(self.var, pd.Index(names).astype(str), self.gene_symbols)


def sets_of(adata: AnnData, programs: Any, called: Called, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Leading genes of every programme, as numbers of genes.

    Parameters
    ----------
    adata
        Annotated data.
    programs
        None; a mapping from programmes to genes; or a key of ``adata.varm`` with weights, genes × programmes, of which
        the ten largest of every column count.
    called
        Names of the genes in the order of their numbers.
    columns
        Column of ``adata`` of every number.

    Raises
    ------
    KeyError
        If the key is not there.
    ValueError
        If no gene of a programme is among the genes.
    """
    if programs is None:
        return ()
    if isinstance(programs, Mapping):
        text = [name for name, members in programs.items() if isinstance(members, str)]
        if text:
            raise ValueError(f"programs[{text[0]!r}] is {programs[text[0]]!r}; expected a list of genes")
        known = set(called.labels)
        named = {name: [gene for gene in members if gene in known] for name, members in programs.items()}
        for name, members in named.items():
            if not members:
                hint = called.hint(programs[name])
                raise ValueError(f"programs: no gene of {name!r} is in {called.where}; expected at least one{hint}")
        return tuple(called.numbers(members, "programs") for members in named.values())
    if programs not in adata.varm:
        raise not_found("programs", programs, "adata.varm", adata.varm)
    weights = adata.varm[programs]
    dense = weights.toarray() if sparse.issparse(weights) else np.asarray(weights, dtype=np.float64)
    number, sets = np.argsort(columns), []
    for column in dense.T:
        leading = np.argsort(-np.abs(column), kind="stable")[:LEADING]
        leading = leading[column[leading] != 0]
        if len(leading):
            sets.append(number[leading])
    return tuple(sets)
