"""From prepared arrays to the λ path and the material that explanations are chosen from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from scgce.core.choose.parametrisation import to_device
from scgce.core.choose.plan import PAIRS, SMALL, plan_for
from scgce.core.choose.refine import options_for
from scgce.core.choose.select import Material
from scgce.core.linked import as_tensor
from scgce.core.pairs import Asked, listed, some
from scgce.core.score.cells import Cells
from scgce.core.solve.path import RICHEST, PathPoints, fit_path
from scgce.core.solve.penalties import Gap, Pairwise, Penalty, Separate
from scgce.core.solve.problem import Problem, some_pairs
from scgce.core.solve.solver import Stopping

from .moved import check_moved
from .read import Prepared

PATH, COARSE = Stopping(1e-4, 1000), Stopping(1e-3, 300)
"""Explanations are cut from a path solved to the first; of many genes, one that refinement starts from may stop at the
second for half the time and gives the same explanations (tried on the distilled UMAPs of pbmc3k, the retina and paul15
and on scvis of the retina), while what is cut from it may reach less. ``lam=`` is solved to `EXACT`."""
EXACT = Stopping(1e-7, 5000)


@dataclass(frozen=True)
class Model:
    """What is minimised."""

    costs: np.ndarray
    """(d,), inf forbids."""
    amplitude: float | None
    exponent: float
    """Of the penalty family, 1 for Eq. 9."""
    lams: list[float] | None = None
    nonnegative: bool = False


def material(
    prepared: Prepared,
    model: Model,
    fit: Cells,
    validate: Cells,
    *,
    largest: int,
    epsilon: float,
    seed: int,
    thin: bool = False,
    refines: bool = False,
    on_point: Callable[[], Any] | None = None,
) -> Material:
    """The λ path of the fitting cells' means, and the cells it is judged on.

    Parameters
    ----------
    largest
        The largest sparsity asked for: the path goes on until the mean pair has more genes than that.
    thin
        Fewer λ, and only from the origin, of more than `SMALL` genes: less than half the work. What is refined, or
        closed to be consistent, does as well from there (tried on the distilled UMAPs of pbmc3k, the retina and paul15;
        `benchmarks.ablation` has it so, too); a path whose points are cut needs them all.
    refines
        Refinement follows: it begins as well from a rough path.
    """
    problem, means, costs = smooth_problem(prepared, fit.means(), model.costs)
    n_groups, asked = prepared.groups.n, prepared.asked
    fitted = _fitted_pairs(problem, asked, seed)
    problem = problem if fitted is None else replace(problem, pairs=fitted.to(problem.start.device))
    penalty = penalty_of(model, means, costs, asked)
    gap = penalty if isinstance(penalty, Gap) else None
    check_moved(prepared.encoder, problem, means, gap, fit, asked, amplitude=model.amplitude, seed=seed)
    size = problem.n_genes, n_groups * (n_groups - 1)  # of all pairs: asking for fewer never costs more
    many, plan = problem.n_genes > SMALL, plan_for(*size, prepared.n_asked)
    points: PathPoints = fit_path(
        problem,
        penalty,
        lams=model.lams,
        per_decade=plan.per_decade if thin else 10,
        means=None if problem.linear or (thin and many and model.lams is None) else means,
        enough_genes=RICHEST * largest,
        stopping=EXACT if model.lams is not None else COARSE if many and refines else PATH,
        asked=asked,
        on_point=on_point,
    )
    here = torch.device("cpu")  # what is chosen lies there; the cells that judge it stay on their device
    if problem.start.device != here:
        problem = replace(smooth_problem(prepared, fit.means(), model.costs, here)[0], pairs=fitted)
    return Material(
        problem=problem,
        gap=None if gap is None else to_device(gap, here),
        amplitude=model.amplitude,
        points=[replace(point, translations=to_device(point.translations, here)) for point in points],
        fit=fit,
        validate=validate,
        epsilon=epsilon,
        seed=seed,
        options=options_for(*size),
        plan=plan,
        means=torch.where(costs.isinf(), means[:1], means).cpu(),
        asked=asked,
    )


def penalty_of(model: Model, means: torch.Tensor, costs: torch.Tensor, asked: Asked | None) -> Penalty:
    """What translations cost: bounded by the real differences of ``means`` (l, d), or not; over the pairs asked for."""
    priced = None if asked is None else as_tensor(listed(len(means), asked))
    if model.amplitude is not None:
        how: dict[str, Any] = {"nonnegative": model.nonnegative, "pairs": priced}
        return Gap.build(means, model.amplitude, costs, model.exponent, **how)
    if priced is not None:
        return Separate.build(costs, len(means), priced, model.exponent)
    return Pairwise.build(costs, len(means), model.exponent)


def _fitted_pairs(problem: Problem, asked: Asked | None, seed: int) -> torch.Tensor | None:
    """Pairs (P, 2) that the objective sums over; None for all.

    Those asked for; of very many a sample, but for a linear encoder, for which they cost little.
    """
    if asked is None:
        return None if problem.linear else some_pairs(problem.n_groups, PAIRS, seed)
    pairs = None if problem.linear else some(problem.n_groups, asked, PAIRS, seed)
    return as_tensor(pairs or listed(problem.n_groups, asked))


def smooth_problem(
    prepared: Prepared, centres: torch.Tensor, costs: np.ndarray, device: torch.device | None = None
) -> tuple[Problem, torch.Tensor, torch.Tensor]:
    """The objective's smooth part in float64, the means and the costs beside it, on the device of ``prepared``."""
    device = prepared.device if device is None else device
    device = torch.device("cpu") if device.type == "mps" else device
    means = torch.from_numpy(prepared.means).to(device)
    W, b = prepared.encoder.W, prepared.encoder.b
    tail = prepared.encoder.tail_as(torch.float64, device)
    if W is None or b is None:
        problem = Problem(means, centres.to(device), None, tail)
    else:
        W, b = W.to(device, torch.float64), b.to(device, torch.float64)
        problem = Problem(means @ W + b, centres.to(device), W, tail, linear=prepared.encoder.kind == "linear")
    return problem, means, torch.from_numpy(costs).to(device)
