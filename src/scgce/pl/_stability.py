"""Which genes would be chosen again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.symbols import in_symbols
from scgce.get._evidence import stability as read_stability
from scgce.get._explanation import explanation as read_explanation
from scgce.pl._labels import arrow
from scgce.pl._style import FAINT, INK, LOWERED, MOVED, MUTED, RAISED, despine, finish, split
from scgce.store.result import Result


def stability_data(adata: AnnData, source: Any, target: Any, *, key: str = "tgt") -> pd.DataFrame:
    """Put the bootstraps of one pair beside its explanation.

    Returns
    -------
    One row per gene that the explanation or a bootstrap uses, most frequent first and, among equals, largest amount
    first: ``gene``, ``delta`` (0 if the explanation does not use it), ``frequency``, ``low``, ``high``.

    Raises
    ------
    KeyError
        If there is no result, or :func:`scgce.tl.stability` has not been run on it.
    ValueError
        If a group is unknown.
    """
    result = Result.read(adata, key)
    i, j = result.pair(source, target)
    found = read_stability(adata, source, target, key=key)
    k = int(result.raw["stability"]["sparsity"])
    if "program" in found:
        found = found.rename(columns={"program": "gene"})
        used = read_explanation(adata, source, target, sparsity=k, key=key).rename(
            columns={"program": "gene", "size": "delta"}
        )[["gene", "delta"]]
    else:
        used = _moved(result, i, j, k)
    frame = used.merge(found, on="gene", how="outer").fillna({"delta": 0.0, "frequency": 0.0, "low": 0.0, "high": 0.0})
    frame["size"] = frame["delta"].abs()
    frame = frame.sort_values(["frequency", "size", "gene"], ascending=[False, False, True], ignore_index=True)
    return frame[["gene", "delta", "frequency", "low", "high"]]


def _moved(result: Result, i: int, j: int, k: int) -> pd.DataFrame:
    """Genes of an explanation and their amounts."""
    delta = result.delta(i, j, k)
    return pd.DataFrame({"gene": result.genes[delta != 0], "delta": delta[delta != 0].astype(float)})


@checked()
@with_docs
def stability(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    gene_symbols: str | None = None,
    key: str = "tgt",
    n_genes: int = 25,
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw how often each gene is chosen over the bootstraps, and the interval of its amount.

    Filled dots are genes of the explanation; open ones were chosen only by bootstraps.

    Parameters
    ----------
    adata
        Annotated data on which :func:`scgce.tl.stability` was run.
    source, target
        Names of two groups.
    {gene_symbols}
    {key}
    n_genes
        Genes shown at most, the most frequent.
    {divided}

    Returns
    -------
    List of the two Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result, or :func:`scgce.tl.stability` has not been run on it, or no column
        ``gene_symbols``.
    ValueError
        If a group is unknown.
    """
    result = Result.read(adata, key)
    source, target = result.names(source, target)
    frame = stability_data(adata, source, target, key=key).head(n_genes)
    stored = result.raw["stability"]
    figure, grid = split(ax, (8.0, max(0.22 * len(frame) + 1.5, 2.8)), nrows=1, ncols=2, width_ratios=[1, 1.2])
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    y, labels = np.arange(len(frame)), in_symbols(adata, frame["gene"], result.genes, gene_symbols)
    inside = frame["delta"].to_numpy() != 0
    left.hlines(y, 0, frame["frequency"], color=FAINT, linewidth=2, zorder=1)
    faces = [MOVED if chosen else "white" for chosen in inside]
    left.scatter(frame["frequency"], y, s=32, c=faces, edgecolors=MOVED, linewidths=1.0, zorder=2, clip_on=False)
    left.set_xlim(0, 1.0)
    left.set_yticks(y, labels=labels, fontsize="small", parse_math=False)
    left.set_ylim(max(len(frame), 1) - 0.4, -0.6)
    left.set_xlabel(f"share of {int(stored['n_bootstraps'])} bootstraps that choose it")
    right.axvline(0, color=MUTED, linewidth=0.8, zorder=0)
    right.hlines(y, frame["low"], frame["high"], color=INK, linewidth=1.2, zorder=1)
    colors = [RAISED if amount > 0 else LOWERED for amount in frame["delta"][inside]]
    right.scatter(frame["delta"][inside], y[inside], s=32, c=colors, zorder=2)
    right.set_xlabel(f"amount, and its {100 * float(stored['interval']):.0f} % interval")
    right.tick_params(labelleft=False)
    for place in (left, right):
        place.tick_params(axis="y", length=0)
        place.grid(axis="x", color=FAINT, linewidth=0.6)
        place.set_axisbelow(True)
        despine(place, left=True)
    left.set_title(arrow(str(source), str(target), 44), loc="left", fontsize="medium", parse_math=False)
    return finish([left, right], ax=ax, show=show, return_fig=return_fig)
