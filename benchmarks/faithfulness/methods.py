"""The methods that are compared, by name, and their metrics as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import anndata as ad
import pandas as pd
from scipy import sparse

import scgce
from scgce import tl

METRICS = ("correctness", "coverage", "judge_logreg", "judge_knn")
AMPLITUDES = (1.0, 1.5, 2.0, 3.0, 5.0, None)
DEFAULT = "refine, c=3"


def name_of(method: str, amplitude: float | None) -> str:
    return f"{method}, c={'∞' if amplitude is None else format(amplitude, 'g')}"


OURS: dict[str, dict[str, Any]] = {
    name_of(method, amplitude): {"method": method, "amplitude": amplitude}
    for method in ("truncate", "path", "refine_consistent", "refine")
    for amplitude in AMPLITUDES
}
BOUND = 3.0


def scaled_difference(
    adata: ad.AnnData, groupby: str, *, sparsity: Sequence[int], key_added: str, **options: Any
) -> None:
    """The difference of means times one factor for each sparsity, as `get.sweep` has it, before the judges too.

    The factor is chosen on validation cells, up to the bound that our amounts have by default.
    """
    given = {"sparsity": sparsity, "key_added": key_added, **options}
    tl.tgt(adata, groupby, method="path", amplitude=BOUND, judges=False, **given)
    factors = adata.uns[key_added]["sweep"]["dbm_factor"]
    tl.dbm(adata, groupby, **given)
    entry = adata.uns[key_added]
    sweep, groups = entry["sweep"], len(entry["groups"])
    sweep["deltas"] = sparse.csr_matrix(sparse.diags(factors.repeat(groups)) @ sweep["deltas"], dtype="float32")
    selected = sweep["sparsity"].tolist().index(entry["params"]["sparsity_selected"])
    entry["deltas"] = (entry["deltas"] * factors[selected]).astype("float32")
    tl.evaluate(adata, key_added, device="cpu")
    adata.uns[key_added] = adata.uns.pop(f"{key_added}_evaluated")


BASELINES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "difference of means": (tl.dbm, {}),
    "difference × factor": (scaled_difference, {}),
    "random genes": (tl.random_genes, {}),
    "lasso per pair": (tl.lasso, {}),
    "t-test": (tl.marker_tests, {"method": "t-test"}),
    "Wilcoxon": (tl.marker_tests, {"method": "wilcoxon"}),
    "logistic regression": (tl.marker_tests, {"method": "logreg"}),
}


def explain(adata: ad.AnnData, groupby: str, name: str, **options: Any) -> None:
    """Store one method's explanations under its name."""
    if name in OURS:
        tl.tgt(adata, groupby, key_added=name, device="cpu", **OURS[name], **options)
    else:
        tool, given = BASELINES[name]
        tool(adata, groupby, key_added=name, device="cpu", **given, **options)


def rows(adata: ad.AnnData, names: Iterable[str], include_self: bool = False, **labels: Any) -> pd.DataFrame:
    """Mean metrics of every method and sparsity, behind the labels."""
    table = scgce.get.compare(adata, list(names), include_self=include_self).rename(columns={"key": "name"})
    table = table[["name", "sparsity", "n_genes", *METRICS]].copy()
    for position, (label, value) in enumerate(labels.items()):
        table.insert(position, label, value)
    return table.rename(columns={"name": "method"})
