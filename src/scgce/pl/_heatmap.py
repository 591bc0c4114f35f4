"""Translations of groups × genes in a chosen gauge."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.core.gauge import gauge
from scgce.pl._labels import USUAL, room, short_names, shorten
from scgce.pl._matrix import clustered, signed_heatmap, tick_size
from scgce.pl._style import finish, new_figure
from scgce.store.result import Result


def translations_data(
    adata: AnnData,
    *,
    reference: Any = "baseline",
    n_genes: int = 50,
    sparsity: int | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Translations of the genes that move most, relative to a group or to the median group.

    Returns
    -------
    Long frame ``group``, ``gene``, ``delta``: all groups and the ``n_genes`` genes with the largest range over the
    groups, both in stored order.

    Raises
    ------
    ValueError
        If the reference or sparsity is unknown.
    """
    result = Result.read(adata, key)
    basis = result.basis(sparsity)
    spread = np.ptp(basis, axis=0)
    genes = np.sort(np.argsort(-spread, kind="stable")[:n_genes])
    genes = genes[spread[genes] > 0]
    row: Any = "baseline" if reference == "baseline" else result.group(reference, "reference")
    table = gauge(basis[:, genes], row, result.sizes)
    frame = pd.DataFrame(table, pd.Index(result.groups, name="group"), pd.Index(result.genes[genes], name="gene"))
    found = frame.reset_index().melt("group", var_name="gene", value_name="delta")
    found.attrs["reference"] = row if isinstance(row, str) else str(result.groups[row])
    return found


@checked()
@with_docs
def heatmap(
    adata: AnnData,
    *,
    reference: Any = "baseline",
    n_genes: int = 50,
    order: Literal["category", "cluster"] = "cluster",
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the translation of every group, gene by gene: what to add to the reference to reach the group.

    Parameters
    ----------
    {result}
    reference
        Group that is 0, by its name or as ``{groupby: name}``, or ``"baseline"``: the median over groups, gene by gene,
        weighted by cells.
    n_genes
        Genes shown at most, those that differ most between groups.
    order
        ``"cluster"`` puts groups and genes with like translations side by side, ``"category"`` keeps the groups'
        order and clusters the genes only.
    {selected}
    {gene_symbols}
    {key}
    {figure}

    Returns
    -------
    {drawn}
    """
    if order not in ("category", "cluster"):
        raise ValueError(f"order={order!r}: expected 'category' or 'cluster'")
    frame = translations_data(adata, reference=reference, n_genes=n_genes, sparsity=sparsity, key=key)
    table = frame.pivot_table(index="group", columns="gene", values="delta", sort=False)
    table = table.loc[:, clustered(table.T)]
    if order == "cluster":
        table = table.loc[clustered(table)]
    table.columns = gene_labels(adata, table.columns, gene_symbols)
    width, height = 0.17 * table.shape[1] + 3.6, 0.22 * table.shape[0] + 1.8
    width += room(short_names(table.index), tick_size(table.shape[0]), USUAL)
    place = new_figure(max(width, 5.0), max(height, 2.6)).add_subplot() if ax is None else ax
    signed_heatmap(place, table, "amount")
    against = "the typical group" if reference == "baseline" else shorten(str(frame.attrs["reference"]))
    between = "\n" if len(against) > 30 else " "
    place.set_title(f"amount added to reach each group from{between}{against}", fontsize="medium", parse_math=False)
    return finish(place, ax=ax, show=show, return_fig=return_fig)
