"""From the λ path to one explanation of k genes per pair: three ways, never confused.

``truncate`` (the paper) keeps the k largest amounts of each pair; ``path`` takes a λ at which no pair needs more than k
genes and debiases it; ``refine`` moves the amounts for what is reported. λ is chosen on validation cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from scgce.core.linked import anchored, stacked
from scgce.core.pairs import Asked, listed, some
from scgce.core.score.cells import Cells
from scgce.core.score.metrics import Scores, off_diagonal_mean, score_pairs
from scgce.core.solve.path import PathPoints, Point
from scgce.core.solve.penalties import Gap
from scgce.core.solve.problem import Problem
from scgce.core.solve.relaxed import partition_gaps, relaxed_refit
from scgce.core.solve.solver import Stopping
from scgce.core.translations import Translations

from .baselines import best_factor
from .parametrisation import FreeParametrisation, Parametrisation, StepParametrisation
from .plan import NEAR, PAIRS, PLENTY, SMALL, STEP, Plan, plan_for
from .polish import polish
from .refine import RefineOptions, refine
from .support import close_least_steps
from .truncate import PairCuts, top_k

_SEEDS = 4
"""Seeds of the mini-batches from one seed of the user."""
METHODS = ("refine", "refine_consistent", "path", "truncate")
ROUGH, RELAXED = Stopping(1e-4, 150), Stopping(1e-7, 500)
"""All candidates are refitted roughly, the best of them to the end."""


@dataclass(frozen=True)
class Material:
    """What the choice works with."""

    problem: Problem
    gap: Gap | None
    """The gap penalty of all genes, None for unbounded amounts."""
    amplitude: float | None
    points: PathPoints
    fit: Cells
    validate: Cells
    epsilon: float
    seed: int
    options: RefineOptions = RefineOptions()
    plan: Plan = field(default_factory=Plan)
    means: torch.Tensor | None = None
    """(l, d) float64, forbidden genes equal in all groups: with it, refinement also starts from their difference."""
    asked: Asked | None = None
    """The pairs that count; None for all."""


@dataclass(frozen=True)
class Explained:
    """The explanation chosen for one sparsity."""

    sparsity: int
    lam: float
    translations: Translations
    pair_cut: bool
    """The explanation of a pair is the k-gene cut of its difference; otherwise the difference itself."""
    validation: Scores
    factor: float | None = field(default=None, kw_only=True)
    """The best one of the difference of means that stands beside it, where the search has found it."""

    @property
    def quality(self) -> float:
        return quality(self.validation)

    @property
    def compared(self) -> int:
        """Genes a pair of the difference of means that stands beside it."""
        return self.sparsity

    def cuts(self) -> PairCuts:
        """Explanations of all pairs, on all genes."""
        return PairCuts(self.translations.dense(), self.sparsity if self.pair_cut else None)


def quality(scores: Scores, balance: float = RefineOptions.balance) -> float:
    """What selection maximises: the weighted mean of correctness and coverage, averaged over ordered pairs."""
    return balance * off_diagonal_mean(scores.correctness) + (1 - balance) * off_diagonal_mean(scores.coverage)


def _validated(material: Material, translations: Translations, k: int, lam: float, cut: bool) -> Explained:
    translations = replace(translations, values=anchored(translations.values, material.asked))
    rounded = translations.rounded().drop_unused()
    pairs = some(material.validate.n_groups, material.asked, PAIRS, material.seed)
    return Explained(k, lam, rounded, cut, _score(material, PairCuts(rounded.dense(), k if cut else None), pairs))


def _score(material: Material, cuts: PairCuts, pairs: list[tuple[int, int]] | None) -> Scores:
    moved = material.validate.mover(cuts)
    return score_pairs(moved, material.validate.index, material.epsilon, pairs)


def _best(candidates: Sequence[Explained]) -> Explained:
    """The first of the best, so that ties go to the larger λ."""
    return max(candidates, key=lambda candidate: candidate.quality)


def truncated(material: Material, k: int, ratios: Sequence[float] | None = None) -> Explained:
    """The k largest amounts of each pair, at the λ that validates best (paper, section 3.3); of ``ratios`` alone."""
    picked = _spread(material.points, k, material.plan.richer if ratios is None else ratios)
    return _best([_validated(material, point.translations, k, point.lam, True) for point in picked])


def _spread(points: PathPoints, k: int, ratios: Sequence[float]) -> list[Point]:
    """Points whose mean pair has about k genes, and some multiples of it; larger λ first."""
    means = np.array([float(point.counts.double().mean()) for point in points])
    chosen = sorted({int(np.abs(np.log(np.maximum(means, 0.1) / (k * richer))).argmin()) for richer in ratios})
    return [points[index] for index in chosen]


def _fitting(points: PathPoints, k: int, nearest: int) -> list[Point]:
    """Points whose every pair uses at most k genes, richest last; the origin if there is none."""
    fitting = [point for point in points if int(point.counts.max()) <= k]
    return fitting[-nearest:] if fitting else [_origin(points[0])]


def _origin(point: Point) -> Point:
    nothing = Translations(point.translations.genes[:0], point.translations.values[:, :0], point.translations.n_genes)
    return replace(point, translations=nothing)


def consistent(material: Material, k: int) -> Explained:
    """At most k genes for every pair and no triangle error.

    Points of the path that fit, and richer ones whose least steps are closed until they do; each refitted on its
    partition of the groups, gene by gene; the best to the end.
    """
    strength = material.problem.column_norms().sqrt()
    starts = [(point.lam, point.translations) for point in _fitting(material.points, k, material.plan.nearest)]
    for point in _spread(material.points, k, material.plan.richer):
        starts.append((point.lam, close_least_steps(point.translations, strength, k, material.asked)))
    candidates = []
    for lam, translations in starts:
        apart = _stacked(material, translations)
        relaxed = relaxed_refit(material.problem, apart, material.gap, stopping=ROUGH)
        candidates.append(_validated(material, relaxed, k, lam, False))
    best = _best(candidates)
    apart = _stacked(material, best.translations)
    exact = relaxed_refit(material.problem, apart, material.gap, stopping=RELAXED)
    return _best([best, _validated(material, exact, k, best.lam, False)])


def _stacked(material: Material, translations: Translations) -> Translations:
    """The same explanations, the order of whose groups couples no two sets that the pairs asked for do not link."""
    return replace(translations, values=stacked(translations.values, material.asked))


def _refined(
    material: Material,
    start: Explained,
    amounts: Parametrisation,
    explore: float,
    on_step: Callable[[], object] | None,
    order: int = 0,
) -> Explained:
    """One descent on the fitting cells, scored on the validation cells."""
    values = refine(
        material.fit,
        amounts,
        start.sparsity if start.pair_cut else None,
        material.epsilon,
        generator=torch.Generator().manual_seed(material.seed * _SEEDS + order),
        options=replace(material.options, explore=explore),
        asked=material.asked,
        on_step=on_step,
    )
    return _moved(material, start, amounts, values)


def _polished(material: Material, start: Explained, amounts: Parametrisation, order: int = 0) -> Explained:
    """A search from one start on the fitting cells, scored on the validation cells."""
    values = polish(
        material.fit,
        amounts,
        start.sparsity if start.pair_cut else None,
        material.epsilon,
        balance=material.options.balance,
        generator=torch.Generator().manual_seed(material.seed * _SEEDS + order),
        asked=material.asked,
    )
    return _moved(material, start, amounts, values)


def _moved(material: Material, start: Explained, amounts: Parametrisation, values: torch.Tensor) -> Explained:
    """A start with its amounts replaced."""
    translations = Translations(amounts.genes, values, start.translations.n_genes)
    return _validated(material, translations, start.sparsity, start.lam, start.pair_cut)


def scaled_difference(material: Material, k: int, lam: float) -> Explained | None:
    """The k largest differences of means times the factor that validates best, inside the bounds on the amounts."""
    if material.means is None or (material.amplitude is not None and material.amplitude < 1):
        return None
    cuts, n = PairCuts(material.means, k), len(material.means)
    chosen = [cuts(i, j).genes for i, j in listed(n, material.asked) if j < i]
    genes = torch.cat(chosen).unique() if chosen else torch.zeros(0, dtype=torch.int64)
    if not len(genes):
        return None
    found: dict[float, Explained] = {}

    def validated(factor: float) -> float:
        start = Translations(genes, factor * material.means[:, genes], material.problem.n_genes)  # type: ignore[index]
        amounts = _amounts(material, start)
        inside = amounts.translations(amounts.project(amounts.start()))
        found[factor] = _validated(material, replace(start, values=inside), k, lam, True)
        return found[factor].quality

    factor = best_factor(validated, material.amplitude)
    return replace(found[factor], factor=factor)


def refined(
    material: Material, k: int, richer: Explained | None = None, on_step: Callable[[], object] | None = None
) -> Explained:
    """`truncated`, its amounts refined with the cut inside the loss: the best on validation cells of what is tried."""
    every = [found for _, found in tried(material, k, richer, on_step)]
    return replace(_best(every), factor=next((found.factor for found in every if found.factor is not None), None))


def tried(
    material: Material, k: int, richer: Explained | None = None, on_step: Callable[[], object] | None = None
) -> Iterator[tuple[str, Explained]]:
    """Everything that the plan tries for k genes, by name, in order.

    Parameters
    ----------
    richer
        The refined explanation of a larger sparsity: its cut to k genes is another start.
    """
    plan = material.plan
    start = truncated(material, k, plan.starts)
    yield "truncate", start
    found = [start]
    scaled = scaled_difference(material, k, start.lam) if plan.scaled else None
    if scaled is not None:
        found.append(scaled)
        yield "scaled difference", scaled
    for name, origin, explore in _starts(material, k, _best(found), richer):
        if len(origin.translations.genes):
            for order in range(1 if explore else plan.orders):
                found.append(_descent(material, origin, explore, on_step, order))
                yield name if order == 0 else f"{name}, other orders", found[-1]
    best = sorted((one for one in found if len(one.translations.genes)), key=lambda one: -one.quality)
    for order, origin in enumerate(best[: plan.searches]):
        yield "search", _polished(material, origin, _amounts(material, origin.translations), order)
    if plan.again and best:
        for explore in (0.0, material.options.explore):
            for order in range(plan.orders):
                yield "again", _descent(material, best[0], explore, on_step, order)


def _starts(
    material: Material, k: int, start: Explained, richer: Explained | None
) -> Iterator[tuple[str, Explained, float]]:
    """Where descents begin, and the share of the gradient that genes outside the cut get."""
    plan = material.plan
    from_richer = plan.descend_richer and richer is not None
    if plan.explore and (plan.fresh or not from_richer):
        yield "explore", start, material.options.explore
    if plan.plain and (plan.fresh or not from_richer):
        yield "plain", start, 0.0
    if from_richer and richer is not None:
        yield "from richer", _in_reach(material, replace(richer, sparsity=k)), 0.0
    if plan.consistent:
        yield "from consistent", replace(consistent(material, k), pair_cut=True), 0.0


def _in_reach(material: Material, start: Explained) -> Explained:
    """Without the genes that are far from being among the k of any pair: a descent would carry them in vain."""
    values, k = start.translations.values, math.ceil(NEAR * start.sparsity)
    used = torch.zeros(values.shape[1], dtype=torch.bool, device=values.device)
    for row in values:
        used |= (top_k(values - row, k) != 0).any(0)
    genes = start.translations.genes[used]
    return replace(start, translations=Translations(genes, values[:, used], start.translations.n_genes))


def _descent(
    material: Material, start: Explained, explore: float, on_step: Callable[[], object] | None, order: int
) -> Explained:
    return _refined(material, start, _amounts(material, start.translations), explore, on_step, order)


def refined_consistent(
    material: Material, k: int, beside: Explained, on_step: Callable[[], object] | None = None
) -> Explained:
    """No triangle error: ``beside``, of k genes a pair, with its least steps closed, and refined on what is left open.

    The partition of the groups is fixed, gene by gene. From there a descent goes further than from `consistent`, whose
    path knows nothing of the metrics: correctness + coverage .81 against .66 on pbmc3k, .83 against .69 on the retina,
    mean of eight sparsities, for less time.
    """
    strength = material.problem.column_norms().sqrt()
    closed = close_least_steps(beside.translations, strength, k, material.asked)
    starts = [_validated(material, closed, k, beside.lam, False)]
    if material.plan.consistent:
        starts.append(consistent(material, k))
    return _best([found for start in starts for found in _on_its_partition(material, start, on_step)])


def _on_its_partition(material: Material, start: Explained, on_step: Callable[[], object] | None) -> list[Explained]:
    """A start, what a descent makes of it, and what the searches make of both."""
    genes = start.translations.genes
    if len(genes) == 0:
        return [start]
    gaps = partition_gaps(
        _stacked(material, start.translations), None if material.gap is None else material.gap.take(genes)
    )

    def steps(origin: Explained) -> Parametrisation:
        values = origin.translations.dense()[:, genes]
        translations = replace(start.translations, values=values)
        if material.amplitude is None:
            return StepParametrisation.of_partition(gaps, translations)
        return StepParametrisation.of_gap(gaps, genes, material.amplitude, translations)

    found = [start, _refined(material, start, steps(start), 0.0, on_step)]
    if material.plan.searches:
        found += [_polished(material, origin, steps(origin)) for origin in found]
    return found


def _amounts(material: Material, translations: Translations) -> Parametrisation:
    if material.gap is None or material.amplitude is None:
        return FreeParametrisation.of(translations)
    genes = translations.genes
    return StepParametrisation.of_gap(material.gap.take(genes), genes, material.amplitude, translations)


def ladder(sparsities: Sequence[int], method: str, n_genes: int) -> list[int]:
    """The sparsities that `choose` solves, ascending: those asked for and, to start them well, richer ones."""
    rungs = sorted(set(sparsities))
    if method == "refine" and n_genes > SMALL and plan_for(n_genes, 2).descend_richer:
        while rungs[-1] < PLENTY and rungs[-1] < n_genes:
            rungs.append(min(math.ceil(STEP * rungs[-1]), n_genes))
    return rungs


def choose(
    material: Material,
    sparsities: Sequence[int],
    method: str,
    on_step: Callable[[], object] | None = None,
    beside: Sequence[Explained] = (),
) -> list[Explained]:
    """Explanations of all sparsities, ascending, by one of `METHODS`.

    Parameters
    ----------
    beside
        For "refine_consistent": what "refine" gives for the same sparsities; made here if empty.
    """
    chosen: list[Explained] = []
    if method == "refine_consistent":
        beside = beside or choose(material, sparsities, "refine", on_step)
    refined_of = {found.sparsity: found for found in beside}
    for k in ladder(sparsities, method, material.problem.n_genes)[::-1]:
        if method == "truncate":
            found = truncated(material, k)
        elif method == "path":
            found = consistent(material, k)
        elif method == "refine":
            found = refined(material, k, chosen[-1] if chosen else None, on_step)
        else:
            found = refined_consistent(material, k, refined_of[k], on_step)
        chosen.append(found)
    chosen = [found for found in chosen if found.sparsity in sparsities]
    return chosen[::-1]


TOLERANCE = 0.05
"""Below the best quality on the validation cells, within which a smaller number is taken."""


def smallest_sufficient(explained: Sequence[Explained], tolerance: float = TOLERANCE) -> int:
    """Index of the smallest sparsity whose validation quality is within ``tolerance`` of the best."""
    best = max(candidate.quality for candidate in explained)
    order = sorted(range(len(explained)), key=lambda index: explained[index].sparsity)
    return next(index for index in order if explained[index].quality >= best - tolerance)
