"""Points of cells and the frame of a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from scgce.pl._style import FAINT, INK, MUTED


def point_size(count: int) -> float:
    """Area of a point in square points: scanpy's 120,000 / n, held between what is visible and what is clumsy."""
    return float(np.clip(120_000 / max(count, 1), 1.0, 40.0))


def cells(ax: Axes, points: NDArray[np.float64], *, color: Any, size: float, **style: Any) -> None:
    """Draw cells as one rasterised layer, so that a vector file with many of them stays small.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Places, shape (n, 2).
    color
        One colour, or one per cell.
    size
        Area in square points.
    style
        Further arguments of ``Axes.scatter``.
    """
    defaults: dict[str, Any] = {"linewidths": 0, "rasterized": True, "marker": "o"}
    ax.scatter(points[:, 0], points[:, 1], s=size, c=color, **(defaults | style))


def frame_map(ax: Axes, names: tuple[str, str], points: NDArray[np.float64] | None = None) -> None:
    """Give a map its axis names, no ticks, and limits around the points that leave a margin.

    It says how many points have no place (NaN).
    """
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_xlabel(names[0], fontsize="small", color=MUTED, loc="left", labelpad=3)
    ax.set_ylabel(names[1], fontsize="small", color=MUTED, loc="bottom", labelpad=3)
    ax.spines[:].set_color(FAINT)
    if points is None:
        return
    known = np.isfinite(points).all(axis=1)
    if not known.all():  # an outer concatenation leaves cells without coordinates
        text = f"{int((~known).sum())} of {len(points)} cells have no place here"
        style: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": "x-small", "color": INK}
        ax.text(0.98, 0.02, text, transform=ax.transAxes, **style)
    if known.any():
        points = points[known]
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.where(high > low, 0.06 * (high - low), 1.0)
        ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
        ax.set_ylim(low[1] - margin[1], high[1] + margin[1])


def note(ax: Axes, text: str) -> None:
    """Write a remark into the lower left corner of the Axes."""
    ax.text(0.02, 0.02, text, transform=ax.transAxes, ha="left", va="bottom", fontsize="x-small", color=INK, wrap=True)


def center(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the point nearest to the median: inside the group even if it is curved or in two parts.

    Points without a place (NaN) do not count; NaN if there is no other.
    """
    known = points[np.isfinite(points).all(axis=1)]
    if not len(known):
        return np.full(2, np.nan)
    points = known
    middle = np.median(points, axis=0)
    spread = np.ptp(points, axis=0)
    spread[spread == 0] = 1.0
    nearest: NDArray[np.float64] = points[(((points - middle) / spread) ** 2).sum(axis=1).argmin()]
    return nearest
