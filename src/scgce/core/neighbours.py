"""Exact nearest neighbours and neighbours within ε, never an n × n array.

Distances are plain Euclidean in float64. A distance that decides is always recomputed from coordinate differences,
summed in a fixed order, so that the same two points are the same distance apart whichever search found them and
`distance ≤ ε` holds for the very distance from which ε was chosen.
"""

from __future__ import annotations

from functools import cached_property

import torch
from scipy.spatial import cKDTree
from torch import Tensor

_TREE_DIMS = 3
_DIRECT_PAIRS = 2**16
_QUERY_BLOCK = 2048
_REF_BLOCKS = (256, 1024, 4096)
_UNIT = 2.0**-52
_TINY = 1e-150  # its square is still a number: a KD-tree compares squares, strictly


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distance over the last axis (broadcast), summed coordinate by coordinate."""
    total = torch.zeros((), dtype=a.dtype, device=a.device)
    for u, v in zip(a.unbind(-1), b.unbind(-1), strict=True):
        step = u - v
        total = total + step * step
    return total.sqrt()


def as_points(points: Tensor, name: str) -> Tensor:
    """Points in float64, shape (n, m); on the CPU where the device has no float64.

    Raises
    ------
    ValueError
        If `points` is not 2-d or holds NaN or infinite values.
    """
    if points.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(points.shape)}; accepted: (cells, dimensions)")
    points = points.detach()
    points = (points.cpu() if points.device.type == "mps" else points).to(torch.float64)
    if not torch.isfinite(points).all():
        raise ValueError(f"{name} holds NaN or infinite coordinates; accepted: finite values")
    return points


class Neighbours:
    """An index over reference points that answers many queries.

    A KD-tree for m ≤ 3 on the CPU; otherwise blocked matrix products with early exit.

    Parameters
    ----------
    refs
        Reference points, shape (n, m), at least one.
    """

    def __init__(self, refs: Tensor) -> None:
        self.points = as_points(refs, "refs")
        if self.points.shape[0] == 0:
            raise ValueError("refs holds no points; accepted: at least one")
        self.uses_tree = self.points.shape[1] <= _TREE_DIMS and self.points.device.type == "cpu"

    def __len__(self) -> int:
        return self.points.shape[0]

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points.numpy())

    @cached_property
    def _norms(self) -> Tensor:
        return self.points.square().sum(1)

    def _check(self, queries: Tensor) -> Tensor:
        queries = as_points(queries, "queries").to(self.points.device)
        if queries.shape[1] != self.points.shape[1]:
            raise ValueError(f"queries has {queries.shape[1]} dimensions; accepted: {self.points.shape[1]} as refs")
        return queries

    def nearest(self, queries: Tensor) -> Tensor:
        """Distance from each query to the nearest reference, float64 (q,)."""
        queries = self._check(queries)
        return distance(queries, self.points[self._argmin(queries)])

    def _argmin(self, queries: Tensor) -> Tensor:
        if self.uses_tree:
            return torch.from_numpy(self._tree.query(queries.numpy(), workers=-1)[1]).long()
        blocks = [self._argmin_block(q) for q in torch.split(queries, _QUERY_BLOCK)]
        return torch.cat(blocks) if blocks else torch.zeros(0, dtype=torch.int64, device=queries.device)

    def _argmin_block(self, queries: Tensor, exclude: Tensor | None = None) -> Tensor:
        best = torch.full((queries.shape[0],), torch.inf, dtype=torch.float64, device=queries.device)
        found = torch.zeros(queries.shape[0], dtype=torch.int64, device=queries.device)
        step = _REF_BLOCKS[-1]
        for start in range(0, len(self), step):
            # |q|² is the same along a row and does not move the minimum
            gap = self._norms[start : start + step] - 2 * (queries @ self.points[start : start + step].T)
            if exclude is not None:
                own = exclude - start
                inside = torch.nonzero((own >= 0) & (own < gap.shape[1]), as_tuple=True)[0]
                gap[inside, own[inside]] = torch.inf
            value, at = gap.min(1)
            closer = value < best
            best = torch.where(closer, value, best)
            found = torch.where(closer, at + start, found)
        return found

    @cached_property
    def self_nearest(self) -> Tensor:
        """Distance from each reference to its nearest other reference, float64 (n,); inf for a single point."""
        if len(self) == 1:
            return torch.full((1,), torch.inf, dtype=torch.float64, device=self.points.device)
        own = torch.arange(len(self), device=self.points.device)
        if self.uses_tree:
            found = torch.from_numpy(self._tree.query(self.points.numpy(), k=2, workers=-1)[1]).long()
            other = torch.where(found[:, 0] == own, found[:, 1], found[:, 0])
        else:
            parts = torch.split(own, _QUERY_BLOCK)
            other = torch.cat([self._argmin_block(self.points[part], exclude=part) for part in parts])
        return distance(self.points, self.points[other])

    def within(self, queries: Tensor, epsilon: float) -> Tensor:
        """Whether each query has a reference at distance ≤ ε, bool (q,)."""
        queries = self._check(queries)
        if not self.uses_tree:
            blocks = [self._within_block(q, epsilon) for q in torch.split(queries, _QUERY_BLOCK)]
            return torch.cat(blocks) if blocks else torch.zeros(0, dtype=torch.bool, device=queries.device)
        # the bound only prunes; a little slack keeps a neighbour at exactly ε
        bound = epsilon * (1 + 1e-9) + _TINY
        found = torch.from_numpy(self._tree.query(queries.numpy(), distance_upper_bound=bound, workers=-1)[1]).long()
        hit = found < len(self)
        close = distance(queries[hit], self.points[found[hit]]) <= epsilon
        hit[hit.clone()] = close
        return hit

    def _within_block(self, queries: Tensor, epsilon: float) -> Tensor:
        """Blocks of growing size: most queries are settled by the first and leave."""
        hit = torch.zeros(queries.shape[0], dtype=torch.bool, device=queries.device)
        open_rows = torch.arange(queries.shape[0], device=queries.device)
        start = 0
        for block in _ref_blocks(len(self)):
            if open_rows.numel() == 0:
                break
            refs = self.points[start : start + block]
            sure, unsure = _squared_below(queries[open_rows], refs, self._norms[start : start + block], epsilon)
            hit[open_rows] = _settle(queries[open_rows], refs, sure, unsure, epsilon)
            open_rows = open_rows[~hit[open_rows]]
            start += block
        return hit


def _ref_blocks(n: int) -> list[int]:
    sizes: list[int] = []
    while n > 0:
        sizes.append(min(n, _REF_BLOCKS[min(len(sizes), len(_REF_BLOCKS) - 1)]))
        n -= sizes[-1]
    return sizes


def _squared_below(a: Tensor, b: Tensor, b_norms: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Pairs surely within ε and pairs too near the boundary for a product to tell, both bool (n_a, n_b)."""
    a_norms = a.square().sum(1)
    squared = a_norms[:, None] + b_norms - 2 * (a @ b.T)
    slack = 4 * (a.shape[1] + 8) * _UNIT * (a_norms[:, None] + b_norms + epsilon**2)
    return squared <= epsilon**2 - slack, (squared - epsilon**2).abs() <= slack


