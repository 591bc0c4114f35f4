"""Pairwise metrics as heatmaps (paper, Figures 8 and 15–18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from scgce._api.columns import label_among
from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.get._metrics import metrics as read_metrics
from scgce.pl._labels import USUAL, room, short_names
from scgce.pl._style import FAINT, INK, SEQUENTIAL, figure_of, finish, lay_out, split, text_on
from scgce.store.result import Result

TITLES = {
    "correctness": "Correctness",
    "coverage": "Coverage",
    "percent_explained": "Distance explained",
    "judge_logreg": "Judge: logistic regression",
    "judge_knn": "Judge: nearest neighbours",
    "n_genes": "Genes per pair",
}
SMALLEST_TEXT = 4.5  # points; smaller numbers cannot be read in print


def metrics_data(
    adata: AnnData,
    metrics: Sequence[str] = ("correctness", "coverage"),
    *,
    sparsity: int | None = None,
    order: Literal["category", "cluster"] | Sequence[str] = "category",
    include_self: bool = False,
    key: str = "tgt",
) -> pd.DataFrame:
    """Put the metrics of all pairs into one long frame in the order of the plot.

    Returns
    -------
    ``metric``, ``source``, ``target``, ``value``; source and target are ordered categoricals. With
    ``order="cluster"`` groups that reach each other well (mean correctness and coverage, both directions) are
    neighbours: average linkage with optimal leaf order.

    Raises
    ------
    ValueError
        If a metric is unknown, or the order is no permutation of the groups.
    """
    result = Result.read(adata, key)
    known = list(dict.fromkeys([*TITLES, *result.judges]))
    unknown = [name for name in metrics if name not in known]
    if unknown or not len(metrics):
        raise ValueError(f"metrics={list(metrics)!r}: expected some of {', '.join(known)}")
    table = read_metrics(adata, sparsity=sparsity, include_self=include_self, key=key)
    names = _ordered(result, table, order)
    long = table.melt(["source", "target"], list(metrics), var_name="metric", value_name="value")
    for column in ("source", "target"):
        long[column] = pd.Categorical(long[column], names, ordered=True)
    return long[["metric", "source", "target", "value"]]


@checked()
@with_docs
def metrics(
    adata: AnnData,
    metrics: Sequence[str] = ("correctness", "coverage"),
    *,
    sparsity: int | None = None,
    order: Literal["category", "cluster"] | Sequence[str] = "category",
    include_self: bool = False,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw metrics of every ordered pair: source down, target across, the mean in the title.

    Beside the mean stands what real cells reach: the mean self-similarity of the groups, for correctness and coverage,
    and a judge's accuracy on the reported cells.

    Parameters
    ----------
    {result}
    metrics
        One panel each: ``"correctness"``, ``"coverage"``, ``"percent_explained"``, ``"judge_logreg"``,
        ``"judge_knn"`` (or another judge that was given), ``"n_genes"``.
    {selected}
    order
        ``"category"`` keeps the groups' order, ``"cluster"`` puts groups that reach each other side by side; or a
        list of all groups.
    include_self
        Also show each group against itself and let it into the mean, as the paper does.
    {key}
    {divided}

    Returns
    -------
    List of the panels' Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``.
    ValueError
        If a metric, the order or the sparsity is unknown.
    """
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    frame = metrics_data(adata, wanted, sparsity=sparsity, order=order, include_self=include_self, key=key)
    count = frame["source"].cat.categories.size
    side = float(np.clip(0.42 * count, 2.4, 7.0))
    long = room(short_names(frame["source"].cat.categories), _tick_size(count), USUAL)
    size = (len(wanted) * (side + 0.5) + 1.6 + long, side + 2.0 + long)
    figure, grid = split(ax, size, nrows=1, ncols=len(wanted))
    axes: list[Axes] = []
    result = Result.read(adata, key)
    k = result.check_sparsity(sparsity)
    for column, metric in enumerate(wanted):
        place = figure.add_subplot(grid[0, column])
        table = frame[frame["metric"] == metric].pivot_table(
            index="source", columns="target", values="value", observed=False, dropna=False
        )
        ceiling = result.ceiling(metric if metric.startswith("judge_") else "correctness", k)
        heatmap(place, table, metric, labelled=column == 0, ceiling=float(np.mean(ceiling)))
        axes.append(place)
    _color_bars(axes, wanted)
    lay_out(figure)
    for place in axes:
        _write_values(place, count)
    return finish(axes, ax=ax, show=show, return_fig=return_fig, laid_out=True)


