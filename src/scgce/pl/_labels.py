"""Names on a map that do not overlap, leave the frame or hide one another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from scgce.pl._style import INK, MUTED, figure_of, halo, lay_out, text_on

LONGEST = 60
"""Characters of a name that are drawn: most names of ontologies are shorter, and of longer ones both ends tell most."""
USUAL = 2.2
"""Inches that figures keep for names on an axis; longer ones make them larger."""


def shorten(name: str, most: int = LONGEST) -> str:
    """A name of more than ``most`` characters with its middle left out."""
    if len(name) <= most:
        return name
    end = (most - 1) // 3
    return name[: most - 1 - end].rstrip() + "…" + name[-end:].lstrip()


def short_names(names: Iterable[Any]) -> list[str]:
    """Names for an axis, each shortened; those that would look the same are numbered."""
    found: list[str] = []
    for name in names:
        short = shorten(str(name))
        again = short if short == str(name) else next(n for n in _numbered(short) if n not in found)
        found.append(again)
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def room(names: Iterable[str], fontsize: float | str, usual: float = 0.0) -> float:
    """Inches by which names are longer than the ``usual``, wherever they stand on one line.

    A letter of matplotlib's font is about 0.6 as wide as high, one of Chinese, Japanese or Korean as wide as high.
    """
    lines = [line for name in names for line in name.split("\n")]
    ems = max((sum(1.0 if east_asian_width(letter) in "WF" else 0.6 for letter in line) for line in lines), default=0.0)
    return max(ems * FontProperties(size=fontsize).get_size_in_points() / 72 - usual, 0.0)


def wrap(name: str, width: int) -> str:
    """Break a name into lines of at most ``width`` characters, after spaces and the signs / _ , and -.

    A piece without such a place is kept whole; very long names lose their middle (`shorten`).
    """
    lines = [""]
    for piece in re.findall(r"[^\s/_,\-]+[/_,\-]*\s*|[/_,\-]+\s*|\s+", shorten(name)):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line.strip())


def arrow(source: str, target: str, width: int) -> str:
    """``A → B`` on one line if it fits into ``width`` characters, else on several."""
    source, target = shorten(source), shorten(target)
    line = f"{source} → {target}"
    return line if len(line) <= width else wrap(source, width) + "\n→ " + wrap(target, width - 2)


def place(
    anchors: NDArray[np.float64], sizes: NDArray[np.float64], bounds: tuple[float, float, float, float]
) -> NDArray[np.float64] | None:
    """Find places of rectangles near their anchors: greedy, nearest free place first.

    Parameters
    ----------
    anchors
        Points to label, shape (p, 2).
    sizes
        Widths and heights of the labels, shape (p, 2), same unit.
    bounds
        Left, bottom, right and top of the region that the labels must stay in.

    Returns
    -------
    Centres of the labels, shape (p, 2), no two rectangles overlapping; None if no such places were found.
    """
    anchors, sizes = np.asarray(anchors, dtype=float), np.asarray(sizes, dtype=float)
    low, high = np.array(bounds[:2]) + sizes / 2, np.array(bounds[2:]) - sizes / 2
    if (low > high).any():
        return None
    centers = np.full(anchors.shape, np.nan)
    offsets = _offsets()
    crowding = ((anchors[:, None] - anchors) ** 2).sum(axis=2)
    for label in np.argsort(np.sort(crowding, axis=1)[:, : min(4, len(anchors))].sum(axis=1), kind="stable"):
        tried = np.clip(anchors[label] + offsets * sizes[label, 1], low[label], high[label])
        tried = tried[np.argsort(((tried - anchors[label]) ** 2).sum(axis=1), kind="stable")]
        placed = np.isfinite(centers[:, 0])
        apart = np.abs(tried[:, None] - centers[placed]) >= (sizes[label] + sizes[placed]) / 2
        free = np.flatnonzero(apart.any(axis=2).all(axis=1))
        if len(free) == 0:
            return None
        centers[label] = tried[free[0]]
    return centers


def spread(values: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Move numbers apart to at least ``gap``, keeping their order, with the least sum of squared moves.

    The result stays between ``low`` and ``high`` if there is room; without room the gaps shrink evenly.
    """
    values = np.asarray(values, dtype=float)
    if len(values) < 2:
        return np.clip(values, low, high)
    gap = min(gap, (high - low) / (len(values) - 1))
    order = np.argsort(values, kind="stable")
    # With y_k = value_k − k·gap the constraint is y non-decreasing: isotonic regression, then bounded.
    steps = gap * np.arange(len(values))
    fitted = isotonic_regression(values[order] - steps).x
    moved = np.empty_like(values)
    moved[order] = np.clip(fitted, low, high - steps[-1]) + steps
    return moved


