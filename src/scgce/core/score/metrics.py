"""Correctness, coverage and what else an explanation is judged by (paper, Eq. 3, 4, 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scgce.core.choose.truncate import SparseDelta
from scgce.core.pairs import Asked, by_source, listed, mask_of

from .cells import in_parts
from .neighbours import GroupIndex
from .transport import percent_explained

__all__ = [
    "Scores",
    "index_groups",
    "off_diagonal_mean",
    "off_diagonal_means",
    "percent_explained",
    "score_pairs",
    "similarity",
    "triangle_error",
]


@dataclass(frozen=True)
class Scores:
    """Pairwise metrics, both float64 (l, l): entry (i, j) is about i → j, NaN where it was not asked for."""

    correctness: np.ndarray
    coverage: np.ndarray


def index_groups(embedded: Sequence[Tensor] | GroupIndex) -> GroupIndex:
    """Make the search index of all groups once, and pass it on where the same groups are scored repeatedly."""
    return embedded if isinstance(embedded, GroupIndex) else GroupIndex(embedded)


def score_pairs(
    moved: Callable[[int, int], Tensor],
    embedded: Sequence[Tensor] | GroupIndex,
    epsilon: float,
    pairs: Iterable[tuple[int, int]] | None = None,
) -> Scores:
    """Correctness and coverage of ordered pairs (paper, Eq. 3 and 4).

    Correctness of i → j is the share of translated cells of i that have a cell of j at Euclidean distance ≤ ε;
    coverage is the share of cells of j that have a translated cell of i at distance ≤ ε. Entry (i, i) of both is
    the self-similarity of i: no translation, and a cell is not its own neighbour (0 for a group of one cell).

    Parameters
    ----------
    moved
        ``moved(i, j)``: r(x + δ_ij) for the cells x of i, shape (n_i, m). Not called for i = j. A `Mover` is asked
        for several targets of a source at once.
    embedded
        r of the cells of each group, shapes (n_g, m), or their index from `index_groups`.
    epsilon
        Non-negative, in the units of the representation.
    pairs
        Ordered pairs (i, j) wanted, (i, i) allowed; all by default.

    Raises
    ------
    ValueError
        If ε is negative or NaN, a group is empty, or coordinates are not finite.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon} is out of range; accepted: 0 or more")
    index = index_groups(embedded)
    n_groups = len(index)
    found = np.full((n_groups, n_groups, 2), np.nan)
    for i, targets in by_source(np.ndindex(n_groups, n_groups) if pairs is None else pairs).items():
        if i in targets:
            found[i, i] = float((index.self_nearest(i) <= epsilon).mean())
        wanted = [j for j in targets if j != i]
        for some, points in in_parts(moved, i, wanted, int(index.sizes[i]) * index.n_dims):
            found[i, some] = index.shares(points, some, epsilon)
    return Scores(found[..., 0].copy(), found[..., 1].copy())


def off_diagonal_mean(values: np.ndarray, include_self: bool = False) -> float:
    """Mean over ordered pairs of a matrix (l, l); NaN entries are left out, NaN if none is left.

    Parameters
    ----------
    values
        One number per ordered pair.
    include_self
        Average over the full matrix, as the reference implementation does.
    """
    return float(off_diagonal_means(np.asarray(values)[None], include_self)[0])


def off_diagonal_means(stack: np.ndarray, include_self: bool = False) -> np.ndarray:
    """`off_diagonal_mean` of every matrix of a stack, shape (K, l, l) to float64 (K,)."""
    stack = np.asarray(stack, dtype=np.float64)
    n_groups = stack.shape[-1]
    chosen = np.ones((n_groups, n_groups), bool) if include_self else ~np.eye(n_groups, dtype=bool)
    kept = stack[..., chosen]
    known = ~np.isnan(kept)
    counts = known.sum(-1)
    return np.where(counts > 0, np.where(known, kept, 0.0).sum(-1) / np.maximum(counts, 1), np.nan)


def similarity(e1: SparseDelta, e2: SparseDelta) -> float:
    """How much of e1 lies on the genes of e2: Σ_g |e1_g|·1[e2_g ≠ 0] / ‖e1‖₁ (paper, Eq. 10).

    Parameters
    ----------
    e1, e2
        Explanations; e1 the sparser.

    Returns
    -------
    In [0, 1]; 1 where e1 has no gene at all, since none of it is missing from e2.
    """
    size = e1.values.double().abs()
    total = float(size.sum())
    return float(size[torch.isin(e1.genes, e2.genes)].sum()) / total if total > 0 else 1.0


def triangle_error(
    explanations: Tensor | Callable[[int, int], Tensor], n_groups: int | None = None, asked: Asked | None = None
) -> float:
    """Worst inconsistency of the reported explanations: max ‖δ_ij + δ_jk − δ_ik‖₁ / ‖δ_ik‖₁ over distinct i, j, k.

    Parameters
    ----------
    explanations
        δ_ij as a tensor (l, l, d), or a function of (i, j) that gives (d,).
    n_groups
        l, needed with a function.
    asked
        The pairs that a triangle is made of; None for all.

    Returns
    -------
    0 for consistent explanations (exactly, if the pairwise differences are exact in float64, as those of float32
    translations of one magnitude are) and with fewer than three groups; inf if some δ_ik is 0 and its detour is not.
    """
    table = explanations if isinstance(explanations, Tensor) else _tabulate(explanations, n_groups, asked)
    table = table.detach().double()
    mask = mask_of(table.shape[0], asked)
    worst = 0.0
    for i, k in listed(len(mask), asked):
        middle = np.flatnonzero(mask[i] & mask[:, k])
        if not len(middle):
            continue
        error = float((table[i, middle] + table[middle, k] - table[i, k]).abs().sum(-1).max())
        size = float(table[i, k].abs().sum())
        if error > 0:
            worst = max(worst, error / size if size > 0 else float("inf"))
    return worst


def _tabulate(explanation: Callable[[int, int], Tensor], n_groups: int | None, asked: Asked | None) -> Tensor:
    """The pairs on the genes that any of them uses: a table of (l, l, active genes)."""
    if n_groups is None:
        raise ValueError("n_groups=None with a function of (i, j); accepted: the number of groups")
    pairs = listed(n_groups, asked)
    used: Tensor | None = None
    for i, j in pairs:
        nonzero = explanation(i, j) != 0
        used = nonzero if used is None else used | nonzero
    if used is None:
        return torch.zeros(n_groups, n_groups, 0)
    table = torch.zeros(n_groups, n_groups, int(used.sum()), dtype=torch.float64)
    for i, j in pairs:
        table[i, j] = explanation(i, j)[used].double()
    return table
