"""The methods that are compared, by name, and their metrics as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anndata as ad
import pandas as pd

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
BASELINES: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "difference of means": (tl.dbm, {}),
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