def label_points(
    ax: Axes,
    points: NDArray[np.float64],
    names: Sequence[str],
    *,
    colors: Sequence[Any] | None = None,
    discs: bool = False,
    fontsize: float | str = "small",
    most: float = 1.0,
) -> bool:
    """Write names near points in the final layout of the figure, with a white halo and a thin line where moved.

    Parameters
    ----------
    ax
        Axes with their limits set.
    points
        Positions in data coordinates, shape (p, 2).
    names
        Text of each, may have several lines.
    colors
        Colour of each text's line, and of its disc; muted if not given.
    discs
        Put each text on a disc of its colour (for numbers).
    fontsize
        Of the text.
    most
        Share of the Axes that the names may cover; beyond, there is no room.

    Returns
    -------
    Whether there was room for all; if not, nothing is written.
    """
    figure = figure_of(ax)
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # lines to the names must not move the limits
    shades = [MUTED] * len(names) if colors is None else list(colors)
    texts = [
        _write(ax, xy, name, shade, fontsize, discs) for xy, name, shade in zip(points, names, shades, strict=True)
    ]
    for text in texts:
        text.set_in_layout(False)
    lay_out(figure)
    boxes = [(text.get_bbox_patch() or text).get_window_extent() for text in texts]
    pad = 2.0 * figure.dpi / 72
    sizes = np.array([(box.width + pad, box.height + pad) for box in boxes]).reshape(-1, 2)
    frame = ax.get_window_extent()
    anchors = ax.transData.transform(np.asarray(points, dtype=float).reshape(-1, 2))
    fits = sizes.prod(axis=1).sum() <= most * frame.width * frame.height
    centers = place(anchors, sizes, (frame.x0, frame.y0, frame.x1, frame.y1)) if fits else None
    if centers is None:
        for text in texts:
            text.remove()
        return False
    moved = np.abs(centers - anchors) > sizes / 2
    places = ax.transData.inverted().transform(centers)
    for i, text in enumerate(texts):
        text.set_position(places[i])
        if moved[i].any():
            ends = zip(points[i], places[i], strict=True)
            ax.plot(*ends, color=shades[i], linewidth=0.8, zorder=5, solid_capstyle="round", path_effects=halo(1.6))
    return True


def _write(ax: Axes, xy: Any, name: str, color: Any, fontsize: float | str, disc: bool) -> Text:
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": fontsize, "parse_math": False, "zorder": 6}
    if not disc:
        return ax.text(xy[0], xy[1], name, color=INK, linespacing=1.05, path_effects=halo(), **style)
    box = {"boxstyle": "circle,pad=0.2", "facecolor": color, "edgecolor": "white", "linewidth": 0.8}
    return ax.text(xy[0], xy[1], name, color=text_on(color), bbox=box, **style)


def _offsets() -> NDArray[np.float64]:
    """Steps around an anchor in units of the label's height: rings, finely spaced near the anchor."""
    radii = np.concatenate([[0.0], np.geomspace(0.5, 18, 30)])
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    rings = radii[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return rings.reshape(-1, 2)
