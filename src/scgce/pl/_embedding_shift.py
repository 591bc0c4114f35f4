"""Where the explanations of all pairs take the cells, as arrows on the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from scgce._api.constraints import FLAG, checked
from scgce._api.docs import with_docs
from scgce._api.errors import listing
from scgce.pl._labels import label_points, wrap
from scgce.pl._map import Points, bounds_of, cell_map, explained_cells, layer_of, sample
from scgce.pl._scatter import cells, center, frame_map, point_size
from scgce.pl._style import FAINT, INK, SEQUENTIAL, figure_of, finish, new_figure
from scgce.store.result import Result


def embedding_shift_data(
    adata: AnnData,
    *,
    basis: str | None = None,
    sparsity: int | None = None,
    key: str = "tgt",
    max_cells: int = 200,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Mean place of the reported cells of each group before and after every explanation that starts there.

    Returns
    -------
    One row per ordered pair of groups that have reported cells here: ``source``, ``target``, ``x``, ``y`` (mean of the
    source), ``x_moved``, ``y_moved`` (mean of its translated cells), ``x_target``, ``y_target`` (mean of the target)
    and ``correctness``.

    Raises
    ------
    ValueError
        If the sparsity is unknown, no encoder of the map is stored, or fewer than two groups have reported cells.
    """
    result = Result.read(adata, key)
    k = result.check_sparsity(sparsity)
    chosen = cell_map(adata, result, basis)
    if chosen.encoder is None:
        raise ValueError(f"basis={chosen.basis!r}: translated cells cannot be placed, {chosen.reason}")
    known, layer = explained_cells(adata, result), layer_of(result, adata)
    generator, cuts = np.random.default_rng(rng), result.pair_cuts(k)
    bounds, scores = bounds_of(result, adata), result.scores("correctness", k)
    names = list(result.groups)
    there = [group for group in range(len(names)) if known.has(group)]
    if len(there) < 2:
        absent = [name for group, name in enumerate(names) if group not in there]
        raise ValueError(
            f"fewer than two groups have cells that took no part in the fit; without such: {listing(absent)}"
        )
    rows = {group: sample(known.rows(group, names[group]), max_cells, generator) for group in there}
    means = {group: _mean(chosen.observed(adata, part, layer)) for group, part in rows.items()}
    records = []
    for i, j in result.ordered_pairs:
        if i not in rows or j not in rows:
            continue
        genes, amounts = cuts(i, j)
        delta = pd.Series(amounts, index=result.genes[genes])
        moved = _mean(chosen.translated(adata, rows[i], delta, layer, bounds))
        records.append((result.groups[i], result.groups[j], *means[i], *moved, *means[j], scores[i, j]))
    columns = ["source", "target", "x", "y", "x_moved", "y_moved", "x_target", "y_target", "correctness"]
    return pd.DataFrame(records, columns=columns)


@checked(labels=FLAG)
@with_docs
def embedding_shift(
    adata: AnnData,
    *,
    basis: str | None = None,
    sparsity: int | None = None,
    key: str = "tgt",
    nearest: int | None = 2,
    labels: bool = True,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw an arrow for each pair from the mean of the source's reported cells to the mean of them translated.

    An explanation that works ends on its target; the colour is its correctness.

    Parameters
    ----------
    {result}
    basis
        Map to draw on, key of ``obsm``, of which an encoder is stored; by default the explained representation if it
        has two dimensions, else ``X_umap``, else its first two dimensions.
    {selected}
    {key}
    nearest
        Arrows of each group to so many groups nearest on the map; None draws all pairs.
    labels
        Write the names of the groups.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or the basis is not in ``obsm``.
    ValueError
        If the sparsity is unknown, or no encoder of the map is stored.
    """
    frame = embedding_shift_data(adata, basis=basis, sparsity=sparsity, key=key)
    result = Result.read(adata, key)
    chosen = cell_map(adata, result, basis)
    rows = sample(np.arange(adata.n_obs), 20_000, np.random.default_rng(0))
    points = chosen.observed(adata, rows, layer_of(result, adata))
    place = new_figure(7.0, 5.4).add_subplot() if ax is None else ax
    cells(place, points, color=FAINT, size=point_size(len(rows)))
    frame_map(place, chosen.axes, points)
    shown = _nearest(frame, nearest)
    colors = ScalarMappable(Normalize(0, 1), SEQUENTIAL)
    for row in shown.itertuples():
        style = {
            "arrowstyle": "-|>,head_width=0.22,head_length=0.4",
            "connectionstyle": "arc3,rad=0.12",
            "linewidth": 1.3,
        }
        known = np.isfinite(row.correctness)
        style |= {"color": colors.to_rgba(row.correctness) if known else INK, "shrinkA": 1, "shrinkB": 1}
        place.annotate("", (row.x_moved, row.y_moved), (row.x, row.y), arrowprops=style, zorder=4)
    bar = figure_of(place).colorbar(colors, ax=place, fraction=0.035, pad=0.02, aspect=25)
    bar.set_label("correctness", fontsize="small")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize="x-small", length=2)
    if labels:
        codes, placed = explained_cells(adata, result).codes[rows], np.isfinite(points).all(axis=1)
        present = [group for group in range(len(result.groups)) if (placed & (codes == group)).any()]
        middles = np.stack([center(points[codes == group]) for group in present])
        label_points(place, middles, [wrap(str(result.groups[group]), 18) for group in present], fontsize="x-small")
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _mean(points: Points) -> Points:
    """Mean place of the cells that have one; NaN if none has."""
    known = points[np.isfinite(points).all(axis=1)]
    return known.mean(axis=0) if len(known) else np.full(points.shape[1], np.nan)


def _nearest(frame: pd.DataFrame, count: int | None) -> pd.DataFrame:
    if count is None:
        return frame
    far = np.hypot(frame["x_target"] - frame["x"], frame["y_target"] - frame["y"])
    rank = far.groupby(frame["source"]).rank(method="first")
    return frame[rank <= count]
