"""Cells on the map, and where a sample of them lies after every translation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from anndata import AnnData

from scgce._api.adata import gene_places
from scgce.core.choose.truncate import SparseDelta
from scgce.pl._map import CellMap, bounds_of, explained_cells, flat, layer_of, sample
from scgce.pl._style import group_colors
from scgce.store.cuts import Support
from scgce.store.result import Result

from ._encode import packed, quantised

MOST_MOVED = 120_000
"""Translated cells in the page, over all ordered pairs and sparsities."""

PER_PAIR = (20, 150)

FAR = 0.3
"""Share of the map's width by which translated cells may widen it."""

Frame = tuple[np.ndarray, np.ndarray]


def cells(
    adata: AnnData, result: Result, chosen: CellMap, most: int, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    Place a sample of the cells, and translated reported cells of all ordered pairs at every sparsity.

    Returns
    -------
    ``x``, ``y`` and ``code`` (row of the group, -1 for none) of the cells, packed, and ``unplaced``, how many of those
    drawn have no coordinates; and of the translated cells ``counts``, cells of each group, and ``levels``, for each
    sparsity ``x`` and ``y``: source after source, target after target of those explained, cell after cell.
    Only ``reason`` if translated cells cannot be placed.
    """
    known = explained_cells(adata, result)
    codes = known.codes
    rows = sample(np.arange(adata.n_obs), most, rng)
    points = chosen.observed(adata, rows, layer_of(result, adata))
    placed = np.isfinite(points).all(axis=1)
    if not placed.any():
        raise ValueError(f"basis={chosen.basis!r} has no coordinates for any cell")
    rows, points = rows[placed], points[placed]
    unplaced = {"shown": len(rows), "unplaced": int((~placed).sum())}
    drawn = {"total": adata.n_obs, **unplaced, "code": packed(codes[rows], "i2")}
    if chosen.encoder is None:
        return {**drawn, **_places(points, _frame(points))}, {"reason": chosen.reason}
    sparsities, seed = result.swept, int(rng.integers(2**31))  # the same cells at every number of genes
    codes = np.where(known.reported, codes, -1)
    found = [_moved(adata, result, chosen, codes, np.random.default_rng(seed), k, len(sparsities)) for k in sparsities]
    frame = _frame(points, np.concatenate([moved for _, moved in found]))
    return {**drawn, **_places(points, frame)}, {
        "counts": found[0][0],
        "levels": [_places(moved, frame) for _, moved in found],
    }


def _frame(points: np.ndarray, moved: np.ndarray | None = None) -> Frame:
    """Corners that hold all cells and nearly all translated ones, unless these are far away."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    if moved is not None and len(moved):
        lowest, highest = np.quantile(moved, [0.005, 0.995], axis=0)
        low = np.minimum(low, np.maximum(lowest, low - FAR * span))
        high = np.maximum(high, np.minimum(highest, high + FAR * span))
    return low - 0.04 * span, high + 0.04 * span


def _places(points: np.ndarray, frame: Frame) -> dict[str, str]:
    low, high = frame
    return {name: quantised(points[:, axis], low[axis], high[axis]) for axis, name in enumerate("xy")}


def _moved(
    adata: AnnData,
    result: Result,
    chosen: CellMap,
    codes: np.ndarray,
    rng: np.random.Generator,
    k: int,
    n_sparsities: int,
) -> tuple[list[int], np.ndarray]:
    """Reported cells that are translated, of each group, and their places for all ordered pairs, k genes each."""
    size, layer = len(result.groups), layer_of(result, adata)
    each = int(np.clip(MOST_MOVED // (len(result.ordered_pairs) * n_sparsities), *PER_PAIR))
    bounds = bounds_of(result, adata)
    cuts = result.pair_cuts(k)
    here = gene_places(adata, result.genes)
    counts, parts = [], [np.zeros((0, 2))]
    for i in range(size):
        rows = sample(np.flatnonzero(codes == i), each, rng)
        counts.append(len(rows))
        if not len(rows):
            continue
        translator, encoder = chosen.translator(adata, rows, layer, bounds)
        for j in np.flatnonzero(result.asked[i]).tolist():
            moved = translator.translate(slice(None), _renumbered(cuts(i, j), here))
            parts.append(flat(encoder.embed_hidden(moved.numpy())))
    return counts, np.concatenate(parts)


def _renumbered(delta: Support, here: np.ndarray) -> SparseDelta:
    """The translation in the columns of ``adata``, ascending; genes that it no longer has are left out."""
    columns = here[delta.genes]
    order = np.argsort(columns, kind="stable")
    order = order[columns[order] >= 0]
    return SparseDelta(torch.from_numpy(columns[order]), torch.from_numpy(delta.values[order]))


def colors(adata: AnnData, result: Result) -> list[str]:
    """Hexadecimal colours of the groups."""
    return list(group_colors(adata, result.groupby, result.groups).values())
