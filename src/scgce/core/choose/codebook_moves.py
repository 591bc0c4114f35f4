"""What a programme's partition of the groups may become next, and what that changes: two levels at a time.

Every change follows from sums over the two levels that a move touches, in one compiled loop over the moves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np

from scgce.core.pairs import Asked

# Arrays are copied and added in loops, and a constant that a function is given is one of numpy's: for a number of
# Python's numba compiles the function anew. So the first use takes less than half as long.
_jit: Callable[..., Any] = numba.njit(nogil=True, cache=True)
_SINGLE, _MERGED, _SPLIT = np.arange(3)
_LEFT, _RIGHT, _CROSS, _SLOPE, _MASK = range(5)


@dataclass(frozen=True)
class Moves:
    """Partitions that differ from one in two of its levels, and by how much they differ from it.

    Attributes
    ----------
    levels
        Of every group before, numbered from 0 (l,).
    order
        The groups along the line on which a level is split (l,).
    codes
        Kind, level that is left, level that is joined, and the group or how many are split off, int64 (c, 4).
    apart
        How many ordered pairs of the mask more lie apart, float64 (c,).
    undone
        By how much ``tr(left A right Aᵀ) - 2 Σ cross ∘ A`` grows, where A averages over levels, float64 (c,).
    slope
        By how much ``Σ slope ∘ A`` grows, float64 (c,).
    """

    levels: np.ndarray
    order: np.ndarray
    codes: np.ndarray
    apart: np.ndarray
    undone: np.ndarray
    slope: np.ndarray

    def __len__(self) -> int:
        """How many there are."""
        return len(self.codes)

    def after(self, which: np.ndarray) -> np.ndarray:
        """Levels of every group after some of the moves (w, l)."""
        return np.asarray(_after(self.levels, self.order, self.codes[which]))

    def kinds(self, which: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Numbers (w, l) of the groups, equal for those whose level's mean moves by the same; -1 where it stays."""
        changed = self.codes[which, 1:3]
        moved = (self.levels == changed[:, :1]) | (self.levels == changed[:, 1:])
        return np.where(moved, self.levels * (len(self.levels) + 1) + after, -1)


@dataclass
class OneProgram:
    """One programme, of which partitions are looked at.

    Parameters
    ----------
    left, products
        What a partition leaves undone is ``tr(left (A - 1) products (A - 1)ᵀ)``, symmetric (l, l).
    weights
        Of every group in the mean of a level (l,), positive.
    mask
        The pairs that count.
    """

    left: np.ndarray
    products: np.ndarray
    weights: np.ndarray
    mask: Asked
    _forms: np.ndarray = field(init=False)
    _order: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        right = self.products * self.weights * self.weights[:, None]
        cross = (self.left @ self.products) * self.weights
        self._forms = np.stack([self.left, right, _symmetric(cross), np.zeros_like(right), self.mask.astype(float)])
        self._order = np.argsort(_line(self.products), kind="stable")

    def moves(self, levels: np.ndarray, slope: np.ndarray | None = None) -> Moves:
        """What the programme may become next.

        A group goes to another level, to which one of its pairs leads, or to one of its own; two levels between which
        there is a pair are merged; one is split along the line on which the groups differ most. A group that has a
        level to itself is merged rather than moved, so that each partition comes once.

        Without a slope (l, l) only mergers.
        """
        if slope is not None:
            self._forms[_SLOPE] = _symmetric(slope * self.weights)
        count, mergers = levels.max() + 1, slope is None
        codes, apart, undone, along = _moves(levels, count, self._order, self.weights, self._forms, mergers)
        return Moves(levels, self._order, codes, apart, undone, along)


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return np.asarray((matrix + matrix.T) / 2)


def _line(products: np.ndarray) -> np.ndarray:
    """Places of the groups (l,) along the direction in which they differ most."""
    values, vectors = np.linalg.eigh(products)
    along = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    return np.asarray(along * (1 if along[np.abs(along).argmax()] > 0 else -1))


@_jit
def _after(levels: Any, order: Any, codes: Any) -> Any:
    """Levels after every move."""
    found = np.empty((len(codes), len(levels)), np.int64)
    for c in range(len(codes)):
        kind, leaves, joins, number = codes[c, 0], codes[c, 1], codes[c, 2], codes[c, 3]
        for g in range(len(levels)):
            found[c, g] = levels[g]
        if kind == _SINGLE:
            found[c, number] = joins
        else:
            for g in order:
                if levels[g] == leaves and (kind == _MERGED or number > 0):
                    found[c, g] = joins
                    number -= 1
    return found


