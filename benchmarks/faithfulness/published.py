"""The authors' encoders, groups and ε: every method of ours with cells held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.paper.published import as_published

from . import methods

COMPARED = [methods.name_of(m, c) for c in (None, 3.0) for m in ("truncate", "path", "refine_consistent", "refine")]


class Split(NamedTuple):
    """One split of its cells."""

    dataset: str
    repeat: int


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


def over_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard error over the splits of the cells."""
    by = table.groupby(["dataset", "method", "sparsity"], sort=False)[list(methods.METRICS)]
    mean, error = by.mean(), by.std() / np.sqrt(by.count())
    return pd.concat([mean, error.add_suffix("_se")], axis=1).reset_index()
