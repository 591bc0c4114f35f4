"""What happens along the path of penalties λ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce._api.errors import NotFoundError
from scgce.pl._style import FAINT, INK, MOVED, TARGET, despine, finish, split
from scgce.store.result import Result

_MEASURES = ("objective", "n_genes_mean", "n_genes_max")


def path_data(adata: AnnData, *, key: str = "tgt") -> pd.DataFrame:
    """Put the path, and the sparsities taken from it, into one frame.

    Returns
    -------
    ``lam``, ``measure``, ``value``, largest λ first. The measures are ``objective`` (Eq. 9), ``n_genes_mean`` and
    ``n_genes_max`` (genes per pair over all pairs) along the path and, at the λ chosen for each sparsity of the
    sweep, ``sparsity`` (genes per pair) and ``levels`` (mean over used genes of the number of different amounts that
    the groups have).

    Raises
    ------
    KeyError
        If no path is stored (``lam`` was given, or the tool has none).
    """
    result = Result.read(adata, key)
    if "path" not in result.raw or not len(result.raw["path"]["lam"]):
        raise NotFoundError(f"key={key!r}: no path over λ is stored in adata.uns[{key!r}]")
    path = result.raw["path"]
    lam = np.asarray(path["lam"], dtype=float)
    parts = [
        pd.DataFrame({"lam": lam, "measure": name, "value": np.asarray(path[name], dtype=float)})
        for name in _MEASURES
        if name in path
    ]
    chosen = np.asarray(result.raw.get("sweep", {}).get("lam", []), dtype=float)
    for k, at in zip(result.sparsities.tolist(), chosen.tolist(), strict=False):
        levels = _levels(result.basis(k))
        parts.append(pd.DataFrame({"lam": at, "measure": ["sparsity", "levels"], "value": [float(k), levels]}))
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values("lam", ascending=False, kind="stable", ignore_index=True)


@checked()
@with_docs
def path(
    adata: AnnData, *, key: str = "tgt", ax: Axes | None = None, show: bool | None = None, return_fig: bool = False
) -> Any:
    """Draw objective, genes per pair and different amounts of a gene against λ, from the largest (no gene) down.

    Parameters
    ----------
    adata
        Annotated data with a result of :func:`scgce.tl.tgt`.
    {key}
    {divided}

    Returns
    -------
    List of the three Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``, or it holds no path.
    """
    frame = path_data(adata, key=key)
    figure, grid = split(ax, (7.0, 6.0), nrows=3, ncols=1)
    axes = [figure.add_subplot(grid[0, 0])]
    axes += [figure.add_subplot(grid[row, 0], sharex=axes[0]) for row in (1, 2)]
    wide = frame[frame["lam"] > 0].pivot_table(index="lam", columns="measure", values="value", aggfunc="first")
    _line(axes[0], wide, "objective", MOVED, "")
    axes[0].set_ylabel("misfit + penalty\n(objective)")
    axes[0].set_title("the smaller the penalty λ, the more genes", fontsize="medium", loc="left", color=INK)
    _line(axes[1], wide, "n_genes_max", TARGET, "pair with most genes")
    _line(axes[1], wide, "n_genes_mean", MOVED, "mean over pairs")
    _dots(axes[1], frame, "sparsity", "taken for the sweep")
    axes[1].set_yscale("symlog", linthresh=1)
    axes[1].set_ylim(bottom=0)
    axes[1].set_ylabel("genes per pair")
    axes[1].legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0), labelcolor=INK)
    _dots(axes[2], frame, "levels", "", joined=True)
    axes[2].set_ylim(bottom=0)
    axes[2].set_ylabel("different amounts\nof a gene (mean)")
    axes[2].set_xlabel("penalty λ")
    axes[0].set_xscale("log")
    axes[0].invert_xaxis()
    wanted = (1.0, 2.0, 5.0) if wide.index.max() < 100 * wide.index.min() else (1.0,)
    axes[2].xaxis.set_major_locator(LogLocator(subs=wanted))
    axes[2].xaxis.set_major_formatter("{x:g}")
    axes[2].xaxis.set_minor_formatter(NullFormatter())
    for place in axes:
        place.grid(axis="y", color=FAINT, linewidth=0.6)
        place.set_axisbelow(True)
        despine(place)
        place.tick_params(labelbottom=place is axes[2], which="both")
    return finish(axes, ax=ax, show=show, return_fig=return_fig)


def _line(ax: Axes, wide: pd.DataFrame, name: str, color: str, label: str) -> None:
    if name in wide:
        part = wide[name].dropna()
        ax.plot(part.index, part, color=color, linewidth=1.8, label=label)


def _dots(ax: Axes, frame: pd.DataFrame, name: str, label: str, *, joined: bool = False) -> None:
    part = frame[(frame["measure"] == name) & (frame["lam"] > 0)]
    style: dict[str, Any] = {"markersize": 5, "markerfacecolor": "white", "markeredgecolor": INK, "clip_on": False}
    ax.plot(part["lam"], part["value"], linewidth=1.2 * joined, color=INK, marker="o", label=label, **style)


def _levels(basis: np.ndarray) -> float:
    used = basis[:, (basis != basis[0]).any(axis=0)]
    if not used.shape[1]:
        return 1.0
    return float(1 + (np.diff(np.sort(used, axis=0), axis=0) > 0).sum(axis=0).mean())
