"""Contrasts: cell types down, genes or programmes across, colour from the reference to the condition."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import in_symbols
from scgce.get._contrasts import contrasts as read_contrasts
from scgce.pl._labels import arrow, room, wrap
from scgce.pl._matrix import tick_size
from scgce.pl._style import DIVERGING, FAINT, INK, MOVED, MUTED, TARGET, despine, figure_of, finish, split
from scgce.store.result import Result

ROW, COLUMN = 0.34, 0.34  # inches
LINE = 0.14  # inches of a line of small text
BESIDE, BELOW = 1.5, 0.3  # inches for the scores and for the legend
SIZE = 130  # points², of a mark


def contrasts_data(
    adata: AnnData, *, n_items: int = 30, reference: Any = None, sparsity: int | None = None, key: str = "tgt"
) -> pd.DataFrame:
    """The frame of :func:`scgce.get.contrasts` with the rows and columns of the picture.

    Returns
    -------
    Its columns and ``row``, ``column``, in the order drawn: columns with what moves in most rows first, then by the row
    in which it moves most; at most ``n_items`` columns, those of the largest ``strength`` summed over rows.
    """
    frame = read_contrasts(adata, reference=reference, sparsity=sparsity, key=key)
    several = frame["contrast"].nunique() > 1
    label = frame["within"].where(~pd.Series(several, frame.index), frame["within"] + "  " + frame["contrast"])
    frame["row"] = label.str.strip().where(frame["within"] != "", frame["contrast"])
    rows = list(dict.fromkeys(frame["row"]))
    size = frame["strength"].groupby(frame["item"]).sum()
    kept = size.sort_values(ascending=False, kind="stable").index[:n_items]
    frame = frame[frame["item"].isin(kept)].copy()
    count = frame.groupby("item")["row"].nunique()
    most = frame.loc[frame.groupby("item")["strength"].idxmax(), ["item", "row"]]
    first = most.set_index("item")["row"].map(rows.index)
    ranks = pd.DataFrame({"count": -count, "first": first, "size": -size.reindex(count.index)})
    columns = list(ranks.sort_values(["count", "first", "size"], kind="stable").index)
    frame["row"] = pd.Categorical(frame["row"], rows, ordered=True)
    frame["column"] = pd.Categorical(frame["item"], columns, ordered=True)
    return frame


@checked()
@with_docs
def contrasts(
    adata: AnnData,
    *,
    n_items: int = 30,
    reference: Any = None,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw what changes from the reference to the condition: one row a cell type, one column a gene or programme.

    Colour is the real shift, red up and blue down. After ``tl.evidence(by="donor")`` a mark is filled where the
    interval over donors lies on its side, and hollow where it does not or cannot be known; where some donors go the
    other way, it says how many agree. Beside it correctness and coverage from the reference to the condition, and the
    correctness on the mean donor's own cells.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt`, as for :func:`scgce.get.contrasts`.
    n_items
        Columns at most, those of the largest ``strength`` summed over rows.
    reference
        Group, or label of one of the columns, that contrasts are read from; as given to `tl.tgt` if None.
    sparsity
        Genes or programmes per pair, one of those computed; the selected number if not given.
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
        If the sparsity or reference is unknown, or ``n_items`` is below 1.
    """
    frame = contrasts_data(adata, n_items=n_items, reference=reference, sparsity=sparsity, key=key)
    rows, columns = list(frame["row"].cat.categories), list(frame["column"].cat.categories)
    columns = list(in_symbols(adata, columns, Result.read(adata, key).genes, gene_symbols))
    named = [_on_lines(name, 40) for name in rows], [_on_lines(name, 30) for name in columns]
    line, across = (max(least, _inches(names)) for least, names in zip((ROW, COLUMN), named, strict=True))
    width = across * max(len(columns), 6) + room(named[0], "small") + BESIDE + 1.3
    height = line * max(len(rows), 3) + room(named[1], "small") + 1.1
    ratios = [across * max(len(columns), 6), BESIDE]
    size: dict[str, Any] = {"width_ratios": ratios, "height_ratios": [line * max(len(rows), 3), BELOW]}
    figure, grid = split(ax, (width, height), nrows=2, ncols=2, **size)
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    end = float(frame["shift"].abs().quantile(0.98)) if len(frame) else 1.0
    scale = Normalize(-end, end)
    known = frame["donors"].gt(0).any()
    _marks(left, frame, scale, known=bool(known))
    _frame(left, *named, sorted(frame["contrast"].unique()))
    _scores(right, frame, rows)
    bar = figure_of(left).colorbar(
        ScalarMappable(scale, DIVERGING), ax=[left, right], fraction=0.03, pad=0.02, aspect=18
    )
    bar.outline.set_visible(False)
    bar.set_label("shift", fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small", length=2)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()
    if known:
        _legend(figure.add_subplot(grid[1, :]))
    return finish([left, right], ax=ax, show=show, return_fig=return_fig)


def _on_lines(name: str, width: int) -> str:
    """A name on lines; the two ends of a contrast each whole."""
    source, between, target = name.partition(" → ")
    return arrow(source, target, width) if between else wrap(name, width)


def _inches(names: list[str]) -> float:
    """Height of the names' lines, one on the other."""
    return LINE * max((name.count("\n") + 1 for name in names), default=1) + 0.06


def _marks(ax: Axes, frame: pd.DataFrame, scale: Normalize, *, known: bool) -> None:
    """Filled where donors agree, hollow where not; without donors all filled."""
    x, y = frame["column"].cat.codes.to_numpy(), frame["row"].cat.codes.to_numpy()
    shades = mpl.colormaps[DIVERGING](scale(frame["shift"].to_numpy()))
    filled = frame["agree"].fillna(False).to_numpy(dtype=bool) if known else np.ones(len(frame), dtype=bool)
    edges = _edges(shades)
    ax.scatter(x[filled], y[filled], s=SIZE, c=shades[filled], edgecolors=edges[filled], linewidths=0.6, zorder=3)
    hollow: dict[str, Any] = {"facecolors": "white", "linewidths": 1.8, "zorder": 3}
    ax.scatter(x[~filled], y[~filled], s=SIZE * 0.8, edgecolors=edges[~filled], **hollow)
    split_votes = (known & (frame["donors"] > 0) & (frame["donors_agreeing"] < frame["donors"])).to_numpy()
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 5, "color": INK, "zorder": 4}
    for row in np.flatnonzero(split_votes & ~filled):
        ax.text(x[row], y[row], f"{frame['donors_agreeing'].iloc[row]}/{frame['donors'].iloc[row]}", **style)


