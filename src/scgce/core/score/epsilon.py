"""The ε of "close enough": the smallest at which groups are similar to themselves (paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from .metrics import index_groups
from .neighbours import GroupIndex

_RULES = ("mean", "max")
_ROUNDING = 1e-12


def epsilon_from(embedded: Sequence[Tensor] | GroupIndex, rule: str = "mean", quantile: float = 0.95) -> float:
    """Smallest ε at which the self-similarity of the groups reaches `quantile`; exact, in closed form.

    The self-similarity of a group at ε is the share of its cells with another cell of the group at Euclidean
    distance ≤ ε, so the answer is one of the within-group nearest-neighbour distances.

    Parameters
    ----------
    embedded
        Cells of each group in the representation, shapes (n_g, m). A group of one cell has no self-similarity
        and is left out.
    rule
        ``"mean"``: the mean over groups reaches `quantile` (what the reference implementation did).
        ``"max"``: every group reaches it (the paper's text).
    quantile
        In (0, 1].

    Returns
    -------
    ε in the units of the representation.

    Raises
    ------
    ValueError
        On an unknown rule, a quantile outside (0, 1] or no group with two cells.
    """
    if rule not in _RULES:
        raise ValueError(f"rule={rule!r} is unknown; accepted: {', '.join(_RULES)}")
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile={quantile} is out of range; accepted: above 0, at most 1")
    index = index_groups(embedded)
    distances = [np.sort(index.self_nearest(g)) for g in range(len(index)) if index.sizes[g] > 1]
    if not distances:
        raise ValueError("embedded has no group of two or more cells; ε needs neighbours within a group")
    if rule == "max":
        return max(float(d[_needed(d.size, quantile) - 1]) for d in distances)
    return _mean_rule(distances, quantile)


def _needed(n: int, quantile: float) -> int:
    """Count the fewest of n cells that make a share of at least `quantile`."""
    return max(1, int(np.ceil(quantile * n * (1 - _ROUNDING))))


def _mean_rule(distances: list[np.ndarray], quantile: float) -> float:
    candidates = np.unique(np.concatenate(distances))
    low, high = 0, candidates.size - 1
    while low < high:
        middle = (low + high) // 2
        share = np.mean([np.searchsorted(d, candidates[middle], side="right") / d.size for d in distances])
        if share >= quantile - _ROUNDING:
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])
