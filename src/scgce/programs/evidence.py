"""Whether programmes are more than what any grouping of genes would give: halves of the cells, random sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from .base import FittingCells, Programs


@dataclass(frozen=True)
class Agreement:
    """How far programmes learned from two halves of the cells are the same.

    Attributes
    ----------
    rand
        Adjusted Rand index over the genes that both halves put in a programme: 1 the same, 0 as by chance.
    overlap
        For every programme (M,): what its counterparts in the two halves share, as a share of their union, 0 to 1; each
        gene counts by the square of how much it leads, so that the thousands that hardly vary do not decide. The
        counterpart is the programme of a half that shares most with it.
    """

    rand: float
    overlap: np.ndarray


def split_half(programs: Programs, cells: FittingCells, learn: Callable[[FittingCells], Programs]) -> Agreement:
    """Learn the programmes again from each half of the fitting cells, and compare the halves.

    Parameters
    ----------
    programs
        The programmes of all fitting cells.
    cells
        The fitting cells; every other one of each group, in their order, is a half.
    learn
        How the programmes were learned.

    Raises
    ------
    ValueError
        If a half has too few cells to learn from.
    """
    halves = [learn(half) for half in halved(cells)]
    first, second = (half.membership.toarray() for half in halves)
    both = first.any(axis=1) & second.any(axis=1)
    rand = adjusted_rand_score(first[both].argmax(axis=1), second[both].argmax(axis=1)) if both.any() else np.nan
    leads = programs.membership if programs.weights is None else programs.weights
    count = np.square(leads.max(axis=1).toarray().reshape(-1, 1))
    first, second, whole = (shares * count for shares in (first, second, programs.membership.toarray()))
    pairs = zip(_overlaps(whole, first).argmax(axis=1), _overlaps(whole, second).argmax(axis=1), strict=True)
    between = _overlaps(first, second)
    return Agreement(float(rand), np.array([between[one, other] for one, other in pairs]))


def halved(cells: FittingCells) -> tuple[FittingCells, FittingCells]:
    """Two halves of the fitting cells, each with half of every group; a group's only cell is in both."""
    codes = cells.codes[cells.rows]
    sizes = np.bincount(codes, minlength=cells.n_groups)
    place = np.zeros(len(codes), dtype=np.int64)
    for group in np.unique(codes):
        place[codes == group] = np.arange(sizes[group])
    alone = sizes[codes] == 1
    first, second = (replace(cells, rows=cells.rows[alone | (place % 2 == half)], means=None) for half in (0, 1))
    return first, second


def _overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Σ min / Σ max of the shares, every programme of one with every one of the other (M, M')."""
    sizes = one.sum(axis=0)[:, None] + other.sum(axis=0)[None, :]
    shared = np.stack([np.minimum(column[:, None], other).sum(axis=0) for column in one.T])
    found: np.ndarray = shared / np.maximum(sizes - shared, np.finfo(float).tiny)
    return found


def difference_shares(programs: Programs, cells: FittingCells) -> np.ndarray:
    """Share of the difference between the groups that lies in each programme (M,); NaN where there are no groups.

    The difference of a gene is its squared deviation, over the groups, from the mean of their means.
    """
    if cells.n_groups < 2:
        return np.full(programs.n, np.nan)
    return shares_of_means(programs, cells.group_means())


def shares_of_means(programs: Programs, means: np.ndarray) -> np.ndarray:
    """The same of means of the groups (l, d)."""
    spread = np.square(means - means.mean(axis=0)).sum(axis=0)
    found: np.ndarray = programs.membership.T @ spread / max(spread.sum(), np.finfo(float).tiny)
    return found


def random_programs(programs: Programs, rng: int | np.random.Generator = 0) -> Programs:
    """Programmes of the same sizes and shares among the same genes, dealt at random: what the sets themselves add.

    Parameters
    ----------
    programs
        The programmes.
    rng
        Seed or generator.

    Returns
    -------
    Programmes named ``"random 1"`` …, whose rows are those of ``programs`` in another order; genes in no programme stay
    in none.
    """
    covered = np.flatnonzero(programs.covered)
    by_name = covered[np.argsort(programs.genes[covered].astype(str), kind="stable")]
    dealt = np.arange(len(programs.genes))
    dealt[by_name] = np.random.default_rng(rng).permutation(by_name)
    return replace(
        programs,
        names=np.array([f"random {m + 1}" for m in range(programs.n)], dtype=object),
        membership=sparse.csc_array(programs.membership[dealt]),
        learned=np.zeros(programs.n, dtype=bool),
        source="random",
        weights=None,
    )