def _edges(shades: np.ndarray) -> np.ndarray:
    """Darker outlines, so that a mark of a small shift is still seen."""
    edges = shades.copy()
    edges[:, :3] *= 0.82
    return edges


def _frame(ax: Axes, rows: list[str], columns: list[str], contrasts: list[str]) -> None:
    style: dict[str, Any] = {"parse_math": False}
    ax.set_xticks(range(len(columns)), labels=columns, rotation=90, fontsize=tick_size(len(columns)), **style)
    ax.set_yticks(range(len(rows)), labels=rows, fontsize=tick_size(len(rows)), **style)
    ax.xaxis.tick_top()
    ax.set_xlim(-0.6, max(len(columns), 1) - 0.4)
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.tick_params(length=0, colors=INK)
    ax.spines[:].set_visible(False)
    ax.grid(color=FAINT, linewidth=0.4, zorder=0)
    ax.set_axisbelow(True)
    if len(contrasts) == 1:
        ax.set_xlabel(contrasts[0], fontsize="small", color=INK, parse_math=False)
    if not columns:
        ax.text(0.5, 0.5, "nothing is needed", transform=ax.transAxes, ha="center", color=MUTED)


def _scores(ax: Axes, frame: pd.DataFrame, rows: list[str]) -> None:
    """Correctness and coverage of each row, and correctness on the mean donor's own cells."""
    table = frame.drop_duplicates("row").set_index("row").reindex(rows)
    y = np.arange(len(rows))
    ax.hlines(y, 0, 1, color=FAINT, linewidth=0.6, zorder=0)
    ax.scatter(table["coverage"], y, s=26, marker="|", color=MUTED, linewidths=1.4, label="coverage", zorder=2)
    ax.scatter(table["correctness"], y, s=26, color=MOVED, label="correctness", zorder=3)
    if table["donor_correctness"].notna().any():
        ax.scatter(table["donor_correctness"], y, s=20, marker="D", facecolors="none", edgecolors=TARGET,
                   linewidths=1.3, label="mean donor", zorder=4)  # fmt: skip
    ax.set_xlim(-0.03, 1.03)
    ax.set_xticks([0, 0.5, 1], labels=["0", ".5", "1"], fontsize="x-small")
    ax.tick_params(axis="y", length=0, labelleft=False)
    despine(ax, left=True)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), fontsize="x-small", frameon=False, handletextpad=0.2)


def _legend(ax: Axes) -> None:
    """What filled and hollow marks mean, below both panels."""
    ring: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 7, "markeredgecolor": MUTED}
    handles = [
        Line2D([], [], **ring, color=MUTED, label="donors agree"),
        Line2D([], [], **ring, color="white", markeredgewidth=1.6, label="not shown to agree (n of N donors)"),
    ]
    ax.set_axis_off()
    ax.legend(handles=handles, fontsize="x-small", frameon=False, handletextpad=0.2, loc="center", ncols=2)
