"""All pairs of groups: `tl.tgt` against one-vs-one tests of scanpy and illico over all references, each at its best."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import FILES, here, read, with_umap
from benchmarks._run import command
from scgce.encoders import Encoder, resolve

from .cells import encoded
from .machine import SWEEP, publish, timed

Data = tuple[ad.AnnData, str, Encoder]
"""Cells, their groups, and an encoder that is given to `tl.tgt`."""


def retina(use_rep: str) -> Data:
    """6,139 cells in 18 clusters; their PCA, or a network distilled from their UMAP."""
    adata, groupby = read("retina"), FILES["retina"][1]
    sc.pp.filter_genes(adata, min_cells=3)
    adata.obs[groupby] = adata.obs[groupby].astype("category")
    with_umap(adata)
    return adata, groupby, resolve(adata, use_rep=use_rep, rng=0)


def simulated(n_cells: int, n_genes: int, n_groups: int = 18) -> Data:
    """Sparse simulated cells, a twelfth of X non-zero; a network on their principal components."""
    adata, encoder = encoded(n_cells, n_genes, n_groups, density=0.08)
    return adata, "group", encoder


def tools(adata: ad.AnnData, groupby: str, encoder: Encoder) -> dict[str, Callable[[], object]]:
    """Every tool's run over all pairs."""
    references = adata.obs[groupby].cat.categories.astype(str)

    def tgt(**options: object) -> Callable[[], object]:
        return lambda: scgce.tl.tgt(adata, groupby, encoder=encoder, sparsity=SWEEP, **options)

    def t_tests() -> None:
        for reference in references:
            sc.tl.rank_genes_groups(adata, groupby, reference=reference, method="t-test", key_added="tests")

    def illico() -> None:
        from illico import asymptotic_wilcoxon

        for reference in references:
            asymptotic_wilcoxon(adata, is_log1p=True, group_keys=groupby, reference=reference, n_threads=1)

    found = {
        "tgt path": tgt(method="path"),
        "tgt path, no judges": tgt(method="path", judges=False),
        "tgt refine": tgt(method="refine"),
        "scanpy t-test": t_tests,
    }
    return found | ({"illico, one thread": illico} if find_spec("illico") else {})


def compare(name: str, data: Data, repetitions: int = 5) -> pd.DataFrame:
    """One row per tool: the least of several repetitions, in turn."""
    adata, groupby, encoder = data
    work, compiles = tools(*data), {"sparsity": 5, "min_cells": 1, "validation_fraction": 0}
    scgce.tl.tgt(adata[::4].copy(), groupby, encoder=encoder, **compiles)
    times = pd.DataFrame([{tool: timed(run)[1] for tool, run in work.items()} for _ in range(repetitions)])
    least, groups = times.min(), adata.obs[groupby].nunique()
    size = {"data": name, "cells": adata.n_obs, "genes": adata.n_vars, "groups": groups}
    rows = []
    for tool in work:
        row = {"tool": tool, "repetitions": repetitions, "seconds": least[tool], "slowest": times[tool].max()}
        row |= {f"tgt_{ours}_over_this": least[f"tgt {ours}"] / least[tool] for ours in ("path", "refine")}
        rows.append(size | row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    if quick:
        found = [compare("simulated 1000", simulated(1000, 2000, 6), repetitions=2)]
    else:
        maps = {"retina, PCA": "X_pca", "retina, UMAP": "X_umap"} if here("retina") else {}
        found = [compare(name, retina(use_rep)) for name, use_rep in maps.items()]
        found.append(compare("simulated 27499", simulated(27_499, 13_166)))
    publish(pd.concat(found), "tests", quick)
