"""Real cells, three representations, every amplitude and every baseline."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import FILES, logged, read, with_umap
from benchmarks._run import whole

from . import methods

SPARSITIES = (1, 2, 5, 10, 20, 50)
SMALLEST = 20
"""Groups of fewer cells are left out: a quarter of them is too little to score on."""
STUDENT = "X_umap_student"
MAPS = {"UMAP": STUDENT, "PCA": "X_pca", "scvis": "X_scvis"}
CACHE = Path(tempfile.gettempdir()) / "scgce-faithfulness-cache"
BY_AMPLITUDE = [methods.name_of("refine", c) for c in methods.AMPLITUDES]
BESIDE = ["truncate, c=3", "refine_consistent, c=3"]
QUICK = [methods.DEFAULT, "difference of means"]
COMPARED = list(dict.fromkeys([methods.DEFAULT, *methods.BASELINES, *BY_AMPLITUDE, *BESIDE]))
"""In every representation: what matters most first."""


class Case(NamedTuple):
    """One method in one representation of one data set."""

    dataset: str
    encoder: str
    method: str


def table(case: Case, quick: bool = False) -> pd.DataFrame:
    """Half of the cells fit, a quarter selects, a quarter is scored; means over ordered pairs."""
    dataset, encoder, method = case
    adata, groupby = embedded(dataset, encoder, quick)
    start = time.process_time()
    methods.explain(adata, groupby, method, use_rep=MAPS[encoder], sparsity=(10,) if quick else SPARSITIES)
    found = methods.rows(adata, [method], dataset=dataset, encoder=encoder)
    sizes = {"n_groups": len(adata.uns[method]["groups"]), "n_cells": adata.n_obs, "n_vars": adata.n_vars}
    return found.assign(**sizes, cpu_seconds=time.process_time() - start)


def embedded(dataset: str, encoder: str, quick: bool) -> tuple[ad.AnnData, str]:
    """The cells with the representation and its encoder; made once a run."""
    file = CACHE / f"{dataset}-{encoder}-{quick}.h5ad"
    if file.exists():
        return ad.read_h5ad(file), FILES[dataset][1]
    adata, groupby = load(dataset, quick)
    if encoder == "UMAP":
        with_umap(adata)
        scgce.tl.distill(adata, "X_umap", device="cpu", key_added=STUDENT)
    else:
        sc.pp.pca(adata, n_comps=50, random_state=0)
    if encoder == "scvis":
        scgce.tl.scvis(adata, device="cpu")
    whole(file, adata.write_h5ad)
    return adata, groupby


def forget() -> None:
    """Make the representations anew."""
    shutil.rmtree(CACHE, ignore_errors=True)


def load(dataset: str, quick: bool) -> tuple[ad.AnnData, str]:
    """Cells scaled to the median depth (scanpy's default) and logged; genes seen in three cells or more."""
    adata, groupby = read(dataset), FILES[dataset][1]
    if quick:
        adata = sc.pp.sample(adata, n=min(900, adata.n_obs), rng=0, copy=True)
    sizes = adata.obs[groupby].value_counts()
    return logged(adata[adata.obs[groupby].isin(sizes.index[sizes >= SMALLEST])]), groupby


UNBOUNDED = methods.name_of("refine", None)


def wins(table: pd.DataFrame, ours: str = methods.DEFAULT, margin: float = 0.005) -> pd.DataFrame:
    """Every case in which a baseline is above one of ours by more than the margin."""
    mine = table[table["method"] == ours]
    theirs = table[table["method"].isin(methods.BASELINES)]
    both = theirs.merge(mine, on=["dataset", "encoder", "sparsity"], suffixes=("", "_ours"))
    found = []
    for metric in methods.METRICS:
        part = both.assign(metric=metric, baseline=both[metric], ours=both[f"{metric}_ours"])
        found.append(part[part["baseline"] > part["ours"] + margin])
    columns = ["dataset", "encoder", "sparsity", "metric", "method", "baseline", "ours"]
    return pd.concat(found)[columns].sort_values(columns[:4], kind="stable", ignore_index=True)


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """How often each baseline is above the default, and above unbounded refinement, of all cases."""
    rows = []
    for ours in (methods.DEFAULT, UNBOUNDED):
        found = wins(table, ours)
        for baseline in methods.BASELINES:
            won = found[found["method"] == baseline]["metric"].value_counts()
            row: dict[str, object] = {"ours": ours, "baseline": baseline}
            row |= {f"{metric}: baseline above": int(won.get(metric, 0)) for metric in methods.METRICS}
            rows.append(row | {"of": int((table["method"] == ours).sum())})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """The default, unbounded refinement and the baseline that does best, for every data set, map and sparsity.

    ``map``: mean of correctness and coverage; ``judges``: mean of the two.
    """
    scores = table.assign(
        map=table[["correctness", "coverage"]].mean(axis=1),
        judges=table[["judge_logreg", "judge_knn"]].mean(axis=1),
    )
    found = []
    for (dataset, encoder, sparsity), rows in scores.groupby(["dataset", "encoder", "sparsity"], sort=False):
        part = rows.set_index("method")[["map", "judges"]]
        baselines = part.loc[[name for name in methods.BASELINES if name in part.index]]
        if methods.DEFAULT not in part.index or baselines.empty:
            continue
        best = str(baselines["map"].idxmax())
        row = {"dataset": dataset, "encoder": encoder, "genes": int(sparsity)}
        for label, name in (("c=3", methods.DEFAULT), ("c=∞", UNBOUNDED), ("best baseline", best)):
            for score in ("map", "judges"):
                row[f"{label}: {score}"] = part[score].get(name, np.nan)
        found.append(row | {"best baseline": best})
    return pd.DataFrame(found)
