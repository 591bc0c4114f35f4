"""The codebook: every programme with the levels of all groups, the picture of a whole result."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels, in_symbols
from scgce.pl._labels import USUAL, room, short_names, wrap
from scgce.pl._matrix import clustered, tick_size
from scgce.pl._style import FAINT, INK, MUTED, figure_of, finish, new_figure, text_on
from scgce.store.programs import StoredPrograms
from scgce.store.result import Result

LOWEST = "#e9e9e9"
# From the lowest level, grey, to the highest of the picture: lightness alone tells the order, also in a grey print.
LEVELS = LinearSegmentedColormap.from_list("levels", [LOWEST, *mpl.colormaps["YlGnBu"](np.linspace(0.3, 0.98, 9))])
ROW, COLUMN = 0.42, 0.5  # inches
NARROW = 0.34  # inches: what a number needs
LEADING = 4


def codebook_data(
    adata: AnnData,
    *,
    n_programs: int | None = None,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
) -> pd.DataFrame:
    """Levels of all groups in the programmes that take part in some pair.

    Returns
    -------
    One row per programme and group, in the order drawn: ``program``, ``leading_genes``, ``n_genes``, ``group``,
    ``level``, ``n_levels``, ``mean`` (mean expression over the programme's genes on that level) and ``rise`` (its
    height over the programme's lowest level).

    Raises
    ------
    ValueError
        If the result explains in genes, or the sparsity is unknown.
    """
    result = Result.read(adata, key)
    found = StoredPrograms.read(result, sparsity)
    taking = np.flatnonzero([(of[:, None] != of[None, :])[result.asked].any() for of in found.levels])
    rise = found.amounts - found.amounts.min(axis=1, keepdims=True)
    span = rise.max(axis=1)
    if n_programs is not None:
        taking = taking[np.argsort(-span[taking], kind="stable")[:n_programs]]
    order = list(range(len(result.groups)))
    if len(taking) and result.asked.sum() == len(order) * (len(order) - 1):
        order = clustered(pd.DataFrame((rise[taking] / span[taking, None]).T))
    taking = _diagonal(taking, rise[:, order])
    size = len(order)
    labels = gene_labels(adata, result.genes, gene_symbols)
    leading = [" ".join(labels[found.leading(int(m), LEADING)]) for m in taking]
    return pd.DataFrame(
        {
            "program": np.repeat(in_symbols(adata, found.names[taking], result.genes, gene_symbols), size),
            "leading_genes": np.repeat(np.array(leading, dtype=object), size),
            "n_genes": np.repeat(found.n_genes[taking], size),
            "group": np.tile(result.groups[order], len(taking)),
            "level": found.levels[taking][:, order].ravel(),
            "n_levels": np.repeat(found.n_levels[taking], size),
            "mean": found.amounts[taking][:, order].ravel(),
            "rise": rise[taking][:, order].ravel(),
        }
    )


def _diagonal(taking: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """Programmes by where their highest groups lie, so that blocks step down along the groups."""
    weights = np.square(rise[taking])
    centre = (weights * np.arange(rise.shape[1])).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)
    return np.asarray(taking[np.argsort(centre, kind="stable")])


@checked()
@with_docs
def codebook(
    adata: AnnData,
    *,
    n_programs: int | None = None,
    sparsity: int | None = None,
    gene_symbols: str | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw programmes × groups: which groups share a level, how high it is, and which genes lead each programme.

    One line is one programme. Groups joined in one block share a level: the programme takes no part in turning one
    into another. Colour and number are the height of a level over the programme's lowest one, which is grey: the mean
    over the programme's genes, in units of the explained matrix, one scale for the whole picture. Groups stand in the
    order of a dendrogram of their levels. Where only some pairs were asked for, in their own order, beside the
    programmes that tell such a pair apart.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt` in programmes.
    n_programs
        Programmes shown at most, those whose levels lie furthest apart; all that take part in a pair if None.
    sparsity
        Programmes per pair, one of those computed; the selected number if not given.
    {gene_symbols}
    {key}
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or no column ``gene_symbols``.
    ValueError
        If the result explains in genes, or an argument is out of range.
    """
    frame = codebook_data(adata, n_programs=n_programs, sparsity=sparsity, gene_symbols=gene_symbols, key=key)
    result = Result.read(adata, key)
    groups = list(dict.fromkeys(frame["group"])) or list(result.groups)
    programs = list(dict.fromkeys(frame["program"]))
    column = COLUMN if len(groups) > 12 else 0.72
    width = column * len(groups) + 4.2
    height = ROW * max(len(programs), 2) + 2.0 + room(short_names(groups), tick_size(len(groups)), USUAL)
    place = new_figure(max(width, 6.0), height).add_subplot() if ax is None else ax
    scale = Normalize(0.0, float(frame["rise"].max()) if len(frame) else 1.0)
    inches = _column_inches(place, len(groups), column, given=ax is not None)
    for y, (_, part) in enumerate(frame.groupby("program", sort=False)):
        _draw_program(place, y, part.reset_index(drop=True), scale, inches)
    _frame(place, frame, groups, programs)
    k = result.check_sparsity(sparsity)
    pairs = np.asarray(result.raw["programs"]["count_mean"])[result.block(k)]
    place.set_title(
        f"{len(programs)} gene programme{'' if len(programs) == 1 else 's'}, on average {pairs:.1f} a pair of groups",
        fontsize="medium",
        color=INK,
    )
    _bar(place, scale)
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _column_inches(ax: Axes, n_groups: int, column: float, *, given: bool) -> float:
    """Width of a group's column: about half of given Axes are taken by the names of the programmes."""
    if not given:
        return column
    box = ax.get_window_extent()
    return float(box.width / figure_of(ax).dpi * 0.6 / n_groups)


def _draw_program(ax: Axes, y: int, part: pd.DataFrame, scale: Normalize, inches: float) -> None:
    """One line: neighbours on one level as one block, with the level's height."""
    starts = np.flatnonzero(np.append(True, np.diff(part["level"]) != 0))
    ends = np.append(starts[1:], len(part))
    for start, end in zip(starts, ends, strict=True):
        rise, level = float(part["rise"][start]), int(part["level"][start])
        color = LOWEST if level == 0 else LEVELS(0.12 + 0.88 * scale(rise))
        ax.add_patch(Rectangle((start - 0.5, y - 0.41), end - start, 0.82, facecolor=color, edgecolor="white", lw=1.6))
        if level > 0 and (end - start) * inches >= NARROW:
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "x-small", "color": text_on(color)}
            ax.text((start + end - 1) / 2, y, f"+{rise:.2f}" if rise < 10 else f"+{rise:.0f}", **style)