@_jit
def _moves(levels: Any, count: int, order: Any, weights: Any, forms: Any, mergers: bool) -> Any:
    """All moves, or mergers alone: their codes, and their change of ordered pairs apart, share undone and slope."""
    n_groups = len(levels)
    sizes, total, rows, blocks, table = _sums(levels, weights, forms, count)
    most = n_groups * (count + 2) + count * count
    codes, found = np.empty((most, 4), np.int64), np.empty((most, 3))
    some, own, at = np.empty((len(forms), count + 1)), np.empty(len(forms)), np.int64(0)
    for g in range(0 if mergers else n_groups):
        leaves = levels[g]
        if sizes[leaves] == 1:
            continue
        earlier = False
        for other in range(g):
            earlier |= levels[other] == leaves
        for q in range(len(forms)):
            own[q] = forms[q, g, g]
            for k in range(count + 1):
                some[q, k] = rows[q, g, k]
        for joins in range(count + 1):
            # of two groups on a level either may leave the other: one of these is enough
            leads = rows[_MASK, g, joins] > 0 if joins < count else not (sizes[leaves] == 2 and earlier)
            if joins != leaves and leads:
                _change(leaves, joins, some, own, weights[g], total, blocks, table, found[at])
                at = _add(codes, at, _SINGLE, leaves, joins, g)
    for joins in range(count):
        for leaves in range(joins + 1, count):
            if blocks[_MASK, joins, leaves] > 0:
                for q in range(len(forms)):
                    own[q] = blocks[q, leaves, leaves]
                    for k in range(count + 1):
                        some[q, k] = blocks[q, leaves, k]
                _change(leaves, joins, some, own, total[leaves], total, blocks, table, found[at])
                at = _add(codes, at, _MERGED, leaves, joins, 0)
    for leaves in range(0 if mergers else count):
        if sizes[leaves] > 3:
            inside, held = np.empty(sizes[leaves], np.int64), 0
            for g in order:
                if levels[g] == leaves:
                    inside[held] = g
                    held += 1
            at = _splits(leaves, count, inside, weights, forms, total, rows, blocks, table, codes, found, at)
    return codes[:at], found[:at, 0], found[:at, 1], found[:at, 2]


@_jit
def _splits(
    leaves: int,
    joins: int,
    inside: Any,
    weights: Any,
    forms: Any,
    total: Any,
    rows: Any,
    blocks: Any,
    table: Any,
    codes: Any,
    found: Any,
    at: int,
) -> int:
    """The first two, three, … groups of a level go to a new one; all but two at most. How many moves there are now."""
    some, own, weight = np.zeros((len(forms), len(total))), np.zeros(len(forms)), 0.0
    for place in range(len(inside) - 2):
        g = inside[place]
        weight += weights[g]
        for q in range(len(forms)):
            own[q] += forms[q, g, g]
            for earlier in range(place):
                own[q] += 2 * forms[q, g, inside[earlier]]
            for k in range(len(total)):
                some[q, k] += rows[q, g, k]
        if place > 0:  # one group by itself is a single move
            _change(leaves, joins, some, own, weight, total, blocks, table, found[at])
            at = _add(codes, at, _SPLIT, leaves, joins, place + 1)
    return at


@_jit
def _add(codes: Any, at: int, kind: int, leaves: int, joins: int, number: int) -> int:
    """Write the code of a move; how many moves there are now."""
    codes[at, 0], codes[at, 1], codes[at, 2], codes[at, 3] = kind, leaves, joins, number
    return at + 1


@_jit
def _sums(levels: Any, weights: Any, forms: Any, count: int) -> Any:
    """Sizes and weights of levels and of one that is empty, and sums of the forms over groups × levels and levels."""
    n_groups = len(levels)
    sizes, total = np.zeros(count + 1, np.int64), np.zeros(count + 1)
    rows = np.zeros((len(forms), n_groups, count + 1))
    blocks, table = np.zeros((len(forms), count + 1, count + 1)), np.zeros((count + 1, count + 1))
    for g in range(n_groups):
        sizes[levels[g]] += 1
        total[levels[g]] += weights[g]
        for q in range(len(forms)):
            for other in range(n_groups):
                rows[q, g, levels[other]] += forms[q, g, other]
            for k in range(count + 1):
                blocks[q, levels[g], k] += rows[q, g, k]
    for a in range(count):
        for b in range(count):
            table[a, b] = blocks[_LEFT, a, b] * blocks[_RIGHT, a, b] / (total[a] * total[b])
    return sizes, total, rows, blocks, table


@_jit
def _change(
    leaves: int, joins: int, some: Any, own: Any, weight: float, total: Any, blocks: Any, table: Any, found: Any
) -> None:
    """Change of pairs apart, share undone and slope, into ``found`` (3,), where groups go from one level to another.

    ``some`` (5, levels + 1) are the forms' sums between these groups and levels, ``own`` (5,) those among themselves.
    """
    stay, come = total[leaves] - weight, total[joins] + weight
    before = table[leaves, leaves] + table[joins, joins] + 2 * table[leaves, joins]
    joined, left, between, means = 1.0, 1.0, 1.0, np.zeros(len(own))
    for q in range(len(own)):
        together = blocks[q, joins, joins] + 2 * some[q, joins] + own[q]
        rest = blocks[q, leaves, leaves] - 2 * some[q, leaves] + own[q]
        if q == _MASK:
            found[0] = -(together - blocks[q, joins, joins] + (rest - blocks[q, leaves, leaves]))
        elif q in (_LEFT, _RIGHT):
            joined *= together
            left *= rest
            between *= blocks[q, leaves, joins] - some[q, joins] + some[q, leaves] - own[q]
        else:
            means[q] = together / come - blocks[q, leaves, leaves] / total[leaves]
            if stay > 0:
                means[q] += rest / stay
            if total[joins] > 0:
                means[q] -= blocks[q, joins, joins] / total[joins]
    undone = joined / come**2 - before
    if stay > 0:
        undone += left / stay**2
        undone += 2 * between / (stay * come)
    for k in range(len(total)):
        if k != leaves and k != joins and total[k] > 0:
            sums = (blocks[_LEFT, joins, k] + some[_LEFT, k]) * (blocks[_RIGHT, joins, k] + some[_RIGHT, k]) / come
            if stay > 0:
                rest = (blocks[_LEFT, leaves, k] - some[_LEFT, k]) * (blocks[_RIGHT, leaves, k] - some[_RIGHT, k])
                sums += rest / stay
            undone += 2 * (sums / total[k] - table[leaves, k] - table[joins, k])
    found[1], found[2] = undone - 2 * means[_CROSS], means[_SLOPE]
