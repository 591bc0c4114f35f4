"""What a programme's partition of the groups may become next, and what that changes: two levels at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scgce.core.pairs import Asked


@dataclass(frozen=True)
class Moves:
    """Partitions that differ from one in two of its levels.

    Attributes
    ----------
    levels
        Of every group (c, l), numbered as it comes.
    changed
        Numbers of the two levels (c, 2). The second may be a new one, or be left empty.
    """

    levels: np.ndarray
    changed: np.ndarray

    def __len__(self) -> int:
        """How many there are."""
        return len(self.levels)

    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """Groups on the two levels afterwards, 0 or 1, float64 (c, l) each."""
        first, second = ((self.levels == own[:, None]).astype(float) for own in self.changed.T)
        return first, second


@dataclass(frozen=True)
class Levels:
    """Sums over the levels of a partition, from which a change of two follows without a pass over the others.

    Attributes
    ----------
    levels
        Of every group (l,), numbered from 0.
    weights
        Of every group in the mean of a level (l,), positive.
    """

    levels: np.ndarray
    weights: np.ndarray

    @property
    def inside(self) -> np.ndarray:
        """Groups on every level and on one that is still empty, 0 or 1 (levels + 1, l)."""
        return np.asarray((np.arange(self.levels.max() + 2)[:, None] == self.levels).astype(float))

    def pairs(self, moves: Moves, mask: Asked) -> np.ndarray:
        """By how many ordered pairs of the mask more lie apart, int64 (c,)."""
        matrix = mask.astype(float)
        alike = self._change(moves, lambda own: np.asarray(((own @ matrix) * own).sum(-1)))
        return np.asarray(-np.rint(alike), dtype=np.int64)

    def product(self, moves: Moves, matrix: np.ndarray) -> np.ndarray:
        """By how much Σ_ij matrix_ij A_ij grows, where A averages over levels, float64 (c,)."""
        return self._change(
            moves, lambda own: np.asarray(((own @ matrix) * own * self.weights).sum(-1) / self._total(own))
        )

    def quadratic(self, moves: Moves, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """By how much tr(left A right Aᵀ) grows, of symmetric matrices (l, l), float64 (c,)."""
        inside, right = self.inside, right * self.weights * self.weights[:, None]
        total = self._total(inside)

        def between(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            sums: np.ndarray = ((one @ left) * other).sum(-1) * ((one @ right) * other).sum(-1)
            return np.asarray(sums / self._total(one) / self._total(other))

        table = (inside @ left @ inside.T) * (inside @ right @ inside.T) / total / total[:, None]
        a, b = moves.changed.T
        rows = table.sum(1)
        before = 2 * (rows[a] + rows[b] - table[a, b]) - table[a, a] - table[b, b]
        first, second = moves.members()
        after = between(first, first) + between(second, second) + 2 * between(first, second)
        at = np.arange(len(moves))
        for own in (first, second):
            others = (own @ (left @ inside.T)) * (own @ (right @ inside.T)) / total
            others[at, a] = others[at, b] = 0.0
            after += 2 * others.sum(1) / self._total(own)
        return np.asarray(after - before)

    def _total(self, members: np.ndarray) -> np.ndarray:
        """Weight of levels (…, l); tiny for an empty one, whose sums are 0."""
        return np.asarray(np.maximum(members @ self.weights, np.finfo(float).tiny))

    def _change(self, moves: Moves, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Change of a sum over levels: of the two changed ones afterwards less before."""
        first, second = moves.members()
        before = of(self.inside)
        return np.asarray(of(first) + of(second) - before[moves.changed].sum(1))


def line_of(products: np.ndarray) -> np.ndarray:
    """Places of the groups (l,) along the direction in which they differ most."""
    values, vectors = np.linalg.eigh(products)
    along = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    return np.asarray(along * (1 if along[np.abs(along).argmax()] > 0 else -1))


def merged(levels: np.ndarray, mask: Asked) -> Moves:
    """All mergers of two levels between which there is a pair: others would free none."""
    linked = _linked(levels, mask).T @ (levels[:, None] == np.arange(levels.max() + 1))
    first, second = np.nonzero(np.triu(linked, 1))
    return Moves(np.where(levels == second[:, None], first[:, None], levels), np.column_stack([first, second]))


def moves_of(levels: np.ndarray, line: np.ndarray, mask: Asked) -> Moves:
    """What one programme may become next.

    A group goes to another level, to which one of its pairs leads, or to one of its own; two levels are merged; one is
    split along the line. A group that has a level to itself is merged rather than moved, so that each
    partition comes once.
    """
    count, sizes = int(levels.max()) + 1, np.bincount(levels)
    leads = np.column_stack([_linked(levels, mask), np.ones(len(levels), dtype=bool)])
    leads[np.arange(len(levels)), levels] = False
    leads[sizes[levels] == 1] = False
    _, first = np.unique(levels, return_index=True)
    leads[(sizes[levels] == 2) & (first[levels] != np.arange(len(levels))), count] = False  # either leaves the other
    group, goal = np.nonzero(leads)
    single = np.tile(levels, (len(group), 1))
    single[np.arange(len(group)), group] = goal
    found = [Moves(single, np.column_stack([levels[group], goal])), merged(levels, mask)]
    for level in np.flatnonzero(sizes > 3):
        inside = np.flatnonzero(levels == level)
        inside = inside[np.argsort(line[inside], kind="stable")]
        cuts = np.arange(2, len(inside) - 1)  # one group by itself is a single move
        split = np.tile(levels, (len(cuts), 1))
        split[:, inside] = np.where(np.arange(len(inside)) < cuts[:, None], count, level)
        found.append(Moves(split, np.tile([level, count], (len(cuts), 1))))
    return Moves(np.concatenate([one.levels for one in found]), np.concatenate([one.changed for one in found]))


def _linked(levels: np.ndarray, mask: Asked) -> np.ndarray:
    """Whether a group has a pair with one on a level (l, levels)."""
    return np.asarray(mask.astype(np.int64) @ (levels[:, None] == np.arange(levels.max() + 1)) > 0)
