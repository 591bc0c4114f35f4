"""How long learning gene programmes takes, and what memory: ``python -m benchmarks.speed.programs``."""

from __future__ import annotations

import argparse
import warnings

import anndata as ad
import numpy as np
import pandas as pd

import scgce
from scgce.programs import FittingCells, learn_programs
from scgce.programs.learn import LEARNED

from .cells import many_cells, some_cells
from .machine import peak_memory, publish, timed

SIZE = {False: (100_000, 20_000, 20), True: (2_000, 500, 4)}


def measure(adata: ad.AnnData) -> pd.DataFrame:
    """Seconds and memory beyond X of each kind alone, and of `tl.programs`, which learns it from two halves again."""
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
                "GB_beside_X": (memory["peak"] - memory["before"]) / 1e9,
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few cells and genes; nothing is kept")
    quick = parser.parse_args().quick
    n_cells, n_genes, n_groups = SIZE[quick]
    adata = many_cells(some_cells(n_genes, n_groups, min(n_cells, 10_000)), n_cells)
    adata.obs_names = [f"cell{i}" for i in range(n_cells)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        publish(measure(adata), "programs", quick)


if __name__ == "__main__":
    main()
