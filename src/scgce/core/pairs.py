"""Which ordered pairs of groups are asked for: all of them, or a symmetric choice given as a mask (l, l)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Asked = NDArray[np.bool_]
"""(l, l), symmetric, False on the diagonal: whether i → j is asked for. Where it may be None, that means all pairs."""


def mask_of(n_groups: int, asked: Asked | None = None) -> Asked:
    """The mask (l, l) of the pairs asked for."""
    return ~np.eye(n_groups, dtype=bool) if asked is None else asked


def listed(n_groups: int, asked: Asked | None = None) -> list[tuple[int, int]]:
    """Ordered pairs asked for, source by source."""
    rows, columns = np.nonzero(mask_of(n_groups, asked))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def by_source(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """The targets of every source, in the order of the pairs."""
    targets: dict[int, list[int]] = {}
    for i, j in pairs:
        targets.setdefault(i, []).append(j)
    return targets


def and_self(n_groups: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Every group with itself, and the pairs."""
    return [(g, g) for g in range(n_groups)] + list(pairs)


def with_self(n_groups: int, asked: Asked | None) -> list[tuple[int, int]] | None:
    """The pairs asked for and every group with itself, as `score_pairs` takes them; None for all."""
    return None if asked is None else and_self(n_groups, listed(n_groups, asked))


def some(n_groups: int, asked: Asked | None, most: int, seed: int) -> list[tuple[int, int]] | None:
    """At most so many of the pairs asked for, drawn at random; None for all l(l − 1)."""
    ordered = listed(n_groups, asked)
    if len(ordered) <= most:
        return None if asked is None else ordered
    chosen = np.random.default_rng([seed, n_groups]).choice(len(ordered), most, replace=False)
    return [ordered[index] for index in np.sort(chosen)]


def sampled(n_groups: int, asked: Asked | None, most: int, seed: int) -> list[tuple[int, int]]:
    """`some` of the pairs asked for, all of them written out where there are no more."""
    return some(n_groups, asked, most, seed) or listed(n_groups, asked)
