"""All pairs of groups: `tl.tgt` against one-vs-one tests of scanpy and illico over all references, each at its best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import FILES, here, read, with_umap
from scgce.encoders import Encoder, resolve

from .cells import encoder_of, many_cells, some_cells
from .machine import SWEEP, command, publish, timed


@dataclass(frozen=True)
class Data:
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


def compare(data: Data, slow: bool, n_slow: int | None = None, repetitions: int = 1) -> list[dict]:
    """One row per tool: the least of several repetitions, in turn.

    Wilcoxon runs once, on ``n_slow`` of the references (None: all), its seconds in proportion.
    """
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
    times: dict[str, list[float]] = {tool: [] for tool in work}
    for turn in range(repetitions):
        for tool, (run, references) in work.items():
            if turn and tool.endswith("wilcoxon"):
                continue
            _, seconds = timed(run)
            times[tool].append(seconds * len(every) / len(references))
            print(data.name, tool, f"{times[tool][-1]:.1f} s", flush=True)
    size = {"data": data.name, "cells": adata.n_obs, "genes": adata.n_vars, "groups": len(every)}
    rows = [
        size
        | {"tool": tool, "references_run": len(references), "repetitions": len(times[tool])}
        | {"seconds": min(times[tool]), "slowest": max(times[tool])}
        for tool, (_, references) in work.items()
    ]
    base = {row["tool"]: row["seconds"] for row in rows}
    for row in rows:
        row["tgt_path_over_this"] = base["tgt path"] / row["seconds"]
        row["tgt_refine_over_this"] = base["tgt refine"] / row["seconds"]
    return rows


def main(quick: bool, slow: bool, repetitions: int) -> None:
    """Run and print."""
    if quick:
        rows = compare(simulated(1000, 2000, 6), slow, repetitions=2)
    else:
        rows = compare(retina(), slow, repetitions=repetitions) if here("retina") else []
        rows += compare(simulated(27_499, 13_166), slow, n_slow=1, repetitions=repetitions)
    publish(pd.DataFrame(rows), "tests", quick)


if __name__ == "__main__":
    parser = command(__doc__)
    parser.add_argument("--slow", action="store_true", help="scanpy's Wilcoxon too: minutes")
    parser.add_argument("--repetitions", type=int, default=5, help="of which the fastest counts")
    arguments = parser.parse_args()
    main(arguments.quick, arguments.slow, arguments.repetitions)
