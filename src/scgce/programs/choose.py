"""Kind and number of learned programmes where nobody says them, chosen on validation cells without a map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .base import Programs

CLOSE = 0.05
"""How far below the best candidate is good enough. No number of programmes is right by itself: the share grows slowly
with it (blood, 9 types: 0.87, 0.90, 0.92 with 8, 12, 16 by profile; retina, 18 clusters: 0.73, 0.77, 0.80)."""


@dataclass(frozen=True)
class Choice:
    """What was tried, and what was chosen.

    Attributes
    ----------
    sources, numbers
        Kind and number M of every candidate.
    shares
        Its share of the difference on the validation cells, relative to that of all genes by themselves.
    chosen
        Its position.
    """

    sources: list[str]
    numbers: list[int]
    shares: list[float]
    chosen: int


def held_out_share(programs: Programs, fitted: np.ndarray, held_out: np.ndarray) -> float:
    """Share of the differences between groups, on other cells, that programmes account for.

    Every programme has one value for each group: the direction of its genes' summed differences. Each gene's difference
    is taken from the fitting cells along its programme's direction, and compared with that on the other cells.

    Parameters
    ----------
    programs
        Over d genes.
    fitted, held_out
        Means of the groups over the fitting and the other cells (l, d).

    Returns
    -------
    1 − |difference not accounted for|² / |difference|², at most 1; genes in no programme are not accounted for.
    """
    one, other = (means - means.mean(axis=0) for means in (fitted, held_out))
    summed = (programs.membership.T @ one.T).T  # groups × programmes
    lengths = np.linalg.norm(summed, axis=0)
    directions = np.divide(summed, lengths, out=np.zeros_like(summed), where=lengths > 0)
    along = programs.membership.multiply((directions.T @ one).T)  # genes × programmes: shares × amounts
    predicted = directions @ along.T.toarray()
    return _share(predicted, other)


def choose(candidates: Iterable[Programs], fitted: np.ndarray, held_out: np.ndarray) -> Choice:
    """The fewest programmes that account for nearly as much of the difference on the validation cells as any candidate.

    Parameters
    ----------
    candidates
        Programmes learned from the fitting cells.
    fitted, held_out
        Means of the groups over the fitting and the validation cells (l, d).

    """
    tried = list(candidates)
    best = _share(fitted - fitted.mean(axis=0), held_out - held_out.mean(axis=0))
    shares = [held_out_share(one, fitted, held_out) / best if best > 0 else 0.0 for one in tried]
    near = [i for i, share in enumerate(shares) if share >= max(shares) - CLOSE]
    chosen = min(near, key=lambda i: (tried[i].n, -shares[i]))
    return Choice([one.source for one in tried], [one.n for one in tried], shares, chosen)


def _share(predicted: np.ndarray, differences: np.ndarray) -> float:
    total = np.square(differences).sum()
    return float(1 - np.square(differences - predicted).sum() / total) if total > 0 else 0.0
