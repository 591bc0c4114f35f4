"""Markers: what sets each group apart, in the baseline gauge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scgce._api.constraints import NONE, checked, whole
from scgce._api.docs import with_docs
from scgce._api.symbols import with_symbols
from scgce.core.gauge import gauge
from scgce.core.score.contrast import CLEAR, contrasts
from scgce.store.result import Result


@checked(n_genes=whole(1) | NONE)
@with_docs
def markers(
    adata: AnnData,
    group: Any = None,
    *,
    n_genes: int | None = None,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Genes that set a group apart from the typical group.

    Basis translations are read in the "baseline" gauge: gene by gene, the median over the groups (weighted by
    cells) is taken off, so that most entries are exactly 0 and what remains belongs to the group.

    Parameters
    ----------
    {result}
    group
        One group; all of them if not given.
    n_genes
        At most so many genes per group; all non-zero ones if not given.
    {selected}
    {symbol_column}
    {key}

    Returns
    -------
    Groups in their stored order and, within each, largest absolute ``delta`` first: ``group``, ``gene``, ``delta``
    (baseline → group, units of the explained matrix), ``mean`` of the group and ``mean_rest`` of all other cells;
    ``n_against`` and ``against``: from how many and which other groups the gene tells this one, in the direction of
    ``delta``, the clearest first (contrast of the means, ``(a − b) / √(abs a + abs b + 0.1)``, of at least 0.3).

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If the group or sparsity is unknown, or ``n_genes`` is below 1.
    """
    result = Result.read(adata, key)
    rows = range(len(result.groups)) if group is None else [result.group(group, "group")]
    table = gauge(result.basis(sparsity), "baseline", result.sizes)
    weighted = result.sizes[:, None] * result.means
    rest = (weighted.sum(axis=0) - weighted) / (result.sizes.sum() - result.sizes)[:, None]
    parts = []
    for i in rows:
        genes = np.flatnonzero(table[i])
        genes = genes[np.argsort(-np.abs(table[i, genes]), kind="stable")][:n_genes]
        columns = {"gene": result.genes[genes], "delta": table[i, genes], "mean": result.means[i, genes]}
        columns |= {"mean_rest": rest[i, genes]} | _against(result, i, genes, np.sign(table[i, genes]))
        parts.append(pd.DataFrame({"group": result.groups[i], **columns}))
    return with_symbols(pd.concat(parts, ignore_index=True), adata, gene_symbols)


def _against(result: Result, row: int, genes: np.ndarray, signs: np.ndarray) -> dict[str, Any]:
    """From which groups each gene tells this one: how many, and their names between commas."""
    found = contrasts(result.means[:, genes], row) * signs
    ordered = [column.argsort(kind="stable")[::-1] for column in found.T]
    named = [[str(result.groups[j]) for j in order if found[j, g] >= CLEAR] for g, order in enumerate(ordered)]
    return {"n_against": [len(names) for names in named], "against": [", ".join(names) for names in named]}
