"""Two explanations of the same pairs (paper, Figures 27–32)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import DATA, NONE, TEXT, checked, sequence_of
from scgce._api.docs import with_docs
from scgce._api.symbols import gene_labels
from scgce.get._changes import changes
from scgce.pl._labels import USUAL, arrow, room, short_names
from scgce.pl._matrix import tick_size
from scgce.pl._style import (
    FAINT,
    INK,
    MOVED,
    MUTED,
    SEQUENTIAL,
    TARGET,
    despine,
    figure_of,
    finish,
    new_figure,
    text_on,
)
from scgce.store.result import Result


def compare_data(
    adata: AnnData, other: AnnData | None = None, *, key: str = "tgt", other_key: str = "dbm", **sparsities: Any
) -> pd.DataFrame:
    """Sum up how much each pair's explanation changed.

    Returns
    -------
    One row per ordered pair: ``source``, ``target``, ``change`` (sum over genes of the absolute change, divided by
    the sum of the original's absolute amounts: 0 same, 1 changed by as much as there was), ``n_common`` (genes in
    both) and ``n_genes`` (genes in either).
    """
    frame = changes(adata, other, key=key, other_key=other_key, **sparsities)
    both = (frame["delta"] != 0) & (frame["delta_other"] != 0)
    sums = frame.assign(size=frame["delta"].abs(), moved=frame["change"].abs(), both=both)
    grouped = sums.groupby(["source", "target"], sort=False)
    table = grouped.agg(
        moved=("moved", "sum"), size=("size", "sum"), n_common=("both", "sum"), n_genes=("gene", "size")
    )
    table["change"] = table["moved"] / table["size"].where(table["size"] > 0)
    return table.reset_index()[["source", "target", "change", "n_common", "n_genes"]]


@checked(other=DATA | NONE | sequence_of(TEXT, 2))
@with_docs
def compare(
    adata: AnnData,
    other: AnnData | Sequence[str] | None = None,
    *,
    source: Any = None,
    target: Any = None,
    key: str = "tgt",
    other_key: str = "dbm",
    sparsity: int | None = None,
    other_sparsity: int | None = None,
    gene_symbols: str | None = None,
    n_genes: int = 25,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw how two results explain the same pairs: all pairs as a matrix, or one pair gene by gene.

    Parameters
    ----------
    adata
        Annotated data with the original result.
    other
        Annotated data with the other result; ``adata`` if not given. Or, as in :func:`scgce.get.compare`, two names in
        ``adata.uns``: ``pl.compare(adata, ["tgt", "dbm"])``.
    source, target
        One pair to draw gene by gene; all pairs if not given.
    key, other_key
        Where in ``uns`` the two results are.
    sparsity, other_sparsity
        Genes per pair of each, as in :func:`scgce.get.changes`: the same number if both have it.
    {gene_symbols}
    n_genes
        Genes of one pair shown at most.
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under a key, or no column ``gene_symbols``.
    ValueError
        If the results have fewer than two groups in common, or only one of source and target is given.
    """
    if isinstance(other, Sequence | np.ndarray | pd.Index | pd.Series):
        if isinstance(other, str) or len(other) != 2:
            raise ValueError(f"other={other!r}: expected an AnnData, or two names in adata.uns such as ['tgt', 'dbm']")
        (key, other_key), other = other, None
    gene_labels(adata, (), gene_symbols)  # an unknown column is refused where no gene is named, too
    if (source is None) != (target is None):
        raise ValueError(f"source={source!r} and target={target!r}: give both for one pair, or none for all pairs")
    options: dict[str, Any] = {
        "key": key,
        "other_key": other_key,
        "sparsity": sparsity,
        "other_sparsity": other_sparsity,
    }
    names = (key, other_key) if key != other_key else (key, f"{other_key} (other)")
    if source is None:
        place = _matrix(compare_data(adata, other, **options), Result.read(adata, key), names, ax)
    else:
        source, target = Result.read(adata, key).names(source, target)
        frame = changes(adata, other, **options)
        frame = frame[(frame["source"] == str(source)) & (frame["target"] == str(target))].head(n_genes)
        frame = frame.assign(gene=gene_labels(adata, frame["gene"], gene_symbols))
        place = new_figure(5.6, 0.24 * len(frame) + 1.6).add_subplot() if ax is None else ax
        _pair(place, frame, names)
        place.set_title(arrow(str(source), str(target), 44), loc="left", fontsize="medium", parse_math=False)
    return finish(place, ax=ax, show=show, return_fig=return_fig)


def _matrix(table: pd.DataFrame, result: Result, names: tuple[str, str], ax: Axes | None) -> Axes:
    groups = [group for group in result.groups if group in set(table["source"])]
    values = table.pivot_table(index="source", columns="target", values="change").reindex(index=groups, columns=groups)
    count = len(groups)
    side = float(np.clip(0.42 * count, 2.4, 7.0))
    labels, size = short_names(groups), tick_size(count)
    long = room(labels, size, USUAL)
    place = new_figure(side + 3.0 + long, side + 2.0 + long).add_subplot() if ax is None else ax
    shares = values.to_numpy(float)  # without a number where a pair moves no gene
    image = place.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=max(1.0, float(np.nan_to_num(shares).max())))
    place.set_facecolor(FAINT)
    style: dict[str, Any] = {"fontsize": size, "parse_math": False}
    place.set_xticks(range(count), labels=labels, rotation=90, **style)
    place.set_yticks(range(count), labels=labels, **style)
    place.tick_params(length=0)
    place.spines[:].set_visible(False)
    place.set(xlabel="target", ylabel="source")
    place.set_title(
        f"change from {names[0]} to {names[1]}\nmean {table['change'].mean():.2f}", fontsize="medium", parse_math=False
    )
    bar = figure_of(place).colorbar(image, ax=place, fraction=0.04, pad=0.02, aspect=22)
    bar.set_label("Σ|change| / Σ|original|", fontsize="small")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize="x-small", length=2)
    if count <= 14:
        for (row, column), value in np.ndenumerate(values.to_numpy(float)):
            if np.isfinite(value):
                ink = text_on(image.cmap(image.norm(value)))
                place.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize="x-small", color=ink)
    return place


def _pair(ax: Axes, frame: pd.DataFrame, names: tuple[str, str]) -> None:
    y = np.arange(len(frame))
    ax.hlines(y, frame["delta"], frame["delta_other"], color=FAINT, linewidth=3, zorder=1)
    ax.scatter(frame["delta"], y, s=34, color=MOVED, label=names[0], zorder=3)
    ax.scatter(frame["delta_other"], y, s=30, color=TARGET, marker="D", label=names[1], zorder=2)
    ax.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    ax.set_yticks(y, labels=frame["gene"], fontsize="small", parse_math=False)
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.set_xlabel("amount added")
    ax.tick_params(axis="y", length=0)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0), labelcolor=INK)
    despine(ax, left=True)