def _frame(ax: Axes, frame: pd.DataFrame, groups: list[str], programs: list[str]) -> None:
    first = frame.drop_duplicates("program")
    labels = []
    for name, leading, count in zip(first["program"], first["leading_genes"], first["n_genes"], strict=True):
        own = set(str(name).split()) <= set(str(leading).split())
        head = str(leading) if own else wrap(str(name), 34) + f"\n{leading}"
        labels.append(f"{head}  ({count})")
    ax.set_yticks(range(len(programs)), labels=labels, fontsize=tick_size(2 * len(programs)), parse_math=False)
    style: dict[str, Any] = {"rotation": 90, "parse_math": False}
    ax.set_xticks(range(len(groups)), labels=short_names(groups), fontsize=tick_size(len(groups)), **style)
    ax.xaxis.tick_top()
    ax.set_xlim(-0.55, len(groups) - 0.45)
    ax.set_ylim(max(len(programs), 1) - 0.5, -0.5)
    ax.tick_params(length=0, colors=INK)
    ax.spines[:].set_visible(False)
    for x in np.arange(1, len(groups)) - 0.5:
        ax.axvline(x, color=FAINT, linewidth=0.4, zorder=0)
    if not programs:
        ax.text(0.5, 0.5, "no programme is needed", transform=ax.transAxes, ha="center", color=MUTED)


def _bar(ax: Axes, scale: Normalize) -> None:
    bar = figure_of(ax).colorbar(ScalarMappable(scale, LEVELS), ax=ax, fraction=0.025, pad=0.015, aspect=18)
    bar.outline.set_visible(False)
    bar.set_label("above the lowest level\n(mean over the genes)", fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small", length=2)
