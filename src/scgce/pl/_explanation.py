"""One explanation: its genes, and what they do to the cells on the map (paper, Figures 3, 9, 20, 22 and 23)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels, in_symbols
from scgce.get._evidence import stability as read_stability
from scgce.get._explanation import explanation as read_explanation
from scgce.pl._labels import arrow, wrap
from scgce.pl._lollipop import lollipop
from scgce.pl._map import CellMap, bounds_of, cell_map, explained_cells, layer_of, sample
from scgce.pl._scatter import cells, center, frame_map, note, point_size
from scgce.pl._style import FAINT, INK, MOVED, SOURCE, TARGET, finish, split
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result

FORWARD, BACK = "forward", "back"


def explanation_data(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    sparsity: int | None = None,
    key: str = "tgt",
    chosen: CellMap | None = None,
    max_cells: int = 20_000,
    max_moved: int = 1_000,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Place cells on the map before and after the translation, in both directions.

    Returns
    -------
    Long frame: ``cell``, ``group`` (missing for a cell in no group), ``state`` (``"observed"``, ``"translated"``),
    ``direction`` (``"forward"`` source → target, ``"back"`` target → source, empty when observed), ``x`` and ``y``.
    At most ``max_cells`` observed cells and ``max_moved`` translated cells of each of the two groups, reported ones.
    """
    result = Result.read(adata, key)
    i, j = result.pair(source, target)
    chosen = cell_map(adata, result) if chosen is None else chosen
    known, layer = explained_cells(adata, result), layer_of(result, adata)
    codes = known.codes
    generator = np.random.default_rng(rng)
    rows = sample(np.arange(adata.n_obs), max_cells, generator)
    parts = [_part(adata, result, codes, rows, chosen.observed(adata, rows, layer), "observed", "")]
    if chosen.encoder is not None:
        delta = pd.Series(result.delta(i, j, sparsity), index=result.genes)
        bounds = bounds_of(result, adata)
        for start, name, sign, direction in ((i, source, 1.0, FORWARD), (j, target, -1.0, BACK)):
            rows = sample(known.rows(start, name), max_moved, generator)
            points = chosen.translated(adata, rows, sign * delta[delta != 0], layer, bounds)
            parts.append(_part(adata, result, codes, rows, points, "translated", direction))
    return pd.concat(parts, ignore_index=True)


