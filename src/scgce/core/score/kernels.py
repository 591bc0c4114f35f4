"""Compiled searches among the cells of one group: which are within ε, which is nearest.

Points lie in blocks of `LANES`, coordinate by coordinate, so that the processor measures a block at a time while each
distance is still summed coordinate by coordinate, in float64: it is the same number whichever search finds it. Blocks
are sorted along one coordinate, which bounds the search; a block is left as soon as all of it is too far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

LANES = 16
"""Points of a block. 8, 16 and 32 took 1.3, 1 and 1.1 times as long on the retina's cells (m = 2 and m = 50)."""
_CHECK = 4
"""Coordinates between two looks at whether a block is too far."""
_SCANNED = 32
"""Entries that are compared at once, in few instructions, before any is looked at."""
_ROUNDING = 1e-12
_TINY = 1e-150  # its square is still a number

_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True)


@_jit
def _measure(x: Any, block: Any, limit: float, total: Any) -> bool:
    """Squared distances of x (m,) to a block (m, LANES) in ``total``; False, unfinished, if all exceed the limit."""
    m, lanes = block.shape  # not the constant: a loop of known length is unrolled and then not vectorised
    for lane in range(lanes):
        total[lane] = 0.0
    for first in range(0, m, _CHECK):
        for c in range(first, min(m, first + _CHECK)):
            value, row = x[c], block[c]
            for lane in range(lanes):
                step = value - row[lane]
                total[lane] += step * step
        near = 0
        for lane in range(lanes):
            near += total[lane] <= limit
        if near == 0:
            return False
    return True


@_jit
def _first_reached(along: Any, value: float, reach: float, start: int, stop: int) -> int:
    """First of the ascending entries start … stop that is not more than ``reach`` below the value."""
    while start < stop:
        middle = (start + stop) // 2
        if value - along[middle] > reach:
            start = middle + 1
        else:
            stop = middle
    return start


