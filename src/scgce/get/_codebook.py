"""The codebook of a result in programmes: which level every group has, and what a pair's programmes are."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.store.programs import StoredPrograms, level_in_words
from scgce.store.result import Result

LEADING = 5
"""Genes written out for a programme."""
_COLUMNS = ("program", "n_genes", "leading_genes", "level_source", "level_target", "mean_source", "mean_target")


@checked()
@with_docs
def codebook(
    adata: AnnData, *, sparsity: int | None = None, gene_symbols: str | None = None, key: str = "tgt"
) -> pd.DataFrame:
    """Which level every group has in every gene programme: the whole result of ``tl.tgt(…, programs=…)`` in one table.

    A programme takes part in A → B exactly if A and B lie on different levels of it; its genes are then moved from the
    mean of the one level to the mean of the other.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt` in programmes.
    sparsity
        Programmes per pair, one of those computed; the selected number if not given.
    {symbol_names}
    {key}

    Returns
    -------
    Programmes × groups, two blocks of columns: ``frame["level"]``, the level of every group, 0 the lowest, and
    ``frame["mean"]``, the mean expression over the programme's genes on that level, in units of the explained matrix.
    ``frame.attrs["leading_genes"]`` maps a programme to its leading genes, ``frame.attrs["n_genes"]`` to their number.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If the result explains in genes, or the sparsity was not computed.
    """
    result = Result.read(adata, key)
    found = StoredPrograms.read(result, sparsity)
    index, columns = pd.Index(found.names, name="program"), pd.Index(result.groups, name="group")
    blocks = {"level": found.levels, "mean": found.amounts}
    frame = pd.concat({name: pd.DataFrame(table, index, columns) for name, table in blocks.items()}, axis=1)
    labels = gene_labels(adata, result.genes, gene_symbols)
    leading = [labels[found.leading(m, LEADING)] for m in range(len(found.names))]
    frame.attrs = {
        "leading_genes": {name: ", ".join(genes) for name, genes in zip(found.names, leading, strict=True)},
        "n_genes": dict(zip(found.names, found.n_genes.tolist(), strict=True)),
    }
    return frame


def in_programs(result: Result, by: str | None) -> bool:
    """Whether a frame has a row a programme.

    Raises
    ------
    ValueError
        If programmes are asked of a result in genes.
    """
    if by not in (None, "program", "gene"):
        raise ValueError(f"by={by!r}: expected 'program', 'gene' or None")
    if by == "program" and "programs" not in result.raw:
        raise ValueError(f"by='program': adata.uns[{result.key!r}] explains in genes; expected by='gene'")
    return by != "gene" and "programs" in result.raw


def program_rows(found: StoredPrograms, i: int, j: int, labels: np.ndarray) -> pd.DataFrame:
    """A row for every programme that takes part in row i → row j, largest share first; ``labels`` names genes (d,)."""
    result, share = found.result, found.share(i, j)
    real = result.means[j] - result.means[i]
    part = found.between(i, j)
    rows = []
    for m in part[np.argsort(-share[part], kind="stable")]:
        leading = ", ".join(f"{labels[gene]} ({real[gene]:+.2f})" for gene in found.leading(m, LEADING))
        words = [level_in_words(int(found.levels[m, group]), int(found.n_levels[m])) for group in (i, j)]
        before, after = found.amounts[m, [i, j]]
        named = (found.names[m], int(found.n_genes[m]), leading, *words, before, after)
        rows.append({**dict(zip(_COLUMNS, named, strict=True)), "size": after - before, "share": share[m]})
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, "size", "share"])
    return frame.astype({"n_genes": int, **dict.fromkeys(("mean_source", "mean_target", "size", "share"), float)})
