"""Exact solver against the paper's stochastic gradient descent: time to an equal objective."""

from __future__ import annotations

from functools import partial
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import torch

import scgce
from benchmarks._cells import REFERENCE
from benchmarks._run import command
from benchmarks.paper.published import as_published
from scgce.core.solve.path import fit_path
from scgce.core.solve.penalties import Pairwise
from scgce.core.solve.problem import Problem
from scgce.core.solve.solver import Stopping
from scgce.core.solve.working_set import lambda_max
from scgce.explain.fit import smooth_problem
from scgce.explain.read import prepare
from scgce.explain.split import FIT

from .machine import publish, timed
from .sgd import Trace, descend

SHORT, LONG = 40.0, 180.0
"""Seconds of descent, for the small tables and for cells."""
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
Task = tuple[str, Problem, list[float], torch.Tensor]


def bipolar_sized(n_cells: int, n_genes: int, n_groups: int = 18) -> Task:
    """Simulated cells; 100 principal components, then a network distilled from their UMAP."""
    adata = scgce.datasets.simulated_cells(n_cells, n_genes, n_groups, rng=0)
    sc.pp.pca(adata, n_comps=100, random_state=0)
    sc.pp.neighbors(adata, random_state=0)
    sc.tl.umap(adata, random_state=0)
    problem, means = problem_of(adata, use_rep="X_umap", encoder=None)
    largest = lambda_max(problem, Pairwise.build(torch.ones(n_genes, dtype=torch.float64), n_groups))
    return "simulated cells", problem, [largest / 30, largest / 300], means


def published(name: str) -> Task:
    """The authors' encoder and groups, at the reference's lambda 1 and 3."""
    adata, encoder, _ = as_published(name)
    problem, means = problem_of(adata, use_rep=None, encoder=encoder)
    return name, problem, [2 * ref / adata.n_vars for ref in (1, 3)], means


def problem_of(adata: ad.AnnData, **which: Any) -> tuple[Problem, torch.Tensor]:
    """What `tl.tgt` solves, fitted on all cells, and the groups' means."""
    prepared = prepare(adata, "group", layer=None, validation_fraction=0.0, device="cpu", **which)
    return smooth_problem(prepared, prepared.part(FIT).means(), np.ones(adata.n_vars))[:2]


def compare(name: str, problem: Problem, lams: list[float], means: torch.Tensor, budget: float) -> list[dict]:
    """One row per lambda; the descent's best learning rate counts, and only its own run's time of descent."""
    n_genes = problem.n_genes
    penalty = Pairwise.build(torch.ones(n_genes, dtype=torch.float64), problem.n_groups)
    minimise_once(problem, penalty, lams[:1], means)  # compiles the prox
    rows = []
    for lam in lams:
        ours, seconds = timed(partial(minimise_once, problem, penalty, [lam], means))
        rate, trace = best_descent(problem, penalty, lam, budget)
        reached = trace.time_to(ours * 1.01)
        row = {"problem": name, "groups": problem.n_groups, "genes": n_genes, "lam": lam, "objective": ours}
        row |= {"seconds": seconds, "sgd_objective": trace.lowest, "sgd_rate": rate, "sgd_budget": budget}
        rows.append(
            row | {"sgd_seconds_to_within_1pct": reached, "times_faster_at_least": min(reached, budget) / seconds}
        )
    return rows


def best_descent(problem: Problem, penalty: Pairwise, lam: float, budget: float) -> tuple[float, Trace]:
    """The learning rate that suits the descent best, and its trace: short trials of all, long runs of the best two."""
    trials = {rate: descend(problem, penalty, lam, rate=rate, budget=budget / 10) for rate in RATES}
    two = sorted(RATES, key=lambda rate: trials[rate].lowest)[:2]
    traces = {rate: descend(problem, penalty, lam, rate=rate, budget=budget) for rate in two}
    return min(traces.items(), key=lambda item: item[1].lowest)


def minimise_once(problem: Problem, penalty: Pairwise, lams: list[float], means: torch.Tensor) -> float:
    """Our objective at one lambda, from nothing and from the difference of means, as `tl.tgt(lam=…)` does it."""
    return fit_path(problem, penalty, lams=lams, means=means, stopping=Stopping(1e-5, 5000))[-1].objective


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    torch.set_num_threads(1)  # matrices this small are faster on one thread, for both
    problems = [bipolar_sized(1000, 2000) if quick else bipolar_sized(6000, 13_166)]
    problems += [published(name) for name in ("iris", "heart_disease") if REFERENCE.exists()]
    rows = []
    for name, problem, lams, means in problems:
        budget = 1.0 if quick else LONG if name == "simulated cells" else SHORT
        rows += compare(name, problem, lams, means, budget)
    publish(pd.DataFrame(rows), "solver", quick)