@_jit
def count_within(
    moved: Any, groups: Any, blocks: Any, along: Any, axes: Any, edges: Any, starts: Any, epsilon: float, out: Any
) -> None:
    """Share of moved cells within ε of a cell of the target, and of the target's cells within ε of a moved one.

    Parameters
    ----------
    moved
        Float64 (T, n, m): the cells of a source, translated once for every target.
    groups
        Int64 (T,): the target groups.
    blocks, along, axes, edges, starts
        As `GroupIndex` holds them.
    epsilon
        Non-negative.
    out
        Float64 (T, 2), filled with correctness and coverage.
    """
    reach = epsilon * (1 + _ROUNDING) + _TINY
    limit = epsilon * epsilon * (1 + _ROUNDING) + _TINY
    total = np.empty(LANES)
    for t in range(moved.shape[0]):
        g = groups[t]
        low, size, first = edges[g], edges[g + 1] - edges[g], starts[g]
        covered = np.zeros(size, np.bool_)
        left = size
        n_blocks = (size + LANES - 1) // LANES
        still = np.full(n_blocks, LANES)
        still[n_blocks - 1] = size - (n_blocks - 1) * LANES
        arrived = 0
        for i in range(moved.shape[1]):
            x = moved[t, i]
            value, hit = x[axes[g]], False
            begin = _first_reached(along, value, reach, low, low + size) - low
            for b in range(begin // LANES, n_blocks):
                if along[low + b * LANES] - value > reach:
                    break
                if (hit and still[b] == 0) or not _measure(x, blocks[first + b], limit, total):
                    continue
                for lane in range(min(LANES, size - b * LANES)):
                    if np.sqrt(total[lane]) <= epsilon:
                        hit = True
                        if not covered[b * LANES + lane]:
                            covered[b * LANES + lane] = True
                            still[b] -= 1
                            left -= 1
                if hit and left == 0:
                    break
            arrived += hit
        out[t, 0] = arrived / moved.shape[1]
        out[t, 1] = (size - left) / size


@_jit
def nearest_within(
    queries: Any, own: Any, g: int, blocks: Any, along: Any, axes: Any, edges: Any, starts: Any, out: Any
) -> None:
    """Distance of each query (n, m) to the nearest cell of group g, into ``out`` (n,); inf if there is none.

    ``own`` (n,) names the place of a cell, in the index' order within the group, that does not count; −1 for none.
    """
    low, size, first = edges[g], edges[g + 1] - edges[g], starts[g]
    n_blocks = (size + LANES - 1) // LANES
    total = np.empty(LANES)
    for i in range(queries.shape[0]):
        x = queries[i]
        value, best, reach = x[axes[g]], np.inf, np.inf
        at = min(_first_reached(along, value, 0.0, low, low + size) - low, size - 1) // LANES
        for turn in range(2):  # upwards from where the query belongs, then downwards
            b = at if turn == 0 else at - 1
            while 0 <= b < n_blocks:
                gap = along[low + b * LANES] - value
                if turn == 1:
                    gap = value - along[low + min(size, (b + 1) * LANES) - 1]
                if gap > reach:
                    break
                if _measure(x, blocks[first + b], best, total):
                    for lane in range(min(LANES, size - b * LANES)):
                        if total[lane] < best and b * LANES + lane != own[i]:
                            best = total[lane]
                            reach = np.sqrt(best) * (1 + _ROUNDING) + _TINY
                b += 1 - 2 * turn
        out[i] = np.sqrt(best)


@_jit
def _longest(edges: Any) -> int:
    """Genes of the longest of the lists between these edges."""
    most = 0
    for t in range(len(edges) - 1):
        most = max(most, edges[t + 1] - edges[t])
    return most


@_jit
def _step(amount: float, x: float, low: float, high: float) -> float:
    """What a bounded amount does to a value; what moves by nothing stays where it is, even outside its range."""
    return min(max(amount, low - x), high - x) if amount != 0.0 else amount


# Rows are copied and added in loops: numba compiles an assignment of arrays three times as long, for its messages.
@_jit
def add_steps(
    values: Any, source: Any, low: Any, high: Any, edges: Any, place: Any, amounts: Any, weights: Any, out: Any
) -> None:
    """Add the mapped steps of bounded translations to cells: Σ_g min(max(δ_g, low_g − x_g), high_g − x_g) · M_g.

    Parameters
    ----------
    values
        Expression of the A genes in lists of cells (r, n, A).
    source
        Which list each translation moves (T,).
    low, high
        Bounds of the genes (A,).
    edges, place, amounts
        Translation t moves gene ``place[e]`` by ``amounts[e]`` for e in ``edges[t]`` … ``edges[t + 1]``.
    weights
        The map of the genes (A, h).
    out
        (T, n, h), added to.
    """
    n, width = out.shape[1:]
    most = _longest(edges)
    steps, maps = np.empty(n * most, weights.dtype), np.empty((most, width), weights.dtype)
    for t in range(len(source)):
        first, k, x = edges[t], edges[t + 1] - edges[t], values[source[t]]
        own = steps[: n * k].reshape(n, k)
        for e in range(k):
            g, amount = place[first + e], amounts[first + e]
            for c in range(width):
                maps[e, c] = weights[g, c]
            for i in range(n):
                own[i, e] = _step(amount, x[i, g], low[g], high[g])
        moved = np.dot(own, maps[:k])
        for i in range(n):
            for c in range(width):
                out[t, i, c] += moved[i, c]


@_jit
def mean_steps(values: Any, low: Any, high: Any, place: Any, amounts: Any) -> Any:
    """Mean over cells (n, A) of the steps min(max(δ_g, low_g − x_g), high_g − x_g) of the genes ``place``, float32."""
    total = np.zeros(len(place))
    for i in range(len(values)):
        for e in range(len(place)):
            g = place[e]
            total[e] += _step(amounts[e], values[i, g], low[g], high[g])
    return (total / len(values)).astype(np.float32)


@_jit
def pull_back(
    values: Any,
    source: Any,
    low: Any,
    high: Any,
    edges: Any,
    place: Any,
    amounts: Any,
    weights: Any,
    gradient: Any,
    out: Any,
) -> None:
    """The gradient in the amounts of `add_steps`, into ``out`` (as ``amounts``), from that in its result (T, n, h).

    It comes from the cells whose bounds leave the amount as it is.
    """
    n, width = gradient.shape[1:]
    maps = np.empty(width * _longest(edges), weights.dtype)
    for t in range(len(source)):
        first, k, x = edges[t], edges[t + 1] - edges[t], values[source[t]]
        own = maps[: width * k].reshape(width, k)
        for e in range(k):
            for c in range(width):
                own[c, e] = weights[place[first + e], c]
        pulled = np.dot(gradient[t], own)
        for e in range(k):
            g, amount, total = place[first + e], amounts[first + e], 0.0
            for i in range(n):
                if low[g] - x[i, g] <= amount <= high[g] - x[i, g]:
                    total += pulled[i, e]
            out[first + e] = total


@_jit
def elected(near: Any, member: Any, weights: Any, k: int) -> Any:
    """Class with the largest sum of weights over the k least entries of every row (n, cells), int64 (n,).

    ``member`` (cells,) is the class of each and ``weights`` (classes,) the weight of its vote; the lower class if
    several are equal.
    """
    n, m = near.shape
    winners, least, which = np.empty(n, np.int64), np.empty(k, near.dtype), np.empty(k, np.int64)
    for i in range(n):
        least[:], votes = np.inf, np.zeros(len(weights))
        for start in range(0, m, _SCANNED):
            stop = min(m, start + _SCANNED)
            some = False
            for j in range(start, stop):
                some |= near[i, j] < least[k - 1]
            if some:
                for j in range(start, stop):
                    if near[i, j] < least[k - 1]:
                        place = k - 1
                        while place > 0 and least[place - 1] > near[i, j]:
                            least[place], which[place] = least[place - 1], which[place - 1]
                            place -= 1
                        least[place], which[place] = near[i, j], j
        for place in range(k):
            if least[place] < np.inf:
                votes[member[which[place]]] += weights[member[which[place]]]
        winners[i] = votes.argmax()
    return winners