def _settle(a: Tensor, b: Tensor, sure: Tensor, unsure: Tensor, epsilon: float) -> Tensor:
    """Whether each row of a has a point of b within ε; doubtful pairs are measured, shape (n_a,)."""
    return _measured(a, b, sure, unsure, epsilon).any(1)


def _measured(a: Tensor, b: Tensor, sure: Tensor, unsure: Tensor, epsilon: float) -> Tensor:
    rows, columns = torch.nonzero(unsure, as_tuple=True)
    if rows.numel():
        sure[rows, columns] = distance(a[rows], b[columns]) <= epsilon
    return sure


def mutual_within(queries: Tensor | Neighbours, refs: Neighbours, epsilon: float) -> tuple[Tensor, Tensor]:
    """Which queries have a reference within ε, bool (q,), and which references have a query, bool (n,).

    Two small groups cost one bounded block of distances; larger ones two searches.
    """
    points = queries.points if isinstance(queries, Neighbours) else refs._check(queries)
    if points.shape[0] * len(refs) > _DIRECT_PAIRS:
        index = queries if isinstance(queries, Neighbours) else Neighbours(points)
        return refs.within(points, epsilon), index.within(refs.points, epsilon)
    if refs.points.shape[1] <= _TREE_DIMS:
        close = distance(points[:, None], refs.points) <= epsilon
    else:
        close = _measured(points, refs.points, *_squared_below(points, refs.points, refs._norms, epsilon), epsilon)
    return close.any(1), close.any(0)


def nearest(queries: Tensor, refs: Tensor) -> Tensor:
    """Distance from each query (q, m) to the nearest reference (n, m), float64 (q,)."""
    return Neighbours(refs).nearest(queries)


def within(queries: Tensor, refs: Tensor, epsilon: float) -> Tensor:
    """Whether each query (q, m) has a reference (n, m) at distance ≤ ε, bool (q,)."""
    return Neighbours(refs).within(queries, epsilon)


def self_nearest(refs: Tensor) -> Tensor:
    """Distance from each point (n, m) to its nearest *other* point, float64 (n,)."""
    return Neighbours(refs).self_nearest
