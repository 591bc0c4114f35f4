"""A stored explanation on the half that took no part, one row a sparsity."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scgce

JUDGES = ("judge_logreg", "judge_knn")
SCORES = ("correctness", "coverage", *JUDGES)


def scores(fitting: ad.AnnData, scored: ad.AnnData) -> pd.DataFrame:
    """Means over ordered pairs; ε is found among the cells that are scored, which are all of the half.

    ``genes``: genes that the mean pair moves; ``*_real``: accuracy of the judges on the cells as they are, mean over
    groups.
    """
    options: dict[str, Any] = {"epsilon": "mean", "max_cells": None, "device": "cpu"}
    scgce.tl.evaluate(scored, "tgt", reference=fitting, key_added="scored", **options)
    sweep = scgce.get.sweep(scored, key="scored")
    moved = [scgce.get.metrics(scored, sparsity=k, key="scored")["n_genes"].mean() for k in sweep["sparsity"]]
    real = {f"{name}_real": np.diag(scored.uns["scored"]["sweep"][name][0]).mean() for name in JUDGES}
    return sweep[["sparsity", *SCORES]].assign(genes=moved, **real)


def at_best_factor(fitting: ad.AnnData, factors: tuple[float, ...]) -> list[float]:
    """Replace the explanation by itself times one factor for all pairs; the factor of every sparsity.

    Chosen on cells of the half that nothing was fitted on: those that `tl.tgt` and `tl.dbm` would report.
    """
    entry, marks = fitting.uns["tgt"], []
    for factor in factors:
        fitting.uns["scaled"] = _scaled(entry, np.full(len(entry["sweep"]["sparsity"]), factor))
        scgce.tl.evaluate(fitting, "scaled", judges=False, key_added="chosen", device="cpu")
        sweep = scgce.get.sweep(fitting, key="chosen")
        marks.append(0.6 * sweep["correctness"] + 0.4 * sweep["coverage"])
    best = np.asarray(factors)[np.argmax(marks, axis=0)]
    fitting.uns["tgt"] = _scaled(entry, best)
    return best.tolist()


def _scaled(entry: dict[str, Any], factors: np.ndarray) -> dict[str, Any]:
    """Rows of the sweep are K times l."""
    sweep, n = dict(entry["sweep"]), len(entry["groups"])
    sweep["deltas"] = sparse.csr_matrix(sparse.diags(np.repeat(factors, n)) @ sweep["deltas"], dtype=np.float32)
    at = sweep["sparsity"].tolist().index(entry["params"]["sparsity_selected"])
    return {**entry, "sweep": sweep, "deltas": (entry["deltas"] * factors[at]).astype(np.float32)}
