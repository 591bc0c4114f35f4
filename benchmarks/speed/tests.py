"""All pairs of groups: `tl.tgt` against one-vs-one tests of scanpy and illico over all references."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from scgce.encoders import resolve

from .machine import publish, timed

RETINA = Path(__file__).resolve().parents[3] / "shared" / "data" / "voigt_human_retina.h5ad"
SWEEP = [1, 2, 5, 10, 20, 50]


def retina() -> tuple[str, ad.AnnData, str]:
    """6,139 cells, 18 clusters."""
    adata = sc.read_h5ad(RETINA)
    sc.pp.filter_genes(adata, min_cells=3)
    return "retina", adata, "cluster_label"


def simulated(n_cells: int, n_genes: int, n_groups: int = 18) -> tuple[str, ad.AnnData, str]:
    """Sparse counts, normalised and logged."""
    return f"simulated {n_cells}", scgce.datasets.simulated_cells(n_cells, n_genes, n_groups, rng=0), "group"


def every_reference(adata: ad.AnnData, groupby: str, method: str) -> None:
    """scanpy's one-vs-one tests: every group against every other."""
    for reference in adata.obs[groupby].cat.categories:
        sc.tl.rank_genes_groups(adata, groupby, reference=reference, method=method, key_added="tests")


def illico_all(adata: ad.AnnData, groupby: str) -> None:
    """The same tests by illico (Wilcoxon), one thread."""
    from illico import asymptotic_wilcoxon

    for reference in adata.obs[groupby].cat.categories:
        asymptotic_wilcoxon(adata, is_log1p=True, group_keys=groupby, reference=reference, n_threads=1)


def compare(name: str, adata: ad.AnnData, groupby: str, slow: bool) -> list[dict]:
    """One row per tool, the encoder given (distilled from a UMAP beforehand)."""
    adata.obs[groupby] = adata.obs[groupby].astype("category")
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, random_state=0)
    sc.tl.umap(adata, random_state=0)
    encoder = resolve(adata, use_rep="X_umap", rng=0)
    scgce.tl.tgt(
        adata[::4].copy(), groupby, encoder=encoder, sparsity=5, min_cells=1, validation_fraction=0
    )  # compiles
    work: dict[str, Callable[[], object]] = {
        f"tgt {method}": lambda method=method: scgce.tl.tgt(
            adata, groupby, encoder=encoder, sparsity=SWEEP, method=method, copy=False
        )
        for method in ("path", "refine")
    }
    work["tgt path, no judges"] = lambda: scgce.tl.tgt(
        adata, groupby, encoder=encoder, sparsity=SWEEP, method="path", judges=False
    )
    work["illico, one thread"] = lambda: illico_all(adata, groupby)
    work["scanpy t-test"] = lambda: every_reference(adata, groupby, "t-test")
    if slow:
        work["scanpy wilcoxon"] = lambda: every_reference(adata, groupby, "wilcoxon")
    rows = []
    for tool, run in work.items():
        _, seconds = timed(run)
        print(name, tool, f"{seconds:.1f} s", flush=True)
        rows.append({"data": name, "cells": adata.n_obs, "genes": adata.n_vars, "tool": tool, "seconds": seconds})
    base = {row["tool"]: row["seconds"] for row in rows}
    for row in rows:
        row["tgt_path_over_this"] = base["tgt path"] / row["seconds"]
        row["tgt_refine_over_this"] = base["tgt refine"] / row["seconds"]
    return rows


def main(quick: bool, slow: bool) -> None:
    """Run and print."""
    warnings.simplefilter("ignore")
    data = [simulated(1000, 2000, 6)] if quick else [retina()] if RETINA.exists() else []
    rows = [row for entry in data for row in compare(*entry, slow)]
    publish(pd.DataFrame(rows), "tests", quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--slow", action="store_true", help="scanpy's Wilcoxon too: minutes")
    arguments = parser.parse_args()
    main(arguments.quick, arguments.slow)
