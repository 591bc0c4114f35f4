"""What more genes buy (paper, Figure 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import TEXT, checked, sequence_of
from scgce._api.docs import with_docs
from scgce.get._metrics import sweep as read_sweep
from scgce.pl._labels import spread
from scgce.pl._style import FAINT, INK, MUTED, despine, figure_of, finish, split
from scgce.pl._sweep_several import draw_several
from scgce.store.result import Result


class Line(NamedTuple):
    """How one score is drawn: colour says what is measured, dashes say of whom."""

    label: str
    color: str
    dashes: Any
    marker: str
    filled: bool
    panel: str = ""


LINES = {
    "correctness": Line("ours", "#08408a", "-", "o", True, "correctness"),
    "consistent_correctness": Line("ours, consistent", "#08408a", (0, (5, 1.5, 1, 1.5)), "P", False, "correctness"),
    "dbm_correctness": Line("difference of means", "#08408a", (0, (4, 2)), "o", False, "correctness"),
    "dbm_scaled_correctness": Line("means × factor", "#08408a", (0, (1, 1)), "o", False, "correctness"),
    "coverage": Line("ours", "#c26a00", "-", "s", True, "coverage"),
    "consistent_coverage": Line("ours, consistent", "#c26a00", (0, (5, 1.5, 1, 1.5)), "P", False, "coverage"),
    "dbm_coverage": Line("difference of means", "#c26a00", (0, (4, 2)), "s", False, "coverage"),
    "dbm_scaled_coverage": Line("means × factor", "#c26a00", (0, (1, 1)), "s", False, "coverage"),
    "self_similarity": Line("real cells", "#4d4d4d", (0, (6, 2)), "", False, "ceiling"),
    "judge_logreg": Line("regression", "#2c7a3f", "-", "^", True, "judges"),
    "judge_knn": Line("neighbours", "#6aa84f", "-", "v", True, "judges"),
    "judge_logreg_ceiling": Line("regression, real cells", "#2c7a3f", (0, (1, 2)), "", False, "judges"),
    "judge_knn_ceiling": Line("neighbours, real cells", "#6aa84f", (0, (1, 2)), "", False, "judges"),
    "similarity": Line("similarity", "#7a7a7a", (0, (1, 1.5)), "d", True, "judges"),
}
PANELS = {
    "correctness": ("correctness", "ceiling"),
    "coverage": ("coverage", "ceiling"),
    "judges, similarity": ("judges",),
}
"""Title of each panel, and whose lines it has."""


def sweep_data(adata: AnnData, *, include_self: bool = False, key: str = "tgt") -> pd.DataFrame:
    """Put the mean scores of every sparsity into one long frame.

    Returns
    -------
    ``sparsity``, ``score``, ``value``: one row per sparsity and score that was computed, and ``selected``.
    """
    table = read_sweep(adata, key=key, include_self=include_self)
    long = table.melt(["sparsity", "selected"], list(LINES), var_name="score", value_name="value")
    return long.dropna(subset="value").reset_index(drop=True)[["sparsity", "score", "value", "selected"]]


@checked(key=TEXT | sequence_of(TEXT, 1))
@with_docs
def sweep(
    adata: AnnData,
    *,
    include_self: bool = False,
    key: str | Sequence[str] = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw mean correctness, coverage and judges against items per pair, beside the difference between means.

    A panel for each. Where the variant without triangle error is stored ("consistent"), it is drawn as well.
    "Means × factor" is the difference between means times the single factor, up to the bound on our own amounts, that
    serves it best.

    "Real cells" is the self-similarity of the scored cells, the ceiling of correctness and coverage. Similarity is the
    share of an explanation that lies on genes of the next larger one (paper, Eq. 10). The vertical line marks the
    selected sparsity.

    Parameters
    ----------
    {result}
    include_self
        Average over the full matrix including each group against itself, the paper's convention.
    key
        Where in ``adata.uns`` the result is. Several, in genes or in programmes, are drawn on one picture, against the
        number of items (one programme moves hundreds of genes; `get.sweep` has how many), without what stands beside
        them otherwise.
    {divided}

    Returns
    -------
    List of the three Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or it holds no sweep.
    ValueError
        If a key is given twice, or more than six are.
    """
    if not isinstance(key, str):
        several = draw_several(adata, list(key), include_self=include_self, ax=ax)
        return finish(several, ax=ax, show=show, return_fig=return_fig)
    frame = sweep_data(adata, include_self=include_self, key=key)
    result = Result.read(adata, key)
    figure, grid = split(ax, (12.0, 3.9), nrows=1, ncols=3)
    axes: list[Axes] = []
    for number, (title, panels) in enumerate(PANELS.items()):
        axes.append(figure.add_subplot(grid[0, number]))
        scores = [score for score, line in LINES.items() if line.panel in panels]
        _draw_panel(axes[-1], frame, scores, result)
        axes[-1].set_title(title, fontsize="medium", loc="left", color=INK)
        axes[-1].tick_params(labelleft=number == 0)
    axes[0].set_ylabel("mean over pairs")
    return finish(axes, ax=ax, show=show, return_fig=return_fig)


