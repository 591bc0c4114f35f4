"""The codebook: which groups share a level of a gene, and in which order the levels lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.core.gauge import gauge
from scgce.pl._labels import wrap
from scgce.pl._style import FAINT, INK, MUTED, despine, finish, group_colors, new_figure
from scgce.store.result import Result

# Groups nearer than this share of the widest gene's range are drawn as one level.
SAME = 0.004
ROW = 0.32  # inches for a gene
DOT = 5.4  # points
MOST_DOTS = 4
BESIDE = 34  # characters of a line beside the picture


def levels_data(adata: AnnData, *, n_genes: int = 25, sparsity: int | None = None, key: str = "tgt") -> pd.DataFrame:
    """Read the levels of the genes that move most between groups.

    Returns
    -------
    One row per gene and group: ``gene``, ``group``, ``delta`` (baseline gauge), ``level`` (0 for the lowest of the
    gene), ``n_levels`` of the gene and ``n_pairs`` (unordered pairs of groups on different levels). Genes with
    the largest amounts first, summed over pairs: genes that every group has a little differently come late.

    Raises
    ------
    ValueError
        If the sparsity is unknown.
    """
    result = Result.read(adata, key)
    table = gauge(result.basis(sparsity), "baseline", result.sizes)
    reach = np.ptp(table, axis=0)
    tolerance = SAME * float(reach.max(initial=0.0))
    order = np.argsort(table, axis=0, kind="stable")
    steps = np.diff(np.take_along_axis(table, order, axis=0), axis=0) > tolerance
    level = np.zeros(table.shape, dtype=np.int64)
    np.put_along_axis(level, order, np.vstack([np.zeros((1, table.shape[1]), int), np.cumsum(steps, axis=0)]), axis=0)
    n_pairs = np.array([(level[:, None, g] != level[None, :, g]).sum() // 2 for g in range(table.shape[1])])
    weights = 2 * np.arange(len(table)) - len(table) + 1  # of sorted values: sums their differences over pairs
    total = weights @ np.sort(table, axis=0)
    genes = np.lexsort((-n_pairs, -total))[:n_genes]
    genes = genes[n_pairs[genes] > 0]
    size = len(result.groups)
    return pd.DataFrame(
        {
            "gene": np.repeat(result.genes[genes], size),
            "group": np.tile(result.groups, len(genes)),
            "delta": table[:, genes].T.ravel(),
            "level": level[:, genes].T.ravel(),
            "n_levels": np.repeat(level.max(axis=0)[genes] + 1, size),
            "n_pairs": np.repeat(n_pairs[genes], size),
        }
    )


@checked()
@with_docs
def levels(
    adata: AnnData,
    *,
    n_genes: int = 25,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw one line per gene with one dot per group at its level.

    Groups at the same place stand on one another, and more than four become a disc with their number. Two groups at
    the same place need nothing of that gene to become each other; the distance between two dots is the amount to add.

    Parameters
    ----------
    {result}
    n_genes
        Genes shown at most, those with the largest amounts summed over pairs.
    {selected}
    {gene_symbols}
    {key}
    {figure}

    Returns
    -------
    {drawn}
    """
    frame = levels_data(adata, n_genes=n_genes, sparsity=sparsity, key=key)
    result = Result.read(adata, key)
    names = [str(group) for group in result.groups]
    colors = group_colors(adata, result.groupby, names)
    genes = list(dict.fromkeys(frame["gene"]))
    lines = sum(wrap(name, BESIDE).count("\n") + 1.2 for name in names)
    height = max(ROW * len(genes) + 1.0, 0.14 * lines + 0.8, 2.6)
    place = new_figure(9.0, height).add_subplot() if ax is None else ax
    near = DOT / (5.4 * 72) * float(np.ptp(frame["delta"])) if len(frame) else 1.0
    for y, gene in enumerate(genes):
        _draw_gene(place, y, frame[frame["gene"] == gene], colors, near)
    place.axvline(0, color=MUTED, linewidth=0.7, zorder=0)
    place.set_yticks(
        range(len(genes)), labels=gene_labels(adata, genes, gene_symbols), fontsize="small", parse_math=False
    )
    place.set_ylim(len(genes) - 0.4, -0.6)
    place.set_xlabel("amount relative to the typical group")
    place.tick_params(axis="y", length=0)
    despine(place, left=True)
    _legend(place, names, colors)
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _draw_gene(ax: Axes, y: int, part: pd.DataFrame, colors: dict[str, str], near: float) -> None:
    """One line with its dots: few at one place stand on one another, many become a disc with their number."""
    part = part.sort_values("delta", kind="stable")
    ax.plot([part["delta"].iloc[0], part["delta"].iloc[-1]], [y, y], color=FAINT, linewidth=1.2, zorder=1)
    heap = (part["delta"].diff() > near).cumsum()
    for _, together in part.groupby(heap):
        count = len(together)
        if count > MOST_DOTS:
            box = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": MUTED, "linewidth": 0.9}
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "x-small", "zorder": 4, "bbox": box}
            ax.text(together["delta"].median(), y, str(count), color=INK, **style)
            continue
        height = y + (np.arange(count) - (count - 1) / 2) * DOT / (72 * ROW)
        shades = [colors[str(name)] for name in together["group"]]
        ax.scatter(together["delta"], height, s=DOT**2, c=shades, zorder=3, linewidths=0.3, edgecolors="white")


def _legend(ax: Axes, names: list[str], colors: dict[str, str]) -> None:
    handles = [Line2D([], [], marker="o", linestyle="", color=colors[name], label=wrap(name, BESIDE)) for name in names]
    size = "small" if len(names) <= 12 else "x-small"
    if any(text.get_text().isdigit() for text in ax.texts):
        disc: dict[str, Any] = {"markersize": 9, "color": "white", "markeredgecolor": MUTED}
        handles.append(Line2D([], [], marker="o", linestyle="", label="n groups together", **disc))
    style: dict[str, Any] = {"frameon": False, "fontsize": size, "handletextpad": 0.1, "labelspacing": 0.35}
    legend = ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), labelcolor=INK, **style)
    for text in legend.get_texts():
        text.set_parse_math(False)
