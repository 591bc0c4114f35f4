"""Colours, sizes and the last step that all plots share."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scanpy as sc
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from scgce._api.columns import label_names

from ._fonts import give_fonts, tell_fonts

INK = "#2b2b2b"
MUTED = "#8a8a8a"
FAINT = "#dcdcdc"
RAISED = "#b2182b"
LOWERED = "#2166ac"
# Roles on the map: light blue cells become dark blue cells and should lie on amber. Blue against amber is told apart
# with every common colour blindness, and the three differ in lightness, so also in a grey print.
SOURCE = "#7fc4f0"
MOVED = "#08408a"
TARGET = "#f0a000"

GROWN, LEAST, PAD = 3, 0.03, 0.05
"""How often a figure grows at most, as a wider one is laid out anew; inches that are no growth, and beside a text."""

SEQUENTIAL = "viridis"
DIVERGING = "RdBu_r"


def group_colors(adata: AnnData, groupby: str, groups: Any) -> dict[str, str]:
    """Colours of groups as scanpy's plots give them; ``adata`` is not changed.

    Parameters
    ----------
    adata
        Annotated data; ``uns[f"{groupby}_colors"]`` is used if it has a colour for every category, and nothing else.
    groupby
        Column of ``obs``.
    groups
        Names to colour. Those that are no category get scanpy's default colours in their own order.

    Returns
    -------
    Hexadecimal colour of each group.
    """
    names = [str(group) for group in groups]
    categories = names
    if groupby in adata.obs and isinstance(adata.obs[groupby].dtype, pd.CategoricalDtype):
        known = label_names(adata.obs[groupby].cat.categories)
        categories = known if set(names) <= set(known) else names
    given = adata.uns.get(f"{groupby}_colors", [])
    if isinstance(given, Mapping):  # colours by name, as some packages store them
        named = dict(zip(label_names(given), given.values(), strict=True))
        given = [named[name] for name in categories] if set(categories) <= set(named) else []
    stored = list(given)
    usable = len(stored) >= len(categories) and all(map(mpl.colors.is_color_like, stored))
    palette = stored if usable else default_palette(len(categories))
    by_name = {name: to_hex(color) for name, color in zip(categories, palette, strict=False)}
    return {name: by_name[name] for name in names}


def default_palette(count: int) -> list[str]:
    """Colours that scanpy gives to so many categories."""
    cycle = [to_hex(style["color"]) for style in mpl.rcParams["axes.prop_cycle"]]
    for palette in (cycle, sc.pl.palettes.default_20, sc.pl.palettes.default_28, sc.pl.palettes.default_102):
        if count <= len(palette):
            return [to_hex(color) for color in palette[:count]]
    return ["#808080"] * count


def halo(width: float = 2.5) -> list[withStroke]:
    """White outline that keeps text legible on top of points."""
    return [withStroke(linewidth=width, foreground="white")]


def text_on(color: Any) -> str:
    """Ink that is legible on a filled background: white or nearly black, by relative luminance (WCAG)."""
    rgb = np.array(mpl.colors.to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return "white" if linear @ [0.2126, 0.7152, 0.0722] < 0.22 else INK


def despine(ax: Axes, *, left: bool = False, bottom: bool = False) -> None:
    """Remove the frame's top and right sides, and the others on request."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines["left"].set_visible(not left)
    ax.spines["bottom"].set_visible(not bottom)


def finish(
    axes: Axes | list[Axes], *, ax: Axes | None, show: bool | None, return_fig: bool, laid_out: bool = False
) -> Any:
    """Show the figure if asked to and hand back its Axes or the Figure.

    Parameters
    ----------
    axes
        What was drawn into.
    ax
        Axes to draw into; None for a new figure.
    show
        Show the figure. None: as ``scanpy.settings.autoshow`` says, and never one that ``ax`` belongs to.
    return_fig
        Return the Figure instead of the Axes.
    laid_out
        Everything is at its place already: layouts of square matrices are a pixel narrower each time.
    """
    first = axes[0] if isinstance(axes, list) else axes
    figure = figure_of(first)
    tell_fonts(figure)
    if ax is None:
        _grow(figure, laid_out=laid_out)
    if show or (show is None and ax is None and sc.settings.autoshow):
        plt.show()
    return figure if return_fig else axes


def lay_out(figure: Figure) -> None:
    """Put everything of a figure at its place, without warnings about what later steps mend."""
    _laid_out(figure, Figure.draw_without_rendering)


def _laid_out(figure: Figure, run: Callable[[Figure], object]) -> None:
    give_fonts(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="constrained_layout not applied|Glyph .* missing from")
        run(figure)


def _make_room(figure: Figure) -> None:
    """Run the layout alone: nothing that is measured next needs a drawing, which takes as long again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def _grow(figure: Figure, *, laid_out: bool) -> None:
    """Give a figure room for what sticks out of it: long names in legends and titles."""
    for step in range(GROWN):
        if step or not laid_out:
            _laid_out(figure, _make_room)
        size, box = np.array(figure.get_size_inches()), figure.get_tightbbox()
        beyond = np.maximum(-np.array(box.min), 0.0) + np.maximum(np.array(box.max) - size, 0.0)
        if (beyond <= LEAST).all():
            return
        if laid_out and not step:  # a first layout may be a little off, which the next one mends
            continue
        width, height = size + np.where(beyond > LEAST, beyond + PAD, 0.0)
        figure.set_size_inches(float(width), float(height))


def figure_of(ax: Axes) -> Figure:
    """Return the outermost figure that the Axes belong to."""
    figure: Any = ax.figure
    while figure is not None and getattr(figure, "figure", figure) is not figure:  # a subfigure; root= is new in 3.10
        figure = figure.figure
    if figure is None:
        raise ValueError("ax belongs to no figure (was it removed?); give Axes of a figure")
    return figure


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of so many inches whose layout leaves room for every label."""
    return plt.figure(figsize=(width, height), layout="constrained")


def split(ax: Axes | None, figsize: tuple[float, float], **grid: Any) -> tuple[Figure, Any]:
    """Lay out panels in a new figure or inside the place of the user's Axes.

    Parameters
    ----------
    ax
        The user's Axes, made invisible and divided; None makes a figure.
    figsize
        Inches of a new figure.
    grid
        Arguments of a gridspec: ``nrows``, ``ncols``, ``width_ratios``, ``height_ratios``.

    Returns
    -------
    The figure and a gridspec.

    Raises
    ------
    ValueError
        If the Axes belong to no grid and so cannot be divided.
    """
    if ax is None:
        figure = new_figure(*figsize)
        return figure, figure.add_gridspec(**grid)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError("ax was placed by hand; give Axes made by plt.subplots or a gridspec, or none")
    ax.set_axis_off()
    return figure_of(ax), place.subgridspec(**grid)