def _draw_panel(place: Axes, frame: pd.DataFrame, scores: list[str], result: Result) -> None:
    steps = np.unique(frame["sparsity"])
    at = {int(k): x for x, k in enumerate(steps)}
    if result.selected in at:
        place.axvline(at[result.selected], color=FAINT, linewidth=5, zorder=0)
    frame = frame[frame["score"].isin(scores)]
    for score in reversed(scores):
        part = frame[frame["score"] == score].sort_values("sparsity")
        if len(part):
            _draw_line(place, [at[k] for k in part["sparsity"]], part["value"].to_numpy(), LINES[score])
    all_genes = len(result.genes)
    place.set_xticks(range(len(steps)), labels=["all" if k == all_genes else str(k) for k in steps])
    place.set_xlim(-0.3, len(steps) - 0.7)
    place.set_ylim(-0.02, 1.04)
    place.set_xlabel("programmes per pair" if "programs" in result.raw else "genes per pair")
    place.grid(axis="y", color=FAINT, linewidth=0.6)
    place.set_axisbelow(True)
    despine(place)
    if len(frame):
        _end_labels(place, frame, at)


def _draw_line(ax: Axes, x: list[int], y: np.ndarray, line: Line) -> None:
    face = line.color if line.filled else "white"
    style: dict[str, Any] = {"markersize": 5.5, "markerfacecolor": face, "linewidth": 1.8 if line.filled else 1.3}
    ax.plot(x, y, color=line.color, linestyle=line.dashes, marker=line.marker, clip_on=False, **style)


def _end_labels(ax: Axes, frame: pd.DataFrame, at: dict[int, int]) -> None:
    """Name each line at its right end, moved apart where ends are close."""
    last = frame.sort_values("sparsity").groupby("score", sort=False).tail(1).set_index("score")
    last = last.reindex([score for score in LINES if score in last.index])
    height = 11.0 / (ax.get_window_extent().height * 72 / figure_of(ax).dpi) * np.ptp(ax.get_ylim())
    texts = spread(last["value"].to_numpy(), height, *ax.get_ylim())
    edge = len(at) - 1
    for (score, row), y in zip(last.iterrows(), texts, strict=True):
        line = LINES[str(score)]
        style = {"arrowstyle": "-", "color": line.color, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3, "alpha": 0.6}
        style |= {"relpos": (0, 0.5)}  # from the text's near edge, not from beneath it
        x = at[int(row["sparsity"])]
        text = ax.annotate(
            line.label,
            (x, row["value"]),
            (edge + 0.06 * edge + 0.1, y),
            annotation_clip=False,
            va="center",
            color=line.color if line.filled else INK,
            fontsize="small",
            arrowprops=style,
        )
        text.set_color(line.color if score != "similarity" else MUTED)
