"""PercentExplained: how much of the transport cost between two groups a translation removes; needs no ε."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch import Tensor

from scgce.core.pairs import by_source, listed

from .cells import in_parts

MAX_CELLS = 500


def squared_wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """W₂² between two equally large clouds of equal weights, (n, m) each: exact, by assignment."""
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape}, b has shape {b.shape}; accepted: equal shapes")
    cost = cdist(a, b, "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())


def percent_explained(
    moved: Tensor,
    source: Tensor,
    target: Tensor,
    *,
    max_cells: int = MAX_CELLS,
    rng: int | np.random.Generator = 0,
) -> float:
    """1 − W₂²(moved, target) / W₂²(source, target) (Kulinski & Inouye 2023).

    1: the translated cells have the distribution of the target. 0: no better than not moving. Negative: worse.

    Parameters
    ----------
    moved
        r(x + δ) of the source's cells, shape (n_i, m), rows as in `source`.
    source, target
        r of the cells of both groups, shapes (n_i, m) and (n_j, m).
    max_cells
        Both groups are sub-sampled without replacement to min(n_i, n_j, max_cells) cells, because the exact
        assignment needs equal sizes and costs their cube. The same cells are drawn for `moved` and `source`.
    rng
        Draws the cells.

    Returns
    -------
    At most 1; NaN where source and target coincide already, so that nothing is to be explained.

    Raises
    ------
    ValueError
        If `moved` and `source` differ in shape, a group is empty, or `max_cells` < 1.
    """
    if moved.shape != source.shape:
        raise ValueError(f"moved has shape {tuple(moved.shape)}; accepted: {tuple(source.shape)} as source")
    moved_rows, source_rows, target_rows = _draw([moved, source], target, max_cells, np.random.default_rng(rng))
    before = squared_wasserstein(source_rows, target_rows)
    if before == 0:
        return float("nan")
    return 1 - squared_wasserstein(moved_rows, target_rows) / before


def _draw(sources: Sequence[Tensor], target: Tensor, max_cells: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw the same random rows of all `sources` and as many of `target`, in float64."""
    n_source, n_target = sources[0].shape[0], target.shape[0]
    size = min(n_source, n_target, max_cells)
    if size < 1:
        raise ValueError(
            f"max_cells={max_cells} with groups of {n_source} and {n_target} cells; accepted: at least one of each"
        )
    chosen = torch.from_numpy(rng.choice(n_source, size, replace=False))
    other = torch.from_numpy(rng.choice(n_target, size, replace=False))
    picked = [cloud.detach().cpu()[chosen] for cloud in sources] + [target.detach().cpu()[other]]
    return [cloud.double().numpy() for cloud in picked]


def percent_explained_pairs(
    moved: Callable[[int, int], Tensor],
    embedded: Sequence[Tensor],
    pairs: Iterable[tuple[int, int]] | None = None,
    *,
    max_cells: int = MAX_CELLS,
    rng: int | np.random.Generator = 0,
) -> np.ndarray:
    """`percent_explained` of ordered pairs, float64 (l, l); NaN on the diagonal and where not asked for.

    Parameters
    ----------
    moved
        ``moved(i, j)``: r(x + δ_ij) for the cells x of i, shape (n_i, m).
    embedded
        r of the cells of each group, shapes (n_g, m).
    pairs
        Ordered pairs wanted; all by default.
    max_cells
        Cells of either group that are compared at most: the exact assignment costs their cube.
    rng
        Draws them.
    """
    n_groups = len(embedded)
    generator = np.random.default_rng(rng)
    out = np.full((n_groups, n_groups), np.nan)
    asked = listed(n_groups) if pairs is None else [(i, j) for i, j in pairs if i != j]
    for i, wanted in by_source(asked).items():
        for some, moved_there in in_parts(moved, i, wanted, embedded[i].numel()):
            for j, points in zip(some, moved_there, strict=True):
                out[i, j] = percent_explained(points, embedded[i], embedded[j], max_cells=max_cells, rng=generator)
    return out
