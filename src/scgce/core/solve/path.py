"""The λ path: from no translation at all down to rich ones, and back up from the difference of means.

Solutions are warm-started from the neighbouring λ. For a non-linear encoder the problem is not convex and a path from
the origin can settle in a poor valley; a second path from the difference of means, λ increasing, finds the other side.
At each λ the better of both is kept; the second path ends where they meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from scgce.core.pairs import Asked, mask_of
from scgce.core.translations import Translations

from .certificate import duality_gap
from .penalties import Penalty
from .problem import Problem
from .solver import Stopping, minimise
from .working_set import State, lambda_max, prune, solve, zero_state

_MET = 1e-4
"""Two paths have met when their objectives agree to this share at three neighbouring λ."""
_START_GENES = 500
RICHEST = 2.0
"""A path for k genes ends once the mean pair uses this many times k."""


@dataclass(frozen=True)
class Point:
    """One λ of the path."""

    lam: float
    translations: Translations
    objective: float
    smooth: float
    converged: bool
    gap: float = float("nan")
    """Duality gap, an upper bound on the distance to the optimum; NaN for a non-linear encoder, which has none."""
    asked: Asked | None = None

    @property
    def counts(self) -> torch.Tensor:
        """(P,) genes of every ordered pair asked for."""
        counts = self.translations.counts()
        return counts[torch.from_numpy(mask_of(len(counts), self.asked)).to(counts.device)]


PathPoints = list[Point]


def geometric_grid(largest: float, *, per_decade: int = 10, decades: float = 4.0) -> list[float]:
    """λ values from just below ``largest`` down."""
    n = int(per_decade * decades)
    return [largest * 10 ** (-(step + 1) / per_decade) for step in range(n)]


def fit_path(
    problem: Problem,
    penalty: Penalty,
    *,
    lams: Sequence[float] | None = None,
    per_decade: int = 10,
    means: torch.Tensor | None = None,
    enough_genes: float | None = None,
    stopping: Stopping = Stopping(),
    asked: Asked | None = None,
    on_point: Callable[[], object] | None = None,
) -> PathPoints:
    """Solutions along λ, largest first.

    Parameters
    ----------
    problem, penalty
        Of all d genes.
    lams
        λ on the scale of Eq. 9; None for a geometric grid below the closed-form λ_max.
    per_decade
        How many λ of that grid lie between one and ten times as much.
    means
        Group means (l, d): where the second path starts. None: no second path (enough for a linear encoder, where the
        problem is convex).
    enough_genes
        Without ``lams``: stop once the mean pair uses at least this many genes.
    asked
        Pairs whose genes are counted; None for all.
    on_point
        Called after each λ (progress).
    """
    grid = (
        sorted(lams, reverse=True)
        if lams is not None
        else geometric_grid(lambda_max(problem, penalty), per_decade=per_decade)
    )
    states: list[State] = []
    points: PathPoints = []
    state = zero_state(problem, penalty)
    for lam in grid:
        state = prune(solve(problem, penalty, lam, state, stopping=stopping), penalty)
        states.append(state)
        points.append(_point(problem, penalty, state, asked))
        if on_point is not None:
            on_point()
        if lams is None and _rich_enough(points, enough_genes):
            break
    if means is not None and states:
        _improve_from_means(problem, penalty, means, states, points, stopping, asked)
    return points


def _point(problem: Problem, penalty: Penalty, state: State, asked: Asked | None) -> Point:
    solution = state.solution
    translations = state.translations(penalty, problem.n_genes)
    gap = float("nan")
    if problem.linear:
        gap = duality_gap(problem, penalty, state.lam, penalty.variable(translations.dense()))
    done = solution.converged and state.complete
    return Point(state.lam, translations, solution.objective, solution.smooth, done, gap, asked)


def _rich_enough(points: PathPoints, enough_genes: float | None) -> bool:
    last = points[-1]
    if last.smooth <= 1e-6 * points[0].smooth:
        return True
    return enough_genes is not None and _mean_genes(last) >= enough_genes


def _mean_genes(point: Point) -> float:
    return float(point.counts.double().mean())


def part_for(points: PathPoints, k: int) -> PathPoints:
    """What a path for k genes would have of a longer one."""
    ends = (index for index, point in enumerate(points) if _mean_genes(point) >= RICHEST * k)
    return points[: next(ends, len(points)) + 1]


def _means_state(problem: Problem, penalty: Penalty, means: torch.Tensor, last: State, stopping: Stopping) -> State:
    """The difference of means on the genes whose difference moves the hidden layer most, relaxed at the smallest λ."""
    effect = (means.amax(0) - means.amin(0)) * problem.column_norms().sqrt()

    strongest = effect.argsort(descending=True, stable=True)[:_START_GENES]
    genes = torch.cat([strongest, last.genes]).unique()
    restricted = penalty.take(genes)
    v = restricted.variable(means[:, genes])
    solution = minimise(problem.take(genes), restricted, last.lam, v, stopping=stopping)
    return prune(State(genes, solution, last.lam, False), penalty)


def _improve_from_means(
    problem: Problem,
    penalty: Penalty,
    means: torch.Tensor,
    states: list[State],
    points: PathPoints,
    stopping: Stopping,
    asked: Asked | None,
) -> None:
    """Walk λ upwards from the difference of means; replace points whose objective it beats."""
    state = _means_state(problem, penalty, means, states[-1], stopping)
    met = 0
    for index in range(len(states) - 1, -1, -1):
        state = prune(solve(problem, penalty, states[index].lam, state, stopping=stopping), penalty)
        ours, theirs = state.solution.objective, points[index].objective
        if ours < theirs:
            points[index] = _point(problem, penalty, state, asked)
        met = met + 1 if abs(ours - theirs) <= _MET * theirs else 0
        if met == 3:
            return
