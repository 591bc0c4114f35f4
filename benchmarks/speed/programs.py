"""How long gene programmes take, and what memory: ``python -m benchmarks.speed.programs``.

Learning each kind on simulated cells by `tl.programs`, which learns it from two halves again; explaining in programmes
that are there, the encoder given, every number of them scored and judged, on the retina and on simulated cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anndata as ad
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import logged, read, with_umap
from benchmarks._run import command
from scgce.programs.learn import LEARNED

from .cells import BLOCK, encoded, many_cells, some_cells
from .machine import publish, spent

LEARNING = {False: (100_000, 20_000, 20), True: (2_000, 500, 4)}
SIMULATED = {False: (50_000, 5_000, 50), True: (2_000, 500, 8)}
"""Cells, genes and groups."""
MANY = {False: 40, True: 12}
"""Programmes in which simulated cells are explained."""


def calls(quick: bool) -> Iterator[tuple[str, ad.AnnData, Callable[[], object]]]:
    """What is done, the cells and the call."""
    options = {"programs": "programs", "device": "cpu"}
    n_cells, n_genes, n_groups = LEARNING[quick]
    adata = many_cells(some_cells(n_genes, n_groups, min(n_cells, BLOCK)), n_cells)
    for source in LEARNED:
        yield f"learn, {source}", adata, lambda source=source: scgce.tl.programs(adata, "group", source=source)
    if not quick:
        retina = logged(read("retina"), 1e4)
        sc.pp.highly_variable_genes(retina, n_top_genes=2000)
        with_umap(retina)
        retina.obs["group"] = retina.obs["cell_type"]
        scgce.tl.distill(retina, "X_umap", device="cpu", key_added="X_map")
        scgce.tl.programs(retina, "group", source="profile")
        yield "explain, retina", retina, lambda: scgce.tl.tgt(retina, "group", use_rep="X_map", **options)
    many, encoder = encoded(*SIMULATED[quick])
    scgce.tl.programs(many, "group", source="profile", n_programs=MANY[quick])
    yield "explain", many, lambda: scgce.tl.tgt(many, "group", encoder=encoder, **options)


def measured(what: str, adata: ad.AnnData, call: Callable[[], object]) -> dict[str, object]:
    """One row of the table."""
    _, took = spent(call)
    size = {"cells": adata.n_obs, "genes": adata.n_vars, "groups": adata.obs["group"].nunique()}
    row = {"what": what} | size | {"programs": len(adata.uns["programs"]["names"])}
    return row | {"processor_seconds": took.processor, "GB_beside_X": took.more_GB}


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    publish(pd.DataFrame([measured(*call) for call in calls(quick)]), "programs", quick)
