"""Pairs that stay unexplained, and why: some no translation can explain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .metrics import Scores, index_groups, score_pairs

_SPREAD = 1.5

REASONS = {
    "offset": "does not arrive: needs more genes or amounts",
    "wider": "the source is more spread out than the target",
    "narrower": "the source is less spread out than the target",
    "shape": "arrives, but the target has another shape",
}
"""What each value of `Unexplained.reason` means; no longer than the 50 characters that pandas shows of a cell."""


@dataclass(frozen=True)
class Unexplained:
    """A pair below the threshold.

    Attributes
    ----------
    source, target
        Group numbers.
    correctness, coverage
        As scored.
    reason
        A key of `REASONS`.
    possible
        Whether moving the source rigidly *in the representation*, centre to centre, would pass the threshold. If
        not, no amount of genes makes a translation of these cells look like the target.
    spread_ratio
        Root mean square distance to the own centre: translated source over target.
    centre_distance
        From the centre of the translated source to that of the target, in units of the representation.
    """

    source: int
    target: int
    correctness: float
    coverage: float
    reason: str
    possible: bool
    spread_ratio: float
    centre_distance: float


def unexplained_pairs(
    moved: Callable[[int, int], Tensor],
    embedded: Sequence[Tensor],
    scores: Scores,
    epsilon: float,
    *,
    threshold: float = 0.5,
) -> list[Unexplained]:
    """List the pairs whose correctness or coverage is below the threshold, worst first, each with its reason.

    ``"offset"`` if the centres are further apart than ε and than the target's spread; else ``"wider"`` or
    ``"narrower"`` if the spreads differ by more than half; else ``"shape"``.

    Parameters
    ----------
    moved
        ``moved(i, j)``: r(x + δ_ij) for the cells x of i, shape (n_i, m).
    embedded
        r of the cells of each group, shapes (n_g, m).
    epsilon
        Distance at which a cell counts as reached.
    scores
        Their metrics; pairs with NaN are passed over.
    threshold
        Share of cells from which on a pair counts as explained.
    """
    failed = [
        (i, j)
        for i in range(len(embedded))
        for j in range(len(embedded))
        if i != j and min(scores.correctness[i, j], scores.coverage[i, j]) < threshold
    ]
    centres = [points.double().mean(0) for points in embedded]
    rigid = score_pairs(
        lambda i, j: embedded[i].double() + centres[j] - centres[i], index_groups(embedded), epsilon, failed
    )
    found = []
    for i, j in failed:
        arrived = moved(i, j).double()
        own = _spread(embedded[j].double())
        gap = float(torch.linalg.vector_norm(arrived.mean(0) - centres[j]))
        ratio = _spread(arrived) / own if own > 0 else float("inf")
        possible = min(rigid.correctness[i, j], rigid.coverage[i, j]) >= threshold
        shares = float(scores.correctness[i, j]), float(scores.coverage[i, j])
        reason = _reason(gap, ratio, max(epsilon, own))
        found.append(Unexplained(i, j, *shares, reason, bool(possible), ratio, gap))
    return sorted(found, key=lambda pair: min(pair.correctness, pair.coverage))


def _spread(points: Tensor) -> float:
    return float((points - points.mean(0)).square().sum(1).mean().sqrt())


def _reason(gap: float, ratio: float, reach: float) -> str:
    if gap > reach:
        return "offset"
    if ratio > _SPREAD:
        return "wider"
    return "narrower" if ratio < 1 / _SPREAD else "shape"
