"""All genes of one explanation beside the dense difference between means (paper, Figure 2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.text import Text

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.pl._labels import arrow, spread
from scgce.pl._style import INK, LOWERED, MUTED, RAISED, despine, figure_of, finish, lay_out, split
from scgce.store.result import Result


def translation_data(
    adata: AnnData, source: Any, target: Any, *, sparsity: int | None = None, key: str = "tgt"
) -> pd.DataFrame:
    """Amounts of all genes of the result.

    Returns
    -------
    One row per gene in stored order: ``gene``, ``position``, ``delta`` (0 outside the explanation) and
    ``mean_difference``.
    """
    result = Result.read(adata, key)
    i, j = result.pair(source, target)
    return pd.DataFrame(
        {
            "gene": result.genes,
            "position": np.arange(len(result.genes)),
            "delta": result.delta(i, j, sparsity).astype(float),
            "mean_difference": result.means[j] - result.means[i],
        }
    )


@checked()
@with_docs
def translation(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    n_labels: int = 8,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the amount of every gene, and below it the difference of means of every gene.

    Parameters
    ----------
    {result}
    source, target
        Names of two groups.
    {selected}
    {gene_symbols}
    {key}
    n_labels
        Genes named in each panel, those with the largest amounts.
    {divided}

    Returns
    -------
    List of the two Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If a group or sparsity is unknown.
    """
    source, target = Result.read(adata, key).names(source, target)
    frame = translation_data(adata, source, target, sparsity=sparsity, key=key)
    frame["gene"] = gene_labels(adata, frame["gene"], gene_symbols)
    figure, grid = split(ax, (8.0, 5.0), nrows=2, ncols=1)
    axes = [figure.add_subplot(grid[0, 0])]
    axes.append(figure.add_subplot(grid[1, 0], sharex=axes[0]))
    used = int((frame["delta"] != 0).sum())
    _stems(axes[0], frame, "delta", 1.4)
    axes[0].set_title(
        f"{arrow(str(source), str(target), 70)}\n{used} genes", loc="left", fontsize="medium", parse_math=False
    )
    axes[0].set_ylabel("explanation: amount")
    _stems(axes[1], frame, "mean_difference", 0.6)
    different = int((frame["mean_difference"] != 0).sum())
    axes[1].set_title(f"{different} genes differ in their mean", loc="left", fontsize="medium")
    axes[1].set_ylabel("difference of means")
    axes[1].set_xlabel(f"gene (1 to {len(frame)})")
    axes[0].set_xlim(-0.01 * len(frame) - 1, 1.01 * len(frame))
    axes[0].tick_params(labelbottom=False)
    lay_out(figure)
    for place, column in zip(axes, ("delta", "mean_difference"), strict=True):
        _name_largest(place, frame, column, n_labels)
    return finish(axes, ax=ax, show=show, return_fig=return_fig)


def _stems(ax: Axes, frame: pd.DataFrame, column: str, width: float) -> None:
    part = frame[frame[column] != 0]
    colors = [RAISED if value > 0 else LOWERED for value in part[column]]
    ax.vlines(part["position"], 0, part[column], colors=colors, linewidth=width, rasterized=len(part) > 2_000)
    ax.axhline(0, color=MUTED, linewidth=0.8)
    largest = float(frame[column].abs().max()) or 1.0
    ax.set_ylim(-1.1 * largest, 1.1 * largest)
    despine(ax)


def _name_largest(ax: Axes, frame: pd.DataFrame, column: str, count: int) -> None:
    """Names above raised and below lowered genes, moved sideways where they would touch."""
    part = frame.reindex(frame[column].abs().sort_values(ascending=False, kind="stable").index)
    part = part[part[column] != 0].head(count)
    box, point = ax.get_window_extent(), figure_of(ax).dpi / 72
    style: dict[str, Any] = {"fontsize": "x-small", "color": INK, "rotation": 90, "ha": "center", "parse_math": False}
    line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
    height = 1.12 * (float(frame[column].abs().max()) or 1.0)
    gap, longest = 11 * point / box.width * float(np.ptp(ax.get_xlim())), 0.0
    for sign in (1, -1):
        side = part[np.sign(part[column]) == sign]
        places = spread(side["position"].to_numpy(float), gap, *ax.get_xlim())
        for (_, row), x in zip(side.iterrows(), places, strict=True):
            at: dict[str, Any] = {
                "xy": (row["position"], row[column]),
                "xytext": (x, sign * height),
                "arrowprops": line,
            }
            text = ax.annotate(str(row["gene"]), va="bottom" if sign > 0 else "top", **at, **style)
            longest = max(longest, Text.get_window_extent(text).height)
    # The panel grows until the longest name fits between the largest amount and the frame.
    room = height / max(1 - 2 * (longest + 6 * point) / box.height, 0.15)
    ax.set_ylim(-room, room)
