"""Markers of every group, beside the real expression of the same genes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from scgce._api.adata import gene_places, get_matrix
from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.core.gauge import gauge
from scgce.get._markers import markers as read_markers
from scgce.matrix.arrays import dense_columns
from scgce.pl._labels import USUAL, room, short_names
from scgce.pl._map import explained_cells, layer_of
from scgce.pl._matrix import signed_heatmap, tick_size
from scgce.pl._style import FAINT, figure_of, finish, split
from scgce.store.result import Result


def markers_data(adata: AnnData, *, n_genes: int = 3, sparsity: int | None = None, key: str = "tgt") -> pd.DataFrame:
    """Choose the genes of the plot, and read their translations in all groups.

    Returns
    -------
    Long frame ``marker_of`` (the group that the gene is listed for), ``gene``, ``group``, ``delta`` (baseline
    gauge). Only raised genes that ``adata`` has; each gene once, with the group where it is raised most.

    Raises
    ------
    ValueError
        If the sparsity is unknown.
    """
    result = Result.read(adata, key)
    found = read_markers(adata, sparsity=sparsity, key=key)
    found = found[(found["delta"] > 0) & found["gene"].isin(adata.var_names.astype(str))]
    found = found.sort_values("delta", ascending=False, kind="stable").drop_duplicates("gene")
    found = found.groupby("group", sort=False).head(n_genes)
    order = {group: row for row, group in enumerate(result.groups)}
    found = found.sort_values("group", key=lambda column: column.map(order), kind="stable")
    table = gauge(result.basis(sparsity), "baseline", result.sizes)
    at = pd.Index(result.genes).get_indexer(found["gene"])
    size = len(result.groups)
    return pd.DataFrame(
        {
            "marker_of": np.repeat(found["group"].to_numpy(), size),
            "gene": np.repeat(found["gene"].to_numpy(), size),
            "group": np.tile(result.groups, len(found)),
            "delta": table[:, at].T.ravel(),
        }
    )


@checked()
@with_docs
def markers(
    adata: AnnData,
    *,
    n_genes: int = 3,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the genes that set each group apart: amounts left, real expression (scanpy's dot plot) right.

    Amounts are in the "baseline" gauge: relative to the median group, gene by gene.

    Parameters
    ----------
    {result}
    n_genes
        Raised genes listed for each group at most.
    {selected}
    {gene_symbols}
    {key}
    {divided}

    Returns
    -------
    List of the two panels' Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If an argument is out of range, or no group has a raised gene that ``adata`` still has.
    """
    frame = markers_data(adata, n_genes=n_genes, sparsity=sparsity, key=key)
    if frame.empty:
        raise ValueError(f"key={key!r}: no group has a raised gene among the {adata.n_vars} genes of adata")
    result = Result.read(adata, key)
    table = frame.pivot_table(index="gene", columns="group", values="delta", sort=False)[list(result.groups)]
    columns = list(table.columns)
    wide, high = max(0.24 * len(columns), 1.4), max(0.19 * len(table), 2.4)
    long = room(short_names(columns), tick_size(len(columns)), USUAL)
    figure, grid = split(ax, (2 * wide + 3.2, high + 2.2 + long), nrows=1, ncols=3, width_ratios=[wide, wide, 1.2])
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    named = table.set_axis(gene_labels(adata, table.index, gene_symbols))
    image = signed_heatmap(left, named, "", bar=False)
    left.set_title("explanation", fontsize="medium")
    dots, shares = _dots(right, adata, result, list(table.index))
    _legends(figure.add_subplot(grid[0, 2]), image, dots, shares)
    return finish([left, right], ax=ax, show=show, return_fig=return_fig)


def _dots(ax: Axes, adata: AnnData, result: Result, genes: list[str]) -> tuple[PathCollection, NDArray[np.float64]]:
    """Numbers of scanpy's dot plot, genes down and groups across; returns the dots and some shares for the legend."""
    codes = explained_cells(adata, result).codes
    values = dense_columns(get_matrix(adata, layer_of(result, adata)), gene_places(adata, genes))
    small = AnnData(values[codes >= 0], var=pd.DataFrame(index=genes))  # scanpy cannot read every kind of matrix
    names = [str(group) for group in result.groups]
    small.obs["group"] = pd.Categorical.from_codes(codes[codes >= 0], names).remove_unused_categories()
    plot = sc.pl.DotPlot(small, genes, "group", use_raw=False)
    share = plot.dot_size_df.reindex(names)[genes].to_numpy(float)  # NaN for a group without cells
    mean = plot.dot_color_df.reindex(names)[genes].to_numpy(float)
    column, row = np.meshgrid(np.arange(len(names)), np.arange(len(genes)), indexing="ij")
    style: dict[str, Any] = {
        "cmap": "Greens",
        "edgecolors": "0.4",
        "linewidths": 0.3,
        "vmin": min(0.0, float(np.nanmin(mean))),
    }
    dots = ax.scatter(column.ravel(), row.ravel(), s=_area(share.ravel()), c=mean.ravel(), **style)
    ax.set_xticks(
        range(len(names)), labels=short_names(names), rotation=90, fontsize=tick_size(len(names)), parse_math=False
    )
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.tick_params(which="both", length=0, labelleft=False)
    ax.spines[:].set_color(FAINT)
    ax.set_title("real expression", fontsize="medium")
    return dots, np.array([0.2, 0.4, 0.6, 0.8, 1.0])


def _area(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """scanpy's dot area: the share of expressing cells to the power 1.5."""
    return 55.0 * share**1.5


def _legends(ax: Axes, amounts: AxesImage, dots: PathCollection, shares: NDArray[np.float64]) -> None:
    """Stack three scales on one another: amounts, mean expression, share of expressing cells."""
    ax.set_axis_off()
    figure = figure_of(ax)
    for image, title, bottom in ((amounts, "amount added", 0.88), (dots, "mean expression", 0.62)):
        scale = ax.inset_axes((0.0, bottom, 1.0, 0.035))
        bar = figure.colorbar(image, cax=scale, orientation="horizontal")
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(3)
        bar.update_ticks()
        scale.set_title(title, fontsize="small")
        scale.tick_params(labelsize="x-small", length=2)
    sizes = ax.inset_axes((0.0, 0.36, 1.0, 0.06))
    sizes.scatter(
        range(len(shares)), np.zeros(len(shares)), s=_area(shares), c="0.55", edgecolors="0.4", linewidths=0.3
    )
    sizes.set_xticks(range(len(shares)), labels=[f"{100 * share:.0f}" for share in shares], fontsize="x-small")
    sizes.set_yticks([])
    sizes.set_xlim(-0.6, len(shares) - 0.4)
    sizes.spines[:].set_visible(False)
    sizes.tick_params(length=0)
    sizes.set_title("cells expressing (%)", fontsize="small")
