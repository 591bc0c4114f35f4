"""`tl.lasso`: every pair explained on its own, without consistency."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from scgce.core.choose.truncate import SparseDelta
from scgce.core.solve.lasso import PairLasso, lasso_lam_max, lasso_pairs
from scgce.core.solve.solver import Stopping
from scgce.explain.baseline import Setting, baseline
from scgce.explain.fit import smooth_problem
from scgce.explain.pairs import PairExplained
from scgce.explain.split import FIT

FACTOR = 0.6
"""From one λ to the next."""
MOST_LAMS = 18
LOOSE = Stopping(tolerance=1e-5, max_iterations=200)
RICHEST = 2.0
"""λ falls until the mean pair has this many times the genes asked for."""


@baseline(amplitude=-1.0)
def lasso(setting: Setting) -> list[PairExplained]:
    """Explain every ordered pair on its own: the term of Eq. 9 for that pair, minimised without regard to the others.

    What consistency is measured against. Amounts are unbounded, as in the paper. For each k the k largest amounts of
    each pair are kept, at the λ that is best for this pair on the validation cells. There is no basis behind the
    pairs' explanations: they are in ``pair_deltas``, CSR (l·l, d) with row ``i·l + j`` for i → j, and ``deltas`` holds
    the basis nearest to them in the least squares, for reading by group.
    """
    prepared = setting.prepared
    problem, _, costs = smooth_problem(prepared, prepared.part(FIT).means(), np.ones(len(prepared.genes)))
    lam, largest = lasso_lam_max(problem, setting.pairs), max(setting.sparsities)
    solved: list[PairLasso] = []
    for _ in range(MOST_LAMS):
        lam *= FACTOR
        start = solved[-1].state if solved else None
        solved.append(found := lasso_pairs(problem, lam, setting.pairs, costs=costs, stopping=LOOSE, start=start))
        if np.mean([len(delta.genes) for delta in found.deltas.values()]) >= RICHEST * largest:
            break
    return [_best(setting, solved, k) for k in setting.sparsities]


def _best(setting: Setting, solved: Sequence[PairLasso], k: int) -> PairExplained:
    """Each pair at the λ with the best mean of correctness and coverage; ties go to the larger λ."""
    cut = [{pair: largest(delta, k) for pair, delta in found.deltas.items()} for found in solved]
    scores = [setting.by_pair(k, deltas).validation for deltas in cut]
    best = np.argmax([score.correctness + score.coverage for score in scores], axis=0)
    return setting.by_pair(k, {pair: cut[best[pair]][pair] for pair in cut[0]})


def largest(delta: SparseDelta, k: int) -> SparseDelta:
    """The k largest amounts; the lower gene index among equal ones."""
    order = torch.argsort(-delta.values.abs(), stable=True)[:k].sort().values
    return SparseDelta(delta.genes[order].cpu(), delta.values[order].cpu())
