"""What a part of a translation does, and more than all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from anndata import AnnData
from matplotlib.axes import Axes

from scgce._api.constraints import checked
from scgce._api.docs import with_docs
from scgce.core.score.metrics import score_pairs
from scgce.pl._labels import arrow
from scgce.pl._map import bounds_of, cell_map, explained_cells, layer_of, representation, sample
from scgce.pl._style import FAINT, INK, MUTED, despine, finish, new_figure
from scgce.store.result import Result

DOSES = tuple(np.round(np.linspace(0, 1.5, 16), 6))


def dose_data(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    doses: Sequence[float] = DOSES,
    sparsity: int | None = None,
    key: str = "tgt",
    max_cells: int = 500,
    rng: int | np.random.Generator = 0,
) -> pd.DataFrame:
    """Score x + t·δ for several t with the stored ε.

    Returns
    -------
    One row per dose: ``dose`` (t), ``correctness``, ``coverage`` (paper, Eq. 3 and 4, in the explained
    representation, on the reported cells where they are known) and ``left``, the share of translated cells that no
    longer lie within ε of a cell of the source.

    Raises
    ------
    ValueError
        If a group or sparsity is unknown, or the encoder was not stored.
    """
    result = Result.read(adata, key)
    i, j = result.pair(source, target)
    chosen = cell_map(adata, result, representation(adata, result))
    if chosen.encoder is None:
        raise ValueError(f"key={key!r}: the encoder is needed to score parts of a translation; {chosen.reason}")
    known = explained_cells(adata, result)
    rows = [
        sample(known.rows(group, name), max_cells, np.random.default_rng(rng))
        for group, name in ((i, source), (j, target))
    ]
    layer, bounds = layer_of(result, adata), bounds_of(result, adata)
    delta = pd.Series(result.delta(i, j, sparsity), index=result.genes)
    delta = delta[delta != 0]
    here = [torch.from_numpy(chosen.embedded(adata, part, 0 * delta, layer)) for part in rows]
    records = []
    for dose in doses:
        moved = torch.from_numpy(chosen.embedded(adata, rows[0], float(dose) * delta, layer, bounds))
        there = score_pairs(lambda *_, moved=moved: moved, here, result.epsilon, [(0, 1)])
        stay = score_pairs(lambda *_, moved=moved: moved, [here[1], here[0]], result.epsilon, [(0, 1)])
        scores = float(there.correctness[0, 1]), float(there.coverage[0, 1]), 1 - float(stay.correctness[0, 1])
        records.append((float(dose), *scores))
    return pd.DataFrame(records, columns=["dose", "correctness", "coverage", "left"])


@checked()
@with_docs
def dose(
    adata: AnnData,
    source: Any,
    target: Any,
    *,
    doses: Sequence[float] = DOSES,
    sparsity: int | None = None,
    key: str = "tgt",
    ax: Axes | None = None,
    show: bool | None = None,
    return_fig: bool = False,
) -> Any:
    """Draw correctness and coverage while the translation is added by and by, and beyond its full amount.

    A curve that rises before 1 and stays says that the explanation has room; one that peaks sharply at 1 that the
    target is narrow or the amounts are tuned to the map.

    Parameters
    ----------
    {result}
    source, target
        Names of two groups.
    doses
        Parts of the translation, 1 is all of it.
    {selected}
    {key}
    {figure}

    Returns
    -------
    The Axes, or the Figure.

    Raises
    ------
    KeyError
        If there is no result under ``key``.
    ValueError
        If a group or sparsity is unknown, or the encoder was not stored.
    """
    source, target = Result.read(adata, key).names(source, target)
    frame = dose_data(adata, source, target, doses=doses, sparsity=sparsity, key=key)
    place = new_figure(5.6, 3.8).add_subplot() if ax is None else ax
    place.axvline(1, color=FAINT, linewidth=5, zorder=0)
    lines = (("correctness", "#08408a", "o", "-"), ("coverage", "#c26a00", "s", "-"), ("left", MUTED, "", "--"))
    for name, color, marker, dashes in lines:
        label = "no longer in the source" if name == "left" else name
        place.plot(frame["dose"], frame[name], color=color, marker=marker, markersize=4, linestyle=dashes, label=label)
    place.set_ylim(-0.02, 1.04)
    place.set_xlabel("part of the translation added")
    place.set_ylabel("share of cells")
    place.set_title(arrow(str(source), str(target), 44), loc="left", fontsize="medium", parse_math=False)
    place.grid(axis="y", color=FAINT, linewidth=0.6)
    place.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.01, 1.0), labelcolor=INK)
    despine(place)
    return finish(place, ax=ax, show=show, return_fig=return_fig)
