"""A stored explanation on the half that took no part, one row a sparsity."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from scipy import sparse

import scgce

JUDGES = ("judge_logreg", "judge_knn")
COLUMNS = ("correctness", "coverage", *JUDGES)


def scores(fitting: ad.AnnData, scored: ad.AnnData, key: str = "tgt") -> pd.DataFrame:
    """Means over ordered pairs; ε is found among the cells that are scored, which are all of the half.

    ``genes``: genes that the mean pair moves; ``*_real``: accuracy of the judges on the cells as they are, mean over
    groups; ``triangles``: largest |δ_ij + δ_jk − δ_ik| where explanations are differences of rows.
    """
    options: dict[str, Any] = {"epsilon": "mean", "max_cells": None, "device": "cpu"}
    scgce.tl.evaluate(scored, key, reference=fitting, key_added="scored", **options)
    entry, sweep = scored.uns["scored"], scgce.get.sweep(scored, key="scored")
    ks = [int(k) for k in sweep["sparsity"]]
    moved = [scgce.get.metrics(scored, sparsity=k, key="scored")["n_genes"].mean() for k in ks]
    real = {f"{name}_real": float(np.diag(entry["sweep"][name][0]).mean()) for name in JUDGES}
    if entry["params"]["pair_cut"]:
        triangles = [np.nan] * len(ks)
    else:
        triangles = [_triangles(scgce.get.deltas(scored, sparsity=k, key="scored").to_numpy(float)) for k in ks]
    return sweep[["sparsity", *COLUMNS]].assign(genes=moved, triangles=triangles, **real)


def _triangles(basis: np.ndarray) -> float:
    """Of the explanations as they are read: float32 rows subtracted in float64."""
    return float(max(np.abs((b - a) + (c - b) - (c - a)).max() for a in basis for b in basis for c in basis[:5]))


def at_best_factor(fitting: ad.AnnData, key: str, factors: tuple[float, ...]) -> tuple[dict[str, Any], list[float]]:
    """The explanation times one factor for all pairs, and the factor of every sparsity.

    Chosen on cells of the half that nothing was fitted on: those that `tl.tgt` and `tl.dbm` would report.
    """
    entry, marks = fitting.uns[key], []
    for factor in factors:
        fitting.uns["scaled"] = _scaled(entry, np.full(len(entry["sweep"]["sparsity"]), factor))
        scgce.tl.evaluate(fitting, "scaled", judges=False, key_added="chosen", device="cpu")
        sweep = scgce.get.sweep(fitting, key="chosen")
        marks.append(0.6 * sweep["correctness"] + 0.4 * sweep["coverage"])
    best = np.asarray(factors)[np.argmax(marks, axis=0)]
    return _scaled(entry, best), best.tolist()


def _scaled(entry: dict[str, Any], factors: np.ndarray) -> dict[str, Any]:
    """Rows of the sweep are K times l."""
    sweep, n = dict(entry["sweep"]), len(entry["groups"])
    sweep["deltas"] = sparse.csr_matrix(sparse.diags(np.repeat(factors, n)) @ sweep["deltas"], dtype=np.float32)
    at = sweep["sparsity"].tolist().index(entry["params"]["sparsity_selected"])
    return {**entry, "sweep": sweep, "deltas": (entry["deltas"] * factors[at]).astype(np.float32)}
