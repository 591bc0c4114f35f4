"""How long gene programmes take, and what memory: ``python -m benchmarks.speed.programs``.

``learning``: each kind by itself, and `tl.programs`. ``sweep``: `tl.tgt` with an encoder and programmes that are there,
every number of programmes scored, on simulated cells and on the retina. ``--parts`` takes one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import logged, read, with_umap
from benchmarks._run import command
from scgce.programs import FittingCells, learn_programs
from scgce.programs.learn import LEARNED

from .cells import encoded, many_cells, some_cells
from .machine import publish, spent, timed

SIZE = {False: (100_000, 20_000, 20), True: (2_000, 500, 4)}
SWEEP = {False: (50_000, 5_000, 50, 40), True: (2_000, 500, 8, 12)}
"""Cells, genes, groups and, of the sweep, programmes."""


def learning(quick: bool) -> pd.DataFrame:
    """Seconds and memory beyond X of each kind alone, and of `tl.programs`, which learns it from two halves again."""
    n_cells, n_genes, n_groups = SIZE[quick]
    adata = many_cells(some_cells(n_genes, n_groups, min(n_cells, 10_000)), n_cells)
    cells = FittingCells(adata.X, adata.obs["group"].cat.codes.to_numpy(np.int64), np.arange(n_cells))
    genes, rows = adata.var_names.to_numpy().astype(object), []
    for source in LEARNED:
        found, took = spent(lambda source=source: learn_programs(cells, genes, source=source))
        _, whole = timed(lambda source=source: scgce.tl.programs(adata, "group", source=source))
        row = {"source": source, "cells": n_cells, "genes": n_genes, "programs": found.n, "seconds": took.seconds}
        rows.append(row | {"seconds_tl": whole, "GB_beside_X": took.more_GB})
    return pd.DataFrame(rows)


def sweep(quick: bool) -> pd.DataFrame:
    """Seconds, CPU seconds and memory beyond X of an explanation in programmes, with and without judges."""
    rows = []
    for name, adata, groupby, map_of in _explained(quick):
        for judges in (False, True):
            options = map_of | {"programs": "programs", "judges": judges, "device": "cpu"}
            _, took = spent(lambda a=adata, g=groupby, o=options: scgce.tl.tgt(a, g, **o))
            row = {
                "cells of": name,
                "cells": adata.n_obs,
                "genes": adata.n_vars,
                "groups": adata.obs[groupby].nunique(),
            }
            row |= {"programs": len(adata.uns["programs"]["names"]), "judges": judges, "seconds": took.seconds}
            rows.append(row | {"CPU_seconds": took.processor, "GB_beside_X": took.more_GB})
    return pd.DataFrame(rows)


def _explained(quick: bool) -> Iterator[tuple[str, ad.AnnData, str, dict[str, Any]]]:
    """Cells with programmes, their groups, and what says where the map is."""
    if not quick:
        retina = logged(read("retina"), 1e4)
        sc.pp.highly_variable_genes(retina, n_top_genes=2000)
        with_umap(retina)
        scgce.tl.distill(retina, "X_umap", device="cpu", key_added="X_map")
        scgce.tl.programs(retina, "cell_type", source="profile")
        yield "retina", retina, "cell_type", {"use_rep": "X_map"}
    *size, n_programs = SWEEP[quick]
    adata, encoder = encoded(*size)
    scgce.tl.programs(adata, "group", source="profile", n_programs=n_programs)
    yield "simulation", adata, "group", {"encoder": encoder}


PARTS: dict[str, Callable[[bool], pd.DataFrame]] = {"learning": learning, "sweep": sweep}

if __name__ == "__main__":
    parser = command(__doc__, "quick")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), metavar="PART")
    asked = parser.parse_args()
    for part in asked.parts:
        publish(PARTS[part](asked.quick), f"programs_{part}", asked.quick)
