"""From prepared cells to an explanation for every sparsity: what `tl.tgt` runs and `tl.stability` repeats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scgce._api.threads import one_thread
from scgce.core.choose.plan import plan_for
from scgce.core.choose.refine import options_for
from scgce.core.choose.select import Explained, choose, ladder
from scgce.core.score.cells import Cells
from scgce.core.solve.path import PathPoints, part_for

from .fit import Model, material
from .read import Prepared


def steps_of(
    methods: Sequence[str], sparsities: Sequence[int], n_genes: int, n_pairs: int, n_asked: int | None = None
) -> int:
    """Steps of refinement at most, for a bar of progress."""
    plan = plan_for(n_genes, n_pairs, n_asked)
    most = {"refine": plan.most_descents, "refine_consistent": 1 + plan.consistent}
    descents = sum(len(ladder(sparsities, method, n_genes)) * most.get(method, 0) for method in _solved(methods))
    return descents * options_for(n_genes, n_pairs).steps


def explanations(
    prepared: Prepared,
    model: Model,
    fit: Cells,
    validate: Cells,
    sparsities: Sequence[int],
    methods: Sequence[str],
    *,
    epsilon: float,
    seed: int,
    on_step: Callable[[], Any] | None = None,
) -> tuple[list[list[Explained]], PathPoints]:
    """The path, and by each method the explanations of all sparsities, ascending.

    Parameters
    ----------
    fit, validate
        Cells that fit and that select.
    methods
        Of `scgce.core.choose.select.METHODS`; all choose from one path, which is as long as the most demanding needs.
    """
    refines = any(method.startswith("refine") for method in methods)
    longest = ladder(sparsities, "refine", len(prepared.genes)) if refines else sparsities
    with one_thread():
        how: dict[str, Any] = {"epsilon": epsilon, "seed": seed, "on_point": on_step}
        how["thin"] = "truncate" not in methods
        how["refines"] = all(method.startswith("refine") for method in methods)
        found = material(prepared, model, fit, validate, largest=max(longest), **how)
        points = found.points
        beside = found  # only refinement descends from the part of the path that is richer than was asked for
        if model.lams is None:
            beside = replace(found, points=part_for(found.points, max(sparsities)))
        chosen: dict[str, list[Explained]] = {}
        for method in _solved(methods):
            of = found if method == "refine" else beside
            chosen[method] = choose(of, sparsities, method, on_step, chosen.get("refine", ()))
    if model.nonnegative or not np.isfinite(model.costs).all():  # the difference of means beside ours is free of these
        chosen = {method: [replace(one, factor=None) for one in of_method] for method, of_method in chosen.items()}
    return [chosen[method] for method in methods], points


def _solved(methods: Sequence[str]) -> list[str]:
    """The methods in order; the consistent variant is made from the refined explanations."""
    return list(dict.fromkeys(["refine", *methods] if "refine_consistent" in methods else methods))
