"""How much the number of scored cells and the rule of ε matter to correctness and coverage.

``python -m benchmarks.scoring`` prints the table: explanations fitted on half of the cells, scored on the quarter that
is reported and on the whole other half (of which the first quarter has selected λ), with ε by either rule.
Translating all genes by the difference of means stands beside them: what a translation can reach in this map at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import pandas as pd

import scgce

from ._run import publish, quiet
from .faithfulness import cells, methods

RESULTS = Path(__file__).parent / "scoring.csv"
DENSE = ("difference of means", None)
EXPLAINED: dict[tuple[str, str], tuple[tuple[str, int | None], ...]] = {
    ("pbmc3k", "cell_type"): (
        (methods.name_of("refine", 3.0), 20),
        (methods.name_of("refine", 5.0), 10),
        (methods.name_of("refine", 2.0), 50),
        (methods.name_of("refine", None), 10),
        ("difference of means", 10),
        ("difference of means", 50),
        DENSE,
    ),
    ("retina", "cell_type"): ((methods.name_of("refine", 3.0), 20), DENSE),
    ("paul15", "paul15_clusters"): ((methods.name_of("refine", 5.0), 20), DENSE),
}
"""By data set and groups: method, and genes per pair; None: all."""
RULES = ("mean", "max")


def scored(adata: ad.AnnData, groupby: str, method: str, genes: int | None, use_rep: str) -> pd.DataFrame:
    """One explanation, a row for every way to score it."""
    methods.explain(adata, groupby, method, use_rep=use_rep, sparsity=genes or adata.n_vars)
    found = [_means(adata, method, "a quarter", "mean")]
    held_out = adata[adata.uns[method]["split"] > 0].copy()
    held_out.obs_names = [f"{name} again" for name in held_out.obs_names]  # the cells that selected are scored as well
    for rule in RULES:
        scgce.tl.evaluate(held_out, method, reference=adata, epsilon=rule, key_added=rule, max_cells=None, device="cpu")
        found.append(_means(held_out, rule, "a half", rule))
    table = pd.DataFrame(found)
    table.insert(0, "method", method)
    table.insert(1, "genes", genes or "all")
    return table


def _means(adata: ad.AnnData, key: str, share: str, rule: str) -> dict[str, Any]:
    (means,) = methods.rows(adata, [key])[list(methods.METRICS)].to_dict("records")
    return {"scored on": share, "rule of ε": rule, "ε": float(adata.uns[key]["epsilon"])} | means


if __name__ == "__main__":
    quiet()
    cells.forget()
    parts = []
    for (dataset, groupby), explained in EXPLAINED.items():
        adata, _ = cells.embedded(dataset, "UMAP", quick=False)
        found = pd.concat([scored(adata, groupby, *each, use_rep=cells.STUDENT) for each in explained])
        found.insert(0, "dataset", dataset)
        parts.append(found)
    publish(pd.concat(parts), RESULTS, ".2f")
