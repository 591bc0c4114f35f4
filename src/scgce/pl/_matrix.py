"""A signed matrix as a heatmap around zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import leaves_list, linkage

from scgce.pl._labels import short_names
from scgce.pl._style import DIVERGING, FAINT, figure_of


def signed_heatmap(ax: Axes, table: pd.DataFrame, label: str, *, bar: bool = True) -> AxesImage:
    """Draw a frame with white at 0, red above, blue below; rows and columns named; NaN grey.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Numbers.
    label
        Name of the colour bar.
    bar
        Whether to draw it. The scale ends at the 99.5 % quantile of the absolute non-zero numbers.

    Returns
    -------
    The image, for a colour bar elsewhere.
    """
    values = table.to_numpy(float)
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    end = float(np.quantile(sizes, 0.995)) if len(sizes) else 1.0
    beyond = "both" if len(sizes) and sizes.max() > end * 1.0001 else "neither"
    ax.set_facecolor(FAINT)
    image = ax.imshow(values, cmap=DIVERGING, vmin=-end, vmax=end, aspect="auto", interpolation="nearest")
    across: dict[str, Any] = {"rotation": 90, "fontsize": tick_size(table.shape[1]), "parse_math": False}
    down: dict[str, Any] = {"fontsize": tick_size(table.shape[0]), "parse_math": False}
    ax.set_xticks(range(table.shape[1]), labels=short_names(table.columns), **across)
    ax.set_yticks(range(table.shape[0]), labels=short_names(table.index), **down)
    ax.set_xticks(np.arange(table.shape[1] - 1) + 0.5, minor=True)
    ax.set_yticks(np.arange(table.shape[0] - 1) + 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=0.5)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    if bar:
        scale = figure_of(ax).colorbar(image, ax=ax, fraction=0.03, pad=0.01, aspect=22, extend=beyond)
        scale.outline.set_visible(False)
        scale.set_label(label, fontsize="small", parse_math=False)
        scale.ax.tick_params(labelsize="x-small", length=2)
    return image


def tick_size(count: int) -> str | float:
    """Font size of so many tick labels."""
    return "small" if count <= 16 else "x-small" if count <= 60 else 5.0


def clustered(table: pd.DataFrame) -> list[Any]:
    """Rows of a frame in the order of an average linkage with optimal leaf order (correlation-free: Euclidean)."""
    if len(table) < 3:
        return list(table.index)
    tree = linkage(table.to_numpy(float), "average", optimal_ordering=len(table) <= 400)
    return [table.index[leaf] for leaf in leaves_list(tree)]
