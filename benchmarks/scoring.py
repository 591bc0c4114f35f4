"""How much the number of scored cells and the rule of ε matter to correctness and coverage.

``python -m benchmarks.scoring`` prints the table: explanations of pbmc3k fitted on half of the cells, scored on the
quarter that is reported and on the whole other half (of which the first quarter has selected λ), with ε by either rule.
Translating all genes by the difference of means stands beside them: what a translation can reach in this map at all.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

import scgce

from .faithfulness import cells, methods

RESULTS = Path(__file__).parent / "scoring.csv"
EXPLAINED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("refine", {"amplitude": 3.0, "sparsity": 20}),
    ("refine", {"amplitude": 5.0, "sparsity": 10}),
    ("refine", {"amplitude": 2.0, "sparsity": 50}),
    ("refine", {"amplitude": None, "sparsity": 10}),
    ("difference of means", {"sparsity": 10}),
    ("difference of means", {"sparsity": 50}),
    ("difference of means", {}),
)
LOOSER = ("mean", "max")


def scored(adata: ad.AnnData, groupby: str, method: str, options: dict[str, Any], use_rep: str) -> pd.DataFrame:
    """One explanation, a row for every way to score it."""
    given = {"sparsity": adata.n_vars} | options
    if method == "refine":
        scgce.tl.tgt(adata, groupby, use_rep=use_rep, key_added="this", device="cpu", **given)
    else:
        scgce.tl.dbm(adata, groupby, use_rep=use_rep, key_added="this", device="cpu", **given)
    found = [_means(adata, "this", "a quarter", "mean")]
    held_out = adata[adata.uns["this"]["split"] > 0].copy()
    for rule in LOOSER:
        scgce.tl.evaluate(held_out, "this", reference=adata, epsilon=rule, key_added="again", device="cpu")
        found.append(_means(held_out, "again", "a half", rule))
    table = pd.DataFrame(found)
    name = methods.name_of(method, options["amplitude"]) if method == "refine" else method
    table.insert(0, "method", name)
    table.insert(1, "genes", options.get("sparsity", "all"))
    return table


def _means(adata: ad.AnnData, key: str, share: str, rule: str) -> dict[str, Any]:
    table = scgce.get.compare(adata, [key])
    means = {name: float(table[name].iloc[0]) for name in methods.METRICS}
    return {"scored on": share, "rule of ε": rule, "ε": float(adata.uns[key]["epsilon"])} | means


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("scgce").setLevel(logging.ERROR)
    cells.forget()
    pbmc3k, groupby = cells.embedded("pbmc3k", "UMAP", quick=False)
    table = pd.concat([scored(pbmc3k, groupby, *explained, use_rep=cells.STUDENT) for explained in EXPLAINED])
    table.to_csv(RESULTS, index=False, float_format="%.2f", lineterminator="\n")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
