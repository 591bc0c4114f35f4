"""What known labels the groups hold (paper, Tables 2 and 3, Figure 21)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.columns import group_key
from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import not_found
from scgce._api.groups import labels_of, read_groups
from scgce.pl._labels import USUAL, room, short_names, wrap
from scgce.pl._style import FAINT, INK, despine, finish, group_colors, new_figure, text_on

BESIDE = 34  # characters of a line beside the picture


def label_distribution_data(adata: AnnData, groupby: str, label: str) -> pd.DataFrame:
    """Count labels per group, or summarise numbers per group.

    Returns
    -------
    For a categorical ``label`` one row per group and label: ``group``, ``label``, ``count``, ``share`` (of the
    group's labelled cells). For a numeric one a row per cell: ``group``, ``value``.

    Raises
    ------
    KeyError
        If a column is not in ``obs``.
    """
    groups = read_groups(adata, groupby, min_cells=1)
    if label not in adata.obs:
        raise not_found("label", label, "adata.obs", adata.obs.columns)
    names = pd.Categorical.from_codes(groups.codes, [str(name) for name in groups.names])
    column = adata.obs[label]
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        frame = pd.DataFrame({"group": names, "value": column.to_numpy(dtype=float, na_value=np.nan)})
        return frame.dropna().reset_index(drop=True)
    labels, codes = labels_of(column)
    kind = pd.Categorical.from_codes(codes, list(labels))
    counts = pd.crosstab(names, kind.to_numpy(), rownames=["group"], colnames=["label"])
    counts = counts.reindex(index=names.categories, columns=kind.categories, fill_value=0)
    long = counts.rename_axis(index="group", columns="label").stack().rename("count").reset_index()
    total = long.groupby("group", sort=False)["count"].transform("sum")
    long["share"] = long["count"] / total.where(total > 0)
    return long


@checked()
@with_docs
def label_distribution(
    adata: AnnData,
    groupby: str | Sequence[str],
    label: str,
    *,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw the labels of each group: stacked shares with counts, or boxes for a numeric label.

    Parameters
    ----------
    adata
        Annotated data.
    groupby
        Column of ``obs`` with the groups.
    label
        Column of ``obs`` with labels or numbers.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If a column is not in ``obs``.
    """
    groupby = group_key(adata, groupby)
    frame = label_distribution_data(adata, groupby, label)
    groups = list(frame["group"].cat.categories) if "value" in frame else list(dict.fromkeys(frame["group"]))
    legend = [] if "value" in frame else [wrap(name, BESIDE) for name in frame["label"].unique()]
    lines = sum(name.count("\n") + 1.3 for name in legend)
    height = max(0.3 * len(groups) + 1.2, 0.15 * lines + 0.8, 2.6)
    place = new_figure(8.0 + room(short_names(groups), "small", USUAL), height).add_subplot() if ax is None else ax
    if "value" in frame:
        _boxes(place, frame, groups, group_colors(adata, groupby, groups))
        place.set_xlabel(label, parse_math=False)
    else:
        _bars(place, frame, groups, group_colors(adata, label, dict.fromkeys(frame["label"])))
        place.set_xlabel(f"share of cells by {label}", parse_math=False)
    place.set_yticks(range(len(groups)), labels=short_names(groups), parse_math=False, fontsize="small")
    place.set_ylim(len(groups) - 0.4, -0.6)
    place.tick_params(axis="y", length=0)
    despine(place, left=True)
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _bars(ax: Axes, frame: pd.DataFrame, groups: list[str], colors: dict[str, str]) -> None:
    left = np.zeros(len(groups))
    for name, color in colors.items():
        part = frame[frame["label"] == name].set_index("group").loc[groups]
        share = part["share"].fillna(0.0).to_numpy()
        ax.barh(
            range(len(groups)), share, left=left, height=0.78, color=color, label=wrap(name, BESIDE), edgecolor="white"
        )
        for y in np.flatnonzero(share > 0.05):
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": "x-small", "color": text_on(color)}
            ax.text(float(left[y] + share[y] / 2), float(y), str(part["count"].iloc[y]), **style)
        left += share
    ax.set_xlim(0, 1)
    size = "small" if len(colors) <= 12 else "x-small"
    legend = ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=size, labelcolor=INK)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _boxes(ax: Axes, frame: pd.DataFrame, groups: list[str], colors: dict[str, str]) -> None:
    values = [frame.loc[frame["group"] == name, "value"].to_numpy() for name in groups]
    style: dict[str, Any] = {"patch_artist": True, "widths": 0.6, "showfliers": False, "manage_ticks": False}
    drawn = ax.boxplot(
        values, positions=range(len(groups)), orientation="horizontal", medianprops={"color": INK}, **style
    )
    for patch, name in zip(drawn["boxes"], groups, strict=True):
        patch.set(facecolor=colors[name], alpha=0.75)
    rng = np.random.default_rng(0)
    for y, points in enumerate(values):
        shown = points if len(points) <= 300 else rng.choice(points, 300, replace=False)
        ax.scatter(
            shown, y + rng.uniform(-0.25, 0.25, len(shown)), s=4, c=INK, alpha=0.35, linewidths=0, rasterized=True
        )
    ax.grid(axis="x", color=FAINT, linewidth=0.6)
    ax.set_axisbelow(True)
