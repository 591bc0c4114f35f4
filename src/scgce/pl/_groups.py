"""The representation and its groups (paper, Figures 1 and 10–14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scgce._api.adata import coordinates
from scgce._api.columns import group_key, stored_key
from scgce._api.constraints import NONE, TEXT, checked, one_of, sequence_of
from scgce._api.docs import with_docs
from scgce._api.groups import read_groups
from scgce.pl._labels import label_points, wrap
from scgce.pl._map import CellMap, cell_map, flat
from scgce.pl._scatter import cells, center, frame_map, point_size
from scgce.pl._style import FAINT, INK, PAD, figure_of, finish, group_colors, lay_out, new_figure
from scgce.store.result import Result

LONGEST_LINE = 18
# Names that cover more of the map than this hide it; numbers and a legend take their place.
MOST_COVERED = 0.18


def groups_data(adata: AnnData, groupby: str, chosen: CellMap) -> pd.DataFrame:
    """Look up the places and groups of all cells.

    Returns
    -------
    One row per cell with the columns ``cell``, ``group`` (missing for a cell in no group), ``x`` and ``y``.
    """
    groups = read_groups(adata, groupby, min_cells=1)
    stored = chosen.basis in adata.obsm
    points = flat(coordinates(adata, chosen.basis)) if stored else chosen.observed(adata, np.arange(adata.n_obs), None)
    names = pd.Categorical.from_codes(groups.codes, [str(name) for name in groups.names])
    return pd.DataFrame({"cell": np.asarray(adata.obs_names), "group": names, "x": points[:, 0], "y": points[:, 1]})


@checked(groupby=TEXT | sequence_of(TEXT, 1) | NONE, labels=one_of("auto", "map", "legend") | NONE)
@with_docs
def groups(
    adata: AnnData,
    groupby: str | Sequence[str] | None = None,
    *,
    basis: str | None = None,
    key: str = "tgt",
    labels: Literal["auto", "map", "legend"] | None = "auto",
    size: float | None = None,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the map with its groups named on it.

    Parameters
    ----------
    adata
        Annotated data with the map in ``obsm``.
    groupby
        Column of ``obs``; that of the stored explanation if not given.
    {basis}
    key
        Where in ``adata.uns`` an explanation is (needed only if ``groupby`` is not given).
    labels
        ``"map"`` writes names on the map without overlap, ``"legend"`` writes numbers there and the names beside it,
        ``"auto"`` takes the map if there is room. None leaves them out.
    size
        Area of a point in square points.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If the column or the basis is not there.
    """
    result = Result.read(adata, key) if groupby is None or key in adata.uns else None
    if groupby is None and result is not None:
        groupby = stored_key(adata, result.params)
    chosen = cell_map(adata, result, basis)
    groupby = group_key(adata, "" if groupby is None else groupby)
    frame = groups_data(adata, groupby, chosen)
    place = new_figure(6.0, 5.2).add_subplot() if ax is None else ax
    names = list(frame["group"].cat.categories)
    colors = group_colors(adata, groupby, names)
    area = point_size(len(frame)) if size is None else size
    _draw_points(place, frame, colors, area)
    frame_map(place, chosen.axes, frame[["x", "y"]].to_numpy())
    place.set_title(groupby, parse_math=False)
    placed = frame[frame[["x", "y"]].notna().all(axis=1)]
    middles = placed.groupby("group", observed=True)[["x", "y"]].apply(lambda part: center(part.to_numpy()))
    names = [name for name in names if name in middles.index]
    middles = middles.reindex(names)
    if labels in ("auto", "map"):
        texts = [wrap(name, LONGEST_LINE) for name in names]
        written = label_points(place, np.stack(middles.to_list()), texts, most=1.0 if labels == "map" else MOST_COVERED)
        labels = None if written else "legend"
    if labels == "legend":
        _numbered(place, middles, colors, widen=ax is None)
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _draw_points(ax: Axes, frame: pd.DataFrame, colors: dict[str, str], size: float) -> None:
    points = frame[["x", "y"]].to_numpy()
    colored = np.array([colors.get(name, FAINT) for name in frame["group"].astype(object)], dtype=object)
    # A fixed shuffle: groups drawn in order would hide those drawn first.
    order = np.random.default_rng(0).permutation(len(frame))
    order = order[np.argsort(frame["group"].notna().to_numpy()[order], kind="stable")]
    cells(ax, points[order], color=list(colored[order]), size=size)


def _numbered(ax: Axes, middles: pd.Series, colors: dict[str, str], *, widen: bool) -> None:
    """Numbers in discs on the map, and their names beside it; ``widen`` gives the figure room for them."""
    names = [str(name) for name in middles.index]
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colors[name], label=f"{number}  {wrap(name, 36)}")
        for number, name in enumerate(names, start=1)
    ]
    many = len(names) > 20
    style: dict[str, Any] = {"fontsize": "x-small" if many else "small", "handletextpad": 0.2, "columnspacing": 1.0}
    style |= {"ncols": -(-len(names) // 32), "labelspacing": 0.3 if many else 0.5, "frameon": False}
    legend = ax.legend(handles=handles, loc="center left", bbox_to_anchor=(1.01, 0.5), labelcolor=INK, **style)
    for text in legend.get_texts():
        text.set_parse_math(False)
    figure = figure_of(ax)
    if widen:
        lay_out(figure)
        width, height = figure.get_size_inches()
        box = legend.get_window_extent()
        figure.set_size_inches(width + box.width / figure.dpi, max(height, box.height / figure.dpi + PAD))
    numbers = [str(number) for number in range(1, len(names) + 1)]
    shades = [colors[name] for name in names]
    label_points(ax, np.stack(middles.to_list()), numbers, colors=shades, discs=True, fontsize="x-small")
