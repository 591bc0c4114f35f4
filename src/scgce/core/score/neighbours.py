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

from .blocks import as_points, distance, mutual_block, nearest_block
from .memory import by_blocks

__all__ = ["Neighbours", "distance", "mutual_within", "nearest", "self_nearest", "within"]

_TREE_DIMS = 3
_DIRECT_PAIRS = 2**16
_THREADED = 20_000
_QUERY_BLOCK = 2048
_REF_BLOCKS = (256, 1024, 4096)
_TINY = 1e-150  # its square is still a number: a KD-tree compares squares, strictly


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

    def check(self, queries: Tensor) -> Tensor:
        """Return queries as float64 points where the references are, or say what is wrong with them."""
        queries = as_points(queries, "queries").to(self.points.device)
        if queries.shape[1] != self.points.shape[1]:
            raise ValueError(f"queries has {queries.shape[1]} dimensions; accepted: {self.points.shape[1]} as refs")
        return queries

    def nearest(self, queries: Tensor) -> Tensor:
        """Distance from each query to the nearest reference, float64 (q,)."""
        queries = self.check(queries)
        if self.uses_tree:
            found = torch.from_numpy(self._tree.query(queries.numpy(), workers=_workers(queries))[1]).long()
            return distance(queries, self.points[found])
        return self._nearest_by_blocks(queries, None)

    @cached_property
    def self_nearest(self) -> Tensor:
        """Distance from each reference to its nearest other reference, float64 (n,); inf for a single point."""
        own = torch.arange(len(self), device=self.points.device)
        if not self.uses_tree or len(self) == 1:
            return self._nearest_by_blocks(self.points, own)
        found = torch.from_numpy(self._tree.query(self.points.numpy(), k=2, workers=_workers(self.points))[1]).long()
        other = torch.where(found[:, 0] == own, found[:, 1], found[:, 0])
        return distance(self.points, self.points[other])

    def _nearest_by_blocks(self, queries: Tensor, exclude: Tensor | None) -> Tensor:
        best = torch.full((queries.shape[0],), torch.inf, dtype=torch.float64, device=queries.device)

        def settle(rows: slice) -> None:
            for r in range(0, len(self), _REF_BLOCKS[-1]):
                left_out = None if exclude is None else exclude[rows] - r
                found = nearest_block(queries[rows], self.points[r : r + _REF_BLOCKS[-1]], left_out)
                best[rows] = torch.minimum(best[rows], found)

        by_blocks(settle, 0, queries.shape[0], _QUERY_BLOCK)
        return best

    def within(self, queries: Tensor, epsilon: float) -> Tensor:
        """Whether each query has a reference at distance ≤ ε, bool (q,)."""
        queries = self.check(queries)
        if not self.uses_tree:
            none = torch.zeros(0, dtype=torch.bool, device=queries.device)
            found = by_blocks(lambda q: self._within_block(queries[q], epsilon), 0, queries.shape[0], _QUERY_BLOCK)
            return torch.cat([none, *found])
        # the bound only prunes; a little slack keeps a neighbour at exactly ε
        bound = epsilon * (1 + 1e-9) + _TINY
        answer = self._tree.query(queries.numpy(), distance_upper_bound=bound, workers=_workers(queries))
        places = torch.from_numpy(answer[1]).long()
        hit = places < len(self)
        close = distance(queries[hit], self.points[places[hit]]) <= epsilon
        hit[hit.clone()] = close
        return hit

    def _within_block(self, queries: Tensor, epsilon: float) -> Tensor:
        """Search blocks of growing size: most queries are settled by the first and leave."""
        hit = torch.zeros(queries.shape[0], dtype=torch.bool, device=queries.device)
        open_rows = torch.arange(queries.shape[0], device=queries.device)
        start = 0
        for block in _ref_blocks(len(self)):
            if open_rows.numel() == 0:
                break
            found, _ = mutual_block(queries[open_rows], self.points[start : start + block], epsilon, one_way=True)
            hit[open_rows] = found
            open_rows = open_rows[~found]
            start += block
        return hit


def _workers(queries: Tensor) -> int:
    """Use all cores where starting threads is small change."""
    return -1 if queries.shape[0] >= _THREADED else 1


def _ref_blocks(n: int) -> list[int]:
    sizes: list[int] = []
    while n > 0:
        sizes.append(min(n, _REF_BLOCKS[min(len(sizes), len(_REF_BLOCKS) - 1)]))
        n -= sizes[-1]
    return sizes


def mutual_within(queries: Tensor, refs: Neighbours, epsilon: float) -> tuple[Tensor, Tensor]:
    """Which queries have a reference within ε, bool (q,), and which references have a query, bool (n,)."""
    points = refs.check(queries)
    if refs.uses_tree and points.shape[0] * len(refs) > _DIRECT_PAIRS:
        return refs.within(points, epsilon), Neighbours(points).within(refs.points, epsilon)
    if refs.points.shape[1] <= _TREE_DIMS and points.shape[0] * len(refs) <= _DIRECT_PAIRS:
        close = distance(points[:, None], refs.points) <= epsilon
        return close.any(1), close.any(0)
    arrived = torch.zeros(points.shape[0], dtype=torch.bool, device=points.device)
    covered = torch.zeros(len(refs), dtype=torch.bool, device=points.device)
    step = _REF_BLOCKS[-1]

    def settle(q: slice) -> None:
        for r in range(0, len(refs), step):
            rows, columns = mutual_block(points[q], refs.points[r : r + step], epsilon)
            arrived[q] |= rows
            covered[r : r + step] |= columns

    by_blocks(settle, 0, points.shape[0], _QUERY_BLOCK)
    return arrived, covered


def nearest(queries: Tensor, refs: Tensor) -> Tensor:
    """Distance from each query (q, m) to the nearest reference (n, m), float64 (q,)."""
    return Neighbours(refs).nearest(queries)


def within(queries: Tensor, refs: Tensor, epsilon: float) -> Tensor:
    """Whether each query (q, m) has a reference (n, m) at distance ≤ ε, bool (q,)."""
    return Neighbours(refs).within(queries, epsilon)


def self_nearest(refs: Tensor) -> Tensor:
    """Distance from each point (n, m) to its nearest *other* point, float64 (n,)."""
    return Neighbours(refs).self_nearest
