"""Where the map and the judges disagree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DISAGREE = 0.5
"""Half of the cells that arrive on the map are no cells of the target to the judges: the pair is named."""


def disagreeing(
    correctness: np.ndarray, judged: Sequence[np.ndarray], gap: float = DISAGREE
) -> list[tuple[int, int, float, float]]:
    """Pairs that the map counts as explained and the judges do not.

    Parameters
    ----------
    correctness
        Of the map (l, l), with the groups' self-similarity on the diagonal.
    judged
        What each judge says (l, l), with its accuracy on real cells on the diagonal; a judge that is NaN says nothing.
    gap
        How much less the judges say than the map, each in units of what it says of real cells of the target.

    Returns
    -------
    Source, target, correctness and the mean of the judges, the widest gap first.
    """
    known = [np.asarray(table, dtype=np.float64) for table in judged if np.isfinite(table).any()]
    if not known:
        return []
    ours, theirs = _of_ceiling(np.asarray(correctness, dtype=np.float64)), np.mean([_of_ceiling(t) for t in known], 0)
    apart = np.where(np.isfinite(ours) & np.isfinite(theirs), ours - theirs, -np.inf)
    np.fill_diagonal(apart, -np.inf)
    pairs = [divmod(int(at), len(apart)) for at in np.argsort(-apart, axis=None, kind="stable")]
    said = np.mean(known, axis=0)
    return [(i, j, float(correctness[i, j]), float(said[i, j])) for i, j in pairs if apart[i, j] > gap]


def _of_ceiling(table: np.ndarray) -> np.ndarray:
    ceiling = np.maximum(np.diagonal(table), 1e-12)
    shares: np.ndarray = np.minimum(table / ceiling, 1.0)
    return shares
