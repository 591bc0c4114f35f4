"""Several results, in genes or in programmes, on one picture of scores against the number of items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from scgce.get._metrics import sweep as read_sweep
from scgce.pl._style import FAINT, INK, MUTED, despine, split
from scgce.store.result import Result

COLORS = ("#08408a", "#c26a00", "#2c7a3f", "#8e3b8e", "#b2182b", "#5a5a5a")
"""One for each result; what is measured has a panel of its own."""
SCORES = {"correctness": "correctness", "coverage": "coverage", "judge_logreg": "judges", "judge_knn": "judges"}
STYLES: dict[str, dict[str, Any]] = {
    "correctness": {"marker": "o", "linestyle": "-"},
    "coverage": {"marker": "o", "linestyle": "-"},
    "judge_logreg": {"marker": "^", "linestyle": "-"},
    "judge_knn": {"marker": "v", "linestyle": (0, (4, 2))},
}
NEAREST = 0.055
"""Least distance of two ticks, as a share of the axis: what a number of two or three digits needs."""


def several_data(adata: AnnData, keys: Sequence[str], *, include_self: bool = False) -> pd.DataFrame:
    """Put the mean scores of every sparsity of several results into one long frame.

    Returns
    -------
    ``key``, ``unit`` ("genes" or "programmes"), ``sparsity``, ``genes`` (that the mean pair moves), ``score``,
    ``value`` and ``selected``: one row per result, sparsity and score that was computed.
    """
    parts = []
    for key in keys:
        table = read_sweep(adata, key=key, include_self=include_self)
        programs = "programs" in Result.read(adata, key).raw
        table = table.assign(
            key=key, unit="programmes" if programs else "genes", genes=table["n_genes" if programs else "sparsity"]
        )
        wanted = [score for score in (*SCORES, "self_similarity") if score in table]
        parts.append(table.melt(["key", "unit", "sparsity", "genes", "selected"], wanted, var_name="score"))
    frame = pd.concat(parts, ignore_index=True).dropna(subset="value").reset_index(drop=True)
    return frame[["key", "unit", "sparsity", "genes", "score", "value", "selected"]]


def draw_several(adata: AnnData, keys: Sequence[str], *, include_self: bool, ax: Axes | None) -> list[Axes]:
    """Draw a panel for correctness, coverage and the judges, each with all results.

    Raises
    ------
    ValueError
        If a key is given twice or there are more than can be told apart.
    """
    if len(set(keys)) < len(keys) or len(keys) > len(COLORS):
        raise ValueError(f"key={list(keys)!r}: expected up to {len(COLORS)} different names in adata.uns")
    frame = several_data(adata, keys, include_self=include_self)
    colors = dict(zip(keys, COLORS, strict=False))
    figure, grid = split(ax, (12.0, 4.3), nrows=1, ncols=3)
    axes: list[Axes] = []
    for number, panel in enumerate(dict.fromkeys(SCORES.values())):
        axes.append(figure.add_subplot(grid[0, number]))
        _panel(axes[-1], frame, [score for score, place in SCORES.items() if place == panel], colors)
        axes[-1].set_title(panel, fontsize="medium", loc="left", color=INK)
        axes[-1].tick_params(labelleft=number == 0)
    axes[0].set_ylabel("mean over pairs")
    units = frame.drop_duplicates("key").set_index("key")["unit"]
    for key in keys:
        axes[0].plot([], [], color=colors[key], marker="o", markersize=5, label=f"{key}, in {units[key]}")
    axes[0].plot([], [], color=MUTED, linestyle=(0, (6, 2)), linewidth=1.0, label="real cells")
    style: dict[str, Any] = {"frameon": False, "fontsize": "small", "loc": "lower right"}
    axes[0].legend(**style)
    for score, label in (("judge_logreg", "regression"), ("judge_knn", "neighbours")):
        axes[-1].plot([], [], color=MUTED, label=label, markersize=5, **STYLES[score])
    axes[-1].legend(**style)
    return axes


def _panel(place: Axes, frame: pd.DataFrame, scores: list[str], colors: dict[str, str]) -> None:
    for key, color in colors.items():
        own = frame[frame["key"] == key]
        chosen = own.loc[own["selected"], "sparsity"]
        for k in chosen.unique():
            place.axvline(k, color=color, alpha=0.13, linewidth=6, zorder=0)
        for score in scores:
            part = own[own["score"] == score].sort_values("sparsity")
            style = {**STYLES[score], "color": color, "markersize": 5, "linewidth": 1.7, "clip_on": False}
            place.plot(part["sparsity"], part["value"], **style)
    if scores[0] in ("correctness", "coverage"):
        for level in frame.loc[frame["score"] == "self_similarity", "value"].round(3).unique():
            place.axhline(level, color=MUTED, linestyle=(0, (6, 2)), linewidth=1.0, zorder=0)
    place.set_xscale("log")
    steps = np.unique(frame["sparsity"])
    kept = _apart(steps)
    place.set_xticks(kept, labels=[f"{k:,}" for k in kept])
    place.xaxis.set_minor_locator(NullLocator())
    place.set_xlabel("items (genes or programmes) a pair")
    place.set_ylim(-0.02, 1.04)
    place.grid(axis="y", color=FAINT, linewidth=0.6)
    place.set_axisbelow(True)
    despine(place)


def _apart(steps: np.ndarray) -> np.ndarray:
    """Of the numbers of items those that can be written side by side on a logarithmic axis, the ends always."""
    places = np.log(steps) / max(np.log(steps[-1] / steps[0]), 1e-12)
    kept = [len(steps) - 1]
    for at in range(len(steps) - 2, -1, -1):
        near = min(places[kept[-1]] - places[at], places[at] - places[0] if at else np.inf)
        if near >= NEAREST:
            kept.append(at)
    return np.asarray(steps[sorted(kept)])
