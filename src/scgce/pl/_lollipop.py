"""Genes and signed amounts as a lollipop chart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scgce.pl._style import FAINT, INK, LOWERED, MUTED, RAISED, despine

FEWEST_ROWS = 8


def lollipop(ax: Axes, frame: pd.DataFrame, *, n_genes: int, unit: str, what: str = "amount added") -> None:
    """Draw the first rows of an explanation, one gene a line.

    Parameters
    ----------
    ax
        Where to draw.
    frame
        ``gene``, ``delta``, ``mean_difference`` and, if known, ``low`` and ``high`` (interval of the amount), in the
        order from top to bottom.
    n_genes
        Rows shown at most; how many are left out is written below.
    unit
        Name of the matrix whose units the amounts have.
    what
        What ``delta`` is, in words.
    """
    part = frame.head(n_genes)
    y = np.arange(len(part))
    delta = part["delta"].to_numpy(float)
    colors = [RAISED if amount >= 0 else LOWERED for amount in delta]
    ax.axvline(0, color=MUTED, linewidth=0.8, zorder=1)
    ax.hlines(y, 0, delta, colors=colors, linewidth=1.6, zorder=2)
    if {"low", "high"} <= set(part.columns):
        ax.hlines(y, part["low"], part["high"], colors=INK, linewidth=0.8, zorder=4)
    ax.scatter(delta, y, s=34, c=colors, zorder=3)
    style: dict[str, Any] = {"marker": "D", "facecolors": "white", "edgecolors": INK, "linewidths": 0.9}
    ax.scatter(part["mean_difference"], y, s=20, label="real difference of means", zorder=5, **style)
    ax.set_yticks(y, labels=part["gene"], fontsize=_size(len(part)), parse_math=False)
    ax.set_ylim(max(len(part), FEWEST_ROWS) - 0.4, -0.6)
    left, right = min(0.0, *_finite(part)), max(0.0, *_finite(part))
    margin = 0.06 * (right - left) or 1.0
    ax.set_xlim(left - margin if left < 0 else -margin, right + margin if right > 0 else margin)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
    despine(ax, left=True)
    hidden = len(frame) - len(part)
    label = f"{what} (units of {unit}); ◇ real difference of means"
    if {"low", "high"} <= set(part.columns) and part[["low", "high"]].notna().any(axis=None):
        label += "\n— middle of the bootstraps' amounts (0 where the gene was not chosen)"
    more = f"\n{hidden} further genes change less" if hidden else ""
    ax.set_xlabel(label + more, fontsize="small", parse_math=False)
    if not len(part):
        ax.text(0.5, 0.5, "no gene is needed", transform=ax.transAxes, ha="center", color=MUTED)


def _finite(part: pd.DataFrame) -> list[float]:
    columns = [name for name in ("delta", "mean_difference", "low", "high") if name in part]
    values = part[columns].to_numpy(float).ravel()
    return [0.0, *values[np.isfinite(values)].tolist()]


def _size(rows: int) -> str:
    return "medium" if rows <= 12 else "small" if rows <= 24 else "x-small"
