"""Sets of groups that the pairs asked for link: no pair leads from one to another, so each has a gauge of its own."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from .pairs import Asked, listed


def as_tensor(pairs: list[tuple[int, int]]) -> torch.Tensor:
    """Pairs as int64 (P, 2): source, target."""
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def of_pairs(pairs: torch.Tensor, n_groups: int) -> Asked:
    """The mask (l, l) of pairs (P, 2), of which both directions are there."""
    asked = np.zeros((n_groups, n_groups), dtype=bool)
    asked[tuple(pairs.cpu().numpy().T)] = True
    return asked


def linked(asked: Asked) -> NDArray[np.int64]:
    """Number (l,) of the set of groups that each belongs to: those that pairs lead to from it, over any others."""
    return np.asarray(connected_components(asked, directed=False)[1], dtype=np.int64)


def members(asked: Asked) -> list[torch.Tensor]:
    """Rows of every set of groups that pairs link, those of a group in no pair left out."""
    sets = linked(asked)
    rows = [np.flatnonzero(sets == number) for number in np.unique(sets)]
    return [torch.from_numpy(own) for own in rows if len(own) > 1]


def anchored(values: torch.Tensor, asked: Asked | None) -> torch.Tensor:
    """Translations (l, A) with the first group of every set that pairs link at 0; all alike, nothing is changed."""
    if asked is None:
        return values
    found = torch.zeros_like(values)
    for rows in members(asked):
        own = rows.to(values.device)
        found[own] = values[own] - values[own[:1]]
    return found


def stacked(values: torch.Tensor, asked: Asked | None) -> torch.Tensor:
    """Values (l, A) with the sets that pairs link one above the other: the lowest of each at the highest before it.

    Differences within a set stay. An order of all groups then is one of every set by itself, and a step between two
    neighbours tells groups of one set apart: pairs that have nothing to do with each other share no step.
    """
    if asked is None:
        return values
    found, top = torch.zeros_like(values), values.new_zeros(values.shape[1])
    for rows in members(asked):
        own = rows.to(values.device)
        found[own] = values[own] - values[own].amin(0) + top
        top = found[own].amax(0)
    return found


def median_distance(points: torch.Tensor, asked: Asked | None) -> float:
    """Median distance of the centres (l, m) of two groups, over the pairs asked for."""
    if asked is None:
        return float(torch.pdist(points).median())
    source, target = as_tensor(listed(len(points), asked)).to(points.device).T
    return float((points[source] - points[target]).square().sum(1).sqrt().median())


def centred(means: NDArray[np.float64], asked: Asked | None) -> NDArray[np.float64]:
    """Means (l, d) of the groups less the mean of the groups that they are linked with: what the pairs differ in."""
    if asked is None:
        return means
    sets = linked(asked)
    same = (sets[:, None] == sets[None, :]).astype(float)
    return np.asarray(means - (same / same.sum(axis=1, keepdims=True)) @ means)