def _tick_size(count: int) -> str | float:
    return "small" if count <= 15 else "x-small" if count <= 30 else 5.0


def heatmap(ax: Axes, table: pd.DataFrame, metric: str, *, labelled: bool, ceiling: float = np.nan) -> None:
    """Draw one matrix of pairs; NaN (also the diagonal) is grey. ``ceiling``: what real cells reach."""
    values = table.to_numpy(float)
    highest = max(float(np.nanmax(values, initial=1.0)), 1.0) if metric == "n_genes" else 1.0
    ax.set_facecolor(FAINT)
    ax.imshow(values, cmap=SEQUENTIAL, vmin=0.0, vmax=highest, interpolation="nearest")
    style: dict[str, Any] = {"fontsize": _tick_size(len(table)), "parse_math": False}
    ax.set_xticks(range(len(table)), labels=short_names(table.columns), rotation=90, **style)
    ax.set_yticks(range(len(table)), labels=short_names(table.index) if labelled else [""] * len(table), **style)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("target")
    if labelled:
        ax.set_ylabel("source")
    mean = np.nanmean(values) if np.isfinite(values).any() else np.nan
    shown = f"mean {mean:.1f}" if metric == "n_genes" else f"mean {mean:.2f}"
    if (metric in ("correctness", "coverage") or metric.startswith("judge_")) and np.isfinite(ceiling):
        shown += f" (real cells {ceiling:.2f})"
    ax.set_title(f"{TITLES.get(metric, metric.replace('judge_', 'Judge: '))}\n{shown}", fontsize="medium", color=INK)


def _color_bars(axes: list[Axes], metrics: Sequence[str]) -> None:
    """One bar for all panels that show shares, one for numbers of genes."""
    shares = [place for place, metric in zip(axes, metrics, strict=True) if metric != "n_genes"]
    counts = [place for place, metric in zip(axes, metrics, strict=True) if metric == "n_genes"]
    for places in (shares, counts):
        if places:
            image = places[-1].get_images()[0]
            low = bool(np.nanmin(_values(image), initial=0.0) < 0)
            style: dict[str, Any] = {"fraction": 0.03, "pad": 0.02, "aspect": 25, "extend": "min" if low else "neither"}
            bar = figure_of(places[-1]).colorbar(image, ax=places, **style)
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize="x-small", length=2)


def _write_values(ax: Axes, count: int) -> None:
    """Write the value into each cell if digits fit at a legible size."""
    image = ax.get_images()[0]
    cell = ax.get_window_extent().width / count * 72 / figure_of(ax).dpi
    size = min(8.5, cell / 2.4)
    if size < SMALLEST_TEXT:
        return
    values = _values(image)
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        text = f"{value:.0f}" if image.norm.vmax != 1.0 else f"{value:.2f}".replace("0.", ".", 1)
        ink = text_on(image.cmap(image.norm(value)))
        # Inside its cell: a layout that asked each text for its size would take several times as long.
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color=ink, in_layout=False)


def _values(image: AxesImage) -> NDArray[np.float64]:
    array = image.get_array()
    return np.asarray(np.ma.filled(np.ma.asarray(array, dtype=np.float64), np.nan))


def _ordered(result: Result, table: pd.DataFrame, order: Literal["category", "cluster"] | Sequence[str]) -> list[str]:
    names = [str(group) for group in result.groups]
    if isinstance(order, str) and order == "category":
        return names
    if isinstance(order, str) and order == "cluster":
        if len(names) < 3:
            return names
        score = table.assign(reach=table[["correctness", "coverage"]].mean(axis=1).fillna(0.0))
        reach = score.pivot_table(index="source", columns="target", values="reach").reindex(names, axis=0)
        reach = reach.reindex(names, axis=1).fillna(1.0).to_numpy()
        distance = 1.0 - (reach + reach.T) / 2
        np.fill_diagonal(distance, 0.0)
        tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
        return [names[leaf] for leaf in leaves_list(tree)]
    given = [label_among(group, names) for group in order]
    if isinstance(order, str) or sorted(given) != sorted(names):
        raise ValueError(f"order={order!r}: expected 'category', 'cluster' or a list of all groups: {', '.join(names)}")
    return given
