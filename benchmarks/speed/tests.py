"""All pairs of groups: `tl.tgt` against one-vs-one tests of scanpy and illico over all references, each at its best."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import FILES, here, read, with_umap
from benchmarks._run import command
from scgce.encoders import Encoder, resolve

from .cells import encoded
from .machine import SWEEP, publish, timed


class Data(NamedTuple):
    """Cells, their groups, and an encoder that is given to `tl.tgt`."""

    name: str
    adata: ad.AnnData
    groupby: str
    encoder: Encoder


def retina() -> Data:
    """6,139 cells in 18 clusters; a network distilled from their UMAP."""
    adata, groupby = read("retina"), FILES["retina"][1]
    sc.pp.filter_genes(adata, min_cells=3)
    adata.obs[groupby] = adata.obs[groupby].astype("category")
    with_umap(adata)
    return Data("retina", adata, groupby, resolve(adata, use_rep="X_umap", rng=0))


def simulated(n_cells: int, n_genes: int, n_groups: int = 18) -> Data:
    """Sparse simulated cells, a twelfth of X non-zero; a network on their principal components."""
    adata, encoder = encoded(n_cells, n_genes, n_groups, density=0.08)
    return Data(f"simulated {n_cells}", adata, "group", encoder)


def tools(data: Data, slow: bool, few: list[str]) -> dict[str, tuple[Callable[[], object], list[str]]]:
    """Every tool's run over all pairs, and the references that it runs."""
    _, adata, groupby, encoder = data
    every = adata.obs[groupby].cat.categories.astype(str).tolist()

    def tgt(**options: object) -> Callable[[], object]:
        return lambda: scgce.tl.tgt(adata, groupby, encoder=encoder, sparsity=SWEEP, **options)

    def scanpy(method: str, references: list[str]) -> None:
        for reference in references:
            sc.tl.rank_genes_groups(adata, groupby, reference=reference, method=method, key_added="tests")

    def illico() -> None:
        from illico import asymptotic_wilcoxon

        for reference in every:
            asymptotic_wilcoxon(adata, is_log1p=True, group_keys=groupby, reference=reference, n_threads=1)

    found: dict[str, tuple[Callable[[], object], list[str]]] = {
        "tgt path": (tgt(method="path"), every),
        "tgt path, no judges": (tgt(method="path", judges=False), every),
        "tgt refine": (tgt(method="refine"), every),
        "scanpy t-test": (lambda: scanpy("t-test", every), every),
    }
    found |= {"illico, one thread": (illico, every)} if find_spec("illico") else {}
    return found | ({"scanpy wilcoxon": (lambda: scanpy("wilcoxon", few), few)} if slow else {})


def compare(data: Data, slow: bool, n_slow: int | None = None, repetitions: int = 1) -> list[dict]:
    """One row per tool: the least of several repetitions, in turn.

    Wilcoxon runs once, on ``n_slow`` of the references (None: all), its seconds in proportion.
    """
    every = data.adata.obs[data.groupby].cat.categories.astype(str).tolist()
    work = tools(data, slow, every[:n_slow])
    compiles = {"encoder": data.encoder, "sparsity": 5, "min_cells": 1, "validation_fraction": 0}
    scgce.tl.tgt(data.adata[::4].copy(), data.groupby, **compiles)
    times: dict[str, list[float]] = {tool: [] for tool in work}
    for turn in range(repetitions):
        for tool, (run, references) in work.items():
            if turn and tool.endswith("wilcoxon"):
                continue
            times[tool].append(timed(run)[1] * len(every) / len(references))
            print(data.name, tool, f"{times[tool][-1]:.1f} s", flush=True)
    size = {"data": data.name, "cells": data.adata.n_obs, "genes": data.adata.n_vars, "groups": len(every)}
    return [
        size
        | {"tool": tool, "references_run": len(references), "repetitions": len(times[tool])}
        | {"seconds": min(times[tool]), "slowest": max(times[tool])}
        | {f"tgt_{ours}_over_this": min(times[f"tgt {ours}"]) / min(times[tool]) for ours in ("path", "refine")}
        for tool, (_, references) in work.items()
    ]


if __name__ == "__main__":
    parser = command(__doc__, "quick")
    parser.add_argument("--slow", action="store_true", help="scanpy's Wilcoxon too: minutes")
    parser.add_argument("--repetitions", type=int, default=5, help="of which the fastest counts")
    asked = parser.parse_args()
    if asked.quick:
        rows = compare(simulated(1000, 2000, 6), asked.slow, repetitions=2)
    else:
        rows = compare(retina(), asked.slow, repetitions=asked.repetitions) if here("retina") else []
        rows += compare(simulated(27_499, 13_166), asked.slow, n_slow=1, repetitions=asked.repetitions)
    publish(pd.DataFrame(rows), "tests", asked.quick)
