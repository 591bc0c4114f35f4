"""All pairs of groups: `tl.tgt` against one-vs-one tests of scanpy and illico over all references."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from scgce.encoders import Encoder, resolve

from .cells import encoder_of, many_cells, some_cells
from .machine import publish, timed

RETINA = Path(__file__).resolve().parents[3] / "shared" / "data" / "voigt_human_retina.h5ad"
SWEEP = [1, 2, 5, 10, 20, 50]


@dataclass(frozen=True)
class Data:
    """Cells, their groups, and an encoder that is given to `tl.tgt`."""

    name: str
    adata: ad.AnnData
    groupby: str
    encoder: Encoder


def retina() -> Data:
    """6,139 cells in 18 clusters; a network distilled from their UMAP."""
    adata = sc.read_h5ad(RETINA)
    sc.pp.filter_genes(adata, min_cells=3)
    adata.obs["cluster_label"] = adata.obs["cluster_label"].astype("category")
    sc.pp.pca(adata, n_comps=50, random_state=0)
    sc.pp.neighbors(adata, random_state=0)
    sc.tl.umap(adata, random_state=0)
    return Data("retina", adata, "cluster_label", resolve(adata, use_rep="X_umap", rng=0))


def simulated(n_cells: int, n_genes: int, n_groups: int = 18) -> Data:
    """Sparse simulated cells, a twelfth of X non-zero; a network on their principal components."""
    some = some_cells(n_genes, n_groups, min(n_cells, 10_000), density=0.08)
    return Data(f"simulated {n_cells}", many_cells(some, n_cells), "group", encoder_of(some))


def every_reference(data: Data, method: str, references: list[str]) -> None:
    """scanpy's one-vs-one tests: every group against each of the references."""
    for reference in references:
        sc.tl.rank_genes_groups(data.adata, data.groupby, reference=reference, method=method, key_added="tests")


def illico_all(data: Data, references: list[str]) -> None:
    """The same tests by illico (Wilcoxon), one thread."""
    from illico import asymptotic_wilcoxon

    for reference in references:
        asymptotic_wilcoxon(data.adata, is_log1p=True, group_keys=data.groupby, reference=reference, n_threads=1)


def compare(data: Data, slow: bool, n_slow: int | None = None) -> list[dict]:
    """One row per tool. Wilcoxon takes ``n_slow`` of the references (None: all), its seconds in proportion."""
    adata, encoder = data.adata, data.encoder
    every = [str(name) for name in adata.obs[data.groupby].cat.categories]
    few = every[:n_slow]
    part = adata[::4].copy()
    scgce.tl.tgt(part, data.groupby, encoder=encoder, sparsity=5, min_cells=1, validation_fraction=0)  # compiles

    def tgt(**options: object) -> Callable[[], object]:
        return lambda: scgce.tl.tgt(adata, data.groupby, encoder=encoder, sparsity=SWEEP, **options)

    work: dict[str, tuple[Callable[[], object], list[str]]] = {
        "tgt path": (tgt(method="path"), every),
        "tgt path, no judges": (tgt(method="path", judges=False), every),
        "tgt refine": (tgt(method="refine"), every),
        "illico, one thread": (lambda: illico_all(data, every), every),
        "scanpy t-test": (lambda: every_reference(data, "t-test", every), every),
    }
    if slow:
        work["scanpy wilcoxon"] = (lambda: every_reference(data, "wilcoxon", few), few)
    rows = []
    for tool, (run, references) in work.items():
        _, seconds = timed(run)
        seconds *= len(every) / len(references)
        print(data.name, tool, f"{seconds:.1f} s", flush=True)
        size = {"data": data.name, "cells": adata.n_obs, "genes": adata.n_vars, "groups": len(every)}
        rows.append(size | {"tool": tool, "references_run": len(references), "seconds": seconds})
    base = {row["tool"]: row["seconds"] for row in rows}
    for row in rows:
        row["tgt_path_over_this"] = base["tgt path"] / row["seconds"]
        row["tgt_refine_over_this"] = base["tgt refine"] / row["seconds"]
    return rows


def main(quick: bool, slow: bool) -> None:
    """Run and print."""
    warnings.simplefilter("ignore")
    if quick:
        rows = compare(simulated(1000, 2000, 6), slow)
    else:
        rows = compare(retina(), slow) if RETINA.exists() else []
        rows += compare(simulated(27_499, 13_166), slow, n_slow=1)
    publish(pd.DataFrame(rows), "tests", quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--slow", action="store_true", help="scanpy's Wilcoxon too: minutes")
    arguments = parser.parse_args()
    main(arguments.quick, arguments.slow)
