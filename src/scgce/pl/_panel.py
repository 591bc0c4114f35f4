"""How far a panel's first genes reach, and the pairs it tells apart worst."""

from __future__ import annotations

from typing import Any

import numpy as np
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.get._panel import panel_curve
from scgce.pl._labels import spread
from scgce.pl._style import FAINT, MUTED, despine, figure_of, finish, new_figure
from scgce.store.panels import read_panel

LINES = {
    "accuracy": ("linear discriminant", "#08408a", "-", ""),
    "judge_logreg": ("judge: regression", "#2c7a3f", "-", "^"),
    "judge_knn": ("judge: neighbours", "#6aa84f", "-", "v"),
    "validation": ("validation cells", MUTED, (0, (1, 1.5)), ""),
}
SHORT = 0.7
"""A line that ends before this share of the axis is named where it ends."""
NAMED = 20
"""Genes written along the axis, at most: more cannot be read."""


@checked()
@with_docs
def panel(
    adata: AnnData,
    *,
    gene_symbols: str | None = None,
    key: str = "panel",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw how well the first genes of a panel call the groups of held-out cells, against their number.

    The genes stand along the axis in the order of choice, as long as they can be read. With ``n_genes="auto"`` the
    curve of the validation cells is drawn too, and the number chosen is marked.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.panel`.
    {gene_symbols}
    key
        Where in ``adata.uns`` the panel is.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no panel under ``key``, or no column ``gene_symbols``.
    """
    entry, frame = read_panel(adata, key), panel_curve(adata, key=key)
    genes = gene_labels(adata, entry["genes"], gene_symbols)
    place = new_figure(7.0, 4.4).add_subplot() if ax is None else ax
    if "validation" in frame:
        place.axvline(len(genes), color=FAINT, linewidth=5, zorder=0)
    ends = {}
    for name, (_, color, dashes, marker) in LINES.items():
        if name in frame and frame[name].notna().any():
            part = frame[["n_genes", name]].dropna()
            place.plot(part["n_genes"], part[name], color=color, linestyle=dashes, marker=marker, markersize=5)
            ends[name] = (float(part["n_genes"].iloc[-1]), float(part[name].iloc[-1]))
    place.axhline(1 / len(entry["groups"]), color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    place.set_ylim(0, 1.04)
    last = int(frame["n_genes"].max())
    place.set_xlim(0.5, last + 0.5)
    if last <= NAMED and last == len(genes):
        place.set_xticks(range(1, last + 1), labels=genes, rotation=90)
    else:
        place.set_xlabel("genes, in the order of choice")
    place.set_ylabel("mean recall over groups")
    place.grid(axis="y", color=FAINT, linewidth=0.6)
    place.set_axisbelow(True)
    despine(place)
    _end_labels(place, ends, last, 1 / len(entry["groups"]))
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _end_labels(ax: Axes, ends: dict[str, tuple[float, float]], last: int, chance: float) -> None:
    """Name each line beyond the right edge, moved apart where ends are close."""
    texts = {name: (LINES[name][0], LINES[name][1], end) for name, end in ends.items()}
    texts["chance"] = ("guessing", MUTED, (float(last), chance))
    height = 11.0 / (ax.get_window_extent().height * 72 / figure_of(ax).dpi) * np.ptp(ax.get_ylim())
    places = spread(np.array([end[1] for _, _, end in texts.values()]), height, *ax.get_ylim())
    for (label, color, end), y in zip(texts.values(), places, strict=True):
        style = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3, "alpha": 0.6}
        ax.annotate(
            label,
            end,
            (max(0.5 + last if end[0] > SHORT * last else end[0], 1) + 0.03 * last, y),
            annotation_clip=False,
            va="center",
            color=color,
            fontsize="small",
            arrowprops=style | {"relpos": (0, 0.5)},
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        )
