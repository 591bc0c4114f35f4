"""How long gene programmes take, and what memory: ``python -m benchmarks.speed.programs``.

``learning``: each kind by itself, and `tl.programs`. ``sweep``: `tl.tgt` with an encoder and programmes that are there,
every number of programmes scored, on simulated cells and on the retina. ``--parts`` takes one of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

import scgce
from benchmarks._cells import logged, read, with_umap
from scgce.programs import FittingCells, learn_programs
from scgce.programs.learn import LEARNED

from .cells import encoder_of, many_cells, some_cells
from .machine import command, peak_memory, publish, timed

SIZE = {False: (100_000, 20_000, 20), True: (2_000, 500, 4)}
SWEEP = {False: (50_000, 5_000, 50, 40), True: (2_000, 500, 8, 12)}
"""Cells, genes, groups and, of the sweep, programmes."""


def learning(quick: bool) -> pd.DataFrame:
    """Seconds and memory beyond X of each kind alone, and of `tl.programs`, which learns it from two halves again."""
    n_cells, n_genes, n_groups = SIZE[quick]
    adata = _named(many_cells(some_cells(n_genes, n_groups, min(n_cells, 10_000)), n_cells))
    codes = adata.obs["group"].cat.codes.to_numpy().astype(np.int64)
    genes = adata.var_names.to_numpy().astype(object)
    cells = FittingCells(adata.X, codes, np.arange(adata.n_obs))
    rows = []
    for source in LEARNED:
        with peak_memory() as memory:
            found, seconds = timed(lambda source=source: learn_programs(cells, genes, source=source))
        _, whole = timed(lambda source=source: scgce.tl.programs(adata, "group", source=source))
        rows.append(
            {
                "source": source,
                "cells": adata.n_obs,
                "genes": adata.n_vars,
                "programs": found.n,
                "seconds": seconds,
                "seconds_tl": whole,
                "GB_beside_X": memory["more_GB"],
            }
        )
    return pd.DataFrame(rows)


def sweep(quick: bool) -> pd.DataFrame:
    """Seconds, CPU seconds and memory beyond X of an explanation in programmes, with and without judges."""
    rows = []
    for name, adata, groupby, options in _explained(quick):
        for judges in (False, True):
            start = time.process_time()
            with peak_memory() as memory:
                _, seconds = timed(
                    lambda a=adata, g=groupby, o=options, j=judges: scgce.tl.tgt(
                        a, g, programs="programs", judges=j, device="cpu", **o
                    )
                )
            rows.append(
                {
                    "cells of": name,
                    "cells": adata.n_obs,
                    "genes": adata.n_vars,
                    "groups": adata.obs[groupby].nunique(),
                    "programs": len(adata.uns["programs"]["names"]),
                    "judges": judges,
                    "seconds": seconds,
                    "CPU_seconds": time.process_time() - start,
                    "GB_beside_X": memory["more_GB"],
                }
            )
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
    n_cells, n_genes, n_groups, n_programs = SWEEP[quick]
    some = some_cells(n_genes, n_groups, min(n_cells, 10_000))
    encoder, adata = encoder_of(some), _named(many_cells(some, n_cells))
    scgce.tl.programs(adata, "group", source="profile", n_programs=n_programs)
    yield "simulation", adata, "group", {"encoder": encoder}


def _named(adata: ad.AnnData) -> ad.AnnData:
    adata.obs_names = [f"cell{i}" for i in range(adata.n_obs)]
    return adata


PARTS: dict[str, Callable[[bool], pd.DataFrame]] = {"learning": learning, "sweep": sweep}


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS), metavar="PART")
    asked = parser.parse_args()
    for part in asked.parts:
        publish(PARTS[part](asked.quick), f"programs_{part}", asked.quick)


if __name__ == "__main__":
    main()
