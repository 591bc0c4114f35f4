"""Undo the shrinkage: refit the levels of every gene with its partition of the groups, and their order, kept."""

from __future__ import annotations

import torch

from scgce.core.translations import Translations

from .penalties import Gap
from .problem import Problem
from .solver import Stopping, minimise


def partition_gaps(translations: Translations, bound: Gap | None = None) -> Gap:
    """The steps that are open, where neighbouring levels differ; bounded as in ``bound`` (same genes) if given."""
    if bound is None:
        ordered, order = translations.values.sort(dim=0, stable=True)
        upper = torch.where(ordered.diff(dim=0) > 0, torch.inf, 0.0).to(ordered)
        costs = ordered.new_zeros(ordered.shape[1])
        return Gap(order, upper, costs, ordered.new_ones(len(ordered) - 1))
    steps = translations.values.gather(0, bound.order).diff(dim=0)
    return Gap(bound.order, torch.where(steps > 0, bound.upper, 0.0), torch.zeros_like(bound.costs), bound.prices)


def relaxed_refit(
    problem: Problem, translations: Translations, bound: Gap | None = None, *, stopping: Stopping = Stopping()
) -> Translations:
    """Minimise f alone over the open steps: as sparse and as consistent as before, without the pull towards zero.

    Parameters
    ----------
    problem
        Of all genes.
    translations
        A solution on the path.
    bound
        The gap penalty of all genes if amounts are bounded; None leaves the levels free but for their order.
    """
    genes = translations.genes
    if len(genes) == 0:
        return translations
    gaps = partition_gaps(translations, None if bound is None else bound.take(genes))
    solution = minimise(problem.take(genes), gaps, 0.0, gaps.variable(translations.values), stopping=stopping)
    return Translations(genes, gaps.translations(solution.v), translations.n_genes)