@checked()
@with_docs
def explanation(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    basis: str | None = None,
    n_genes: int = 20,
    size: float | None = None,
    max_cells: int = 20_000,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the genes of an explanation beside the map with the cells before and after it, both ways.

    Of a result in programmes the left shows programmes: the mean change of one of its genes, and how much that gene
    really differs between the two groups, whose levels may be shared with others.

    Left: what happens to the cells of the source, the mean of t(x) − x (filled dot, largest first), and the real
    difference between the two groups (hollow diamond). Of a result without bounds (``clip=None``) that is the amount
    itself; a thin line over it is its bootstrap interval, if :func:`scgce.tl.stability` was run.
    Middle: cells of the source where they are and where the encoder sees them after the translation; they should
    lie on the target. Right: the way back, with the opposite amounts.

    Parameters
    ----------
    {result}
    source, target
        Names of two groups.
    {selected}
    {gene_symbols}
    {key}
    {basis}
    n_genes
        Genes shown at most, those with the largest amounts.
    size
        Area of a point in square points.
    max_cells
        Cells shown at most, a fixed random sample; of each of the two groups at most 1,000 reported
        ones (which neither fitted nor selected the explanation) are translated.
    {divided}

    Returns
    -------
    List of the three Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, the basis is not in ``obsm``, or there is no column ``gene_symbols``.
    ValueError
        If a group or sparsity is unknown.
    """
    result = Result.read(adata, key)
    source, target = result.names(source, target)
    frame = _with_interval(adata, result, source, target, sparsity)
    chosen = cell_map(adata, result, basis)
    points = explanation_data(adata, source, target, sparsity=sparsity, key=key, chosen=chosen, max_cells=max_cells)
    figure, grid = split(ax, (12.5, 4.6), nrows=2, ncols=3, width_ratios=[0.8, 1, 1], height_ratios=[1, 0.06])
    axes = [figure.add_subplot(grid[0, column]) for column in range(3)]
    names, what = (str(source), str(target)), "genes"
    labels = gene_labels(adata, frame.get("gene", ()), gene_symbols)
    if "program" in frame:
        what = "programmes" if len(frame) != 1 else "programme"
        rows = _as_rows(frame, result, in_symbols(adata, frame["program"], result.genes, gene_symbols))
        lollipop(axes[0], rows, n_genes=n_genes, unit=f"{_unit(layer_of(result, adata))}, mean gene")
    else:
        shown, words = _as_changes(frame.assign(gene=labels), result)
        lollipop(axes[0], shown, n_genes=n_genes, unit=_unit(layer_of(result, adata)), what=words)
    axes[0].set_title(f"{len(frame)} {what}\n{arrow(*names, 30)}", **_TITLE)
    k = result.check_sparsity(sparsity)
    for place, (first, second), direction in ((axes[1], names, FORWARD), (axes[2], names[::-1], BACK)):
        _draw_map(place, points, first, second, direction, chosen, size)
        place.set_title(arrow(first, second, 44) + "\n" + _scores(result, first, second, k), **_TITLE)
    _legend(figure.add_subplot(grid[1, 1:]))
    return finish(axes, ax=ax, show=show, return_fig=return_fig)


_TITLE: dict[str, Any] = {"fontsize": "medium", "color": INK, "parse_math": False, "loc": "left"}


def _with_interval(adata: AnnData, result: Result, source: Any, target: Any, sparsity: int | None) -> pd.DataFrame:
    """The explanation, with the bootstrap interval of its amounts if one is stored for this sparsity."""
    frame = read_explanation(adata, source, target, sparsity=sparsity, key=result.key)
    if "program" in frame:
        return frame
    stored = result.raw.get("stability")
    if stored is None or int(stored["sparsity"]) != result.check_sparsity(sparsity):
        return frame
    found = read_stability(adata, str(source), str(target), key=result.key)
    return frame.merge(found[["gene", "low", "high"]], on="gene", how="left")


def _as_changes(frame: pd.DataFrame, result: Result) -> tuple[pd.DataFrame, str]:
    """What happens to the cells rather than the amounts, where bounds make the two differ; largest first."""
    if result.clip == "none" or frame["change"].isna().any():
        return frame, "amount added"
    shown = frame.drop(columns=["low", "high"], errors="ignore").assign(delta=frame["change"])  # amounts' intervals
    return shown.sort_values("delta", key=np.abs, ascending=False, kind="stable"), "mean change of the source's cells"


def _as_rows(frame: pd.DataFrame, result: Result, named: np.ndarray) -> pd.DataFrame:
    """Programmes as rows of a lollipop: the mean change of a gene between the levels, and between the two groups."""
    programs = StoredPrograms.read(result)
    i, j = (result.group(frame.attrs[side], side) for side in ("source", "target"))
    real = result.means[j] - result.means[i]
    rows = [programs.program(name) for name in frame["program"]]
    shares = programs.membership[rows].astype(np.float64)
    total = np.asarray(shares.sum(axis=1)).ravel()
    names = [f"{wrap(str(name), 30)} ({count})" for name, count in zip(named, frame["n_genes"], strict=True)]
    return pd.DataFrame({"gene": names, "delta": frame["size"], "mean_difference": (shares @ real) / total})


def _part(
    adata: AnnData, result: Result, codes: Any, rows: Any, points: Any, state: str, direction: str
) -> pd.DataFrame:
    names = pd.Categorical.from_codes(codes[rows], [str(group) for group in result.groups])
    columns = {"cell": np.asarray(adata.obs_names)[rows], "group": names, "state": state, "direction": direction}
    return pd.DataFrame(columns | {"x": points[:, 0], "y": points[:, 1]})


def _draw_map(
    ax: Axes, frame: pd.DataFrame, source: str, target: str, direction: str, chosen: CellMap, size: float | None
) -> None:
    observed = frame[frame["state"] == "observed"]
    area = point_size(len(observed)) if size is None else size
    layers = (
        (observed[~observed["group"].isin([source, target])], FAINT, 0.8),
        (observed[observed["group"] == target], TARGET, 1.0),
        (observed[observed["group"] == source], SOURCE, 1.0),
    )
    for part, color, scale in layers:
        cells(ax, part[["x", "y"]].to_numpy(), color=color, size=area * scale)
    moved = frame[frame["direction"] == direction][["x", "y"]].to_numpy()
    if len(moved):
        cells(ax, moved, color=MOVED, size=max(area * 0.7, 4.0), linewidths=0.3, edgecolors="white")
        start = center(observed.loc[observed["group"] == source, ["x", "y"]].to_numpy())
        if np.isfinite([start, center(moved)]).all():
            style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "connectionstyle": "arc3,rad=0.15"}
            style |= {"shrinkA": 0, "shrinkB": 2}
            ax.annotate("", tuple(center(moved)), tuple(start), arrowprops=style, zorder=5)
    else:
        note(ax, f"translated cells not shown:\n{chosen.reason}")
    frame_map(ax, chosen.axes, frame[["x", "y"]].to_numpy())


def _scores(result: Result, source: str, target: str, sparsity: int) -> str:
    at = result.pair(source, target)
    correctness, coverage = (result.scores(name, sparsity)[at] for name in ("correctness", "coverage"))
    ceiling = result.scores("correctness", sparsity)[at[1], at[1]]
    known = f" (real cells: {ceiling:.2f})" if np.isfinite(ceiling) else ""
    return f"correctness {correctness:.2f} · coverage {coverage:.2f}{known}"


def _unit(layer: str | None) -> str:
    return "X" if layer is None else layer


def _legend(ax: Axes) -> None:
    roles = ((SOURCE, "cells of the source"), (MOVED, "the same cells, translated"), (TARGET, "cells of the target"))
    handles = [Line2D([], [], marker="o", linestyle="", color=color, label=name) for color, name in roles]
    handles.append(Line2D([], [], marker="o", linestyle="", color=FAINT, label="other cells"))
    style: dict[str, Any] = {"frameon": False, "fontsize": "small", "handletextpad": 0.1, "columnspacing": 1.2}
    ax.set_axis_off()
    ax.legend(handles=handles, loc="center", ncols=4, labelcolor=INK, borderaxespad=0.0, **style)
