"""The authors' encoders, groups and ε: what they published, beside every method of ours, in sample and held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.paper.published import as_published
from benchmarks.paper.studies import CONVENTION

from . import methods

COMPARED = [methods.name_of(m, c) for c in (None, 3.0) for m in ("truncate", "path", "refine_consistent", "refine")]


class Reference(NamedTuple):
    """One of the authors' encoders."""

    dataset: str


class Split(NamedTuple):
    """One split of its cells."""

    dataset: str
    repeat: int


def in_sample(job: Reference) -> pd.DataFrame:
    """Means over the full l × l matrix, diagonal included, at the published sparsities."""
    (dataset,) = job
    adata, encoder, stored = as_published(dataset)
    published = stored["published"]
    sparsities = [int(k) for k in published[:, 0]]
    options = {"encoder": encoder, "epsilon": float(stored["epsilon"]), "sparsity": sparsities} | CONVENTION
    for name in COMPARED:
        methods.explain(adata, "group", name, **options)
    table = methods.rows(adata, COMPARED, include_self=True, dataset=dataset)
    theirs = {"published TGT": (1, 2), "published DBM": (3, 4)}
    parts = [
        pd.DataFrame({"dataset": dataset, "method": name, "sparsity": sparsities})
        .assign(correctness=published[:, correct])
        .assign(coverage=published[:, covered])
        for name, (correct, covered) in theirs.items()
    ]
    return pd.concat([*parts, table.drop(columns=["judge_logreg", "judge_knn"])], ignore_index=True)


def held_out(job: Split) -> pd.DataFrame:
    """Fitted on half of the cells, λ chosen on a quarter, scored on the last quarter."""
    dataset, repeat = job
    adata, encoder, stored = as_published(dataset)
    sparsities = [int(k) for k in stored["published"][:, 0]]
    options = {"encoder": encoder, "epsilon": float(stored["epsilon"]), "sparsity": sparsities, "rng": repeat}
    names = [*COMPARED, "difference of means", "lasso per pair"]
    for name in names:
        methods.explain(adata, "group", name, validation_fraction=0.25, **options)
    return methods.rows(adata, names, include_self=True, dataset=dataset, repeat=repeat)


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Whether each method is above what was published, at each sparsity."""
    values = table.pivot(index=["dataset", "sparsity"], columns="method", values=["correctness", "coverage"])
    found = []
    for method in COMPARED:
        row = {"method": method}
        for metric in ("correctness", "coverage"):
            gain = values[metric][method] - values[metric]["published TGT"]
            row |= {f"{metric}: above": int((gain > 0).sum()), f"{metric}: least gain": float(gain.min())}
        found.append(row | {"of": len(values)})
    return pd.DataFrame(found)


def over_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over the splits of the cells."""
    by = table.groupby(["dataset", "method", "sparsity"], sort=False)[list(methods.METRICS)]
    mean, error = by.mean(), by.std() / np.sqrt(by.count())
    return pd.concat([mean, error.add_suffix("_se")], axis=1).reset_index()
