"""``tl.tgt`` on each embedding of pbmc3k: correctness and coverage at 10 genes, beside the difference of means."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd

from scgce import get, tl

from .data import load
from .methods import fit

SPARSITY = 10


def table(methods: list[str], folder: Path) -> pd.DataFrame:
    """Off-diagonal means over the cells reported on."""
    adata = load("pbmc3k", folder)
    rows = []
    for method in methods:
        _, key = fit(method, adata)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tl.tgt(adata, "label", use_rep=key, sparsity=SPARSITY, device="cpu")
        sweep = get.sweep(adata)
        row = {"method": method, "n_genes": SPARSITY, "validation_fraction": 0.25, "amplitude": 3.0}
        for name in ("correctness", "coverage", "dbm_correctness", "dbm_coverage", "judge_logreg", "judge_knn"):
            if name in sweep:
                row[name] = float(sweep[name].iloc[0])
        rows.append(row)
        print("  ".join(f"{k}={v}" for k, v in row.items()), flush=True)
    return pd.DataFrame(rows)
