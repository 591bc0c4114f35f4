"""Explanations of pairs of groups as tidy frames."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels, with_symbols
from scgce.get._codebook import in_programs, program_rows
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result


@checked()
@with_docs
def explanation(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    sparsity: int | None = None,
    consistent: bool = False,
    by: Literal["program", "gene"] | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Genes to change, and by how much, to turn cells of one group into cells of another.

    Direction: A → B, add ``delta`` to cells of A. ``explanation(adata, B, A)`` has the opposite signs.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt` (or another tool of scgce). Its genes may have been
        subset since: the explanation is read by gene name and is always complete.
    source, target
        Names of two groups, A and B.
    {selected}
    {consistent}
    {by}
    {symbol_column}
    {key}

    Returns
    -------
    One row per gene of the explanation, largest absolute ``delta`` first, with the columns

    - ``gene`` name
    - ``delta`` amount added to each cell of the source, units of the explained matrix
    - ``change`` what that really does: mean of t(x) − x over the reported cells of the source. With the default
      ``clip="range"`` no cell leaves the gene's observed range, so that it is mostly smaller than ``delta``
    - ``mean_source``, ``mean_target`` mean expression of the two groups (fitting cells)
    - ``mean_after`` mean of t(x) over the reported cells of the source, to be compared with ``mean_target``
    - ``mean_difference`` target minus source
    - ``share`` ``delta / mean_difference``: 1 moves the gene by exactly the real difference; NaN where there is none
    - ``program`` of a result in programmes: that in which the gene has its largest share

    By programme one row per programme that takes part, largest ``share`` first: ``program``, ``n_genes``,
    ``leading_genes`` (five, each with the real difference of its means), ``level_source``, ``level_target`` (in words:
    low, high; lowest, 2 of 4, …, highest), ``mean_source``, ``mean_target`` (mean expression over the programme's
    genes on the two levels), ``size`` (target minus source) and ``share`` (of the squared amounts of the explanation).

    ``change`` and ``mean_after`` are NaN in results of earlier versions. ``frame.attrs`` holds source, target, sparsity
    and the direction in words.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If a group or sparsity is unknown (the known ones are named), source and target are the same, or no consistent
        variant is stored.
    """
    result = Result.read(adata, key, consistent=consistent)
    i, j = result.pair(source, target)
    source, target = str(result.groups[i]), str(result.groups[j])
    k = result.check_sparsity(sparsity)
    if in_programs(result, by):
        frame = program_rows(StoredPrograms.read(result, k), i, j, gene_labels(adata, result.genes, gene_symbols))
    else:
        delta = result.delta(i, j, k)
        genes = np.flatnonzero(delta)
        frame = with_symbols(pd.DataFrame(_columns(result, genes, delta[genes], i, j, k)), adata, gene_symbols)
    frame.attrs = {
        "source": source,
        "target": target,
        "sparsity": k,
        "direction": f"{source} → {target}: add {'size' if 'size' in frame else 'delta'} to cells of {source}",
    }
    return frame


@checked()
@with_docs
def pairs(
    adata: AnnData,
    *,
    sparsity: int | None = None,
    consistent: bool = False,
    by: Literal["program", "gene"] | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Put the explanations of all ordered pairs into one long frame.

    Parameters
    ----------
    {result}
    {selected}
    {consistent}
    {by}
    {symbol_column}
    {key}

    Returns
    -------
    The columns of :func:`scgce.get.explanation` behind ``source`` and ``target``; one row per pair and gene, or per
    pair and programme.

    Raises
    ------
    KeyError, ValueError
        As :func:`scgce.get.explanation`.
    """
    result = Result.read(adata, key, consistent=consistent)
    k = result.check_sparsity(sparsity)
    programs = StoredPrograms.read(result, k) if in_programs(result, by) else None
    cuts, labels = result.pair_cuts(k), gene_labels(adata, result.genes, gene_symbols)
    asked = result.ordered_pairs
    if programs is not None:
        parts = [program_rows(programs, i, j, labels) for i, j in asked]
        frame, sizes = pd.concat(parts, ignore_index=True), [len(part) for part in parts]
    else:  # arrays are joined, not frames, which would take most of the time
        columns = [_columns(result, *cuts(i, j), i, j, k) for i, j in asked]
        frame = pd.DataFrame({name: np.concatenate([part[name] for part in columns]) for name in columns[0]})
        sizes = [len(part["gene"]) for part in columns]
    for place, (name, groups) in enumerate(zip(("source", "target"), np.array(asked).T, strict=True)):
        frame.insert(place, name, np.repeat(np.array(result.groups, dtype=object)[groups], sizes))
    return with_symbols(frame, adata, gene_symbols)


@checked()
@with_docs
def deltas(adata: AnnData, *, sparsity: int | None = None, consistent: bool = False, key: str = "tgt") -> pd.DataFrame:
    """Basis translations: the translation of each group from the common origin.

    The translation A → B is row B minus row A (cut to the largest ``sparsity`` changes if
    ``adata.uns[key]["params"]["pair_cut"]`` is set; :func:`scgce.get.explanation` does so).

    Parameters
    ----------
    {result}
    {selected}
    {consistent}
    {key}

    Returns
    -------
    Groups × genes, in the stored gauge (the row of the reference is 0), units of the explained matrix.

    Raises
    ------
    KeyError, ValueError
        As :func:`scgce.get.explanation`.
    """
    result = Result.read(adata, key, consistent=consistent)
    index = pd.Index(result.groups, name="group")
    return pd.DataFrame(result.basis(sparsity), index=index, columns=pd.Index(result.genes, name="gene"))


def _columns(
    result: Result, genes: NDArray[np.int64], amounts: NDArray[np.float32], i: int, j: int, k: int
) -> dict[str, NDArray[Any]]:
    """The columns of a pair's frame, the largest amount first."""
    order = np.argsort(-np.abs(amounts), kind="stable")
    genes, amount = genes[order], amounts[order].astype(np.float64)
    source, target = result.means[i, genes], result.means[j, genes]
    difference, change = target - source, result.changes(i, j, genes, k)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(difference == 0, np.nan, amount / difference)
    columns = {
        "gene": result.genes[genes],
        "delta": amount,
        "change": change,
        "mean_source": source,
        "mean_after": result.means_after(i, genes, change),
        "mean_target": target,
        "mean_difference": difference,
        "share": share,
    }
    if "programs" in result.raw:
        programs = StoredPrograms.read(result)
        columns["program"] = programs.names[programs.owner()[genes]]
    return columns
