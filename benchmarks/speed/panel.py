"""``tl.panel`` on many cells: ``python -m benchmarks.speed.panel [--quick]``.

Simulated sparse cells, a panel of 50 genes with its scores and judges. Memory is what the call takes beside X.
"""

from __future__ import annotations

import os

import pandas as pd

import scgce
from benchmarks._run import command

from .cells import many_cells, some_cells
from .machine import publish, size_of, spent

SIZES = {False: ((10_000, 5_000, 10), (30_000, 20_000, 20), (100_000, 20_000, 50)), True: ((2_000, 1_000, 5),)}
N_GENES = 50


def measure(n_cells: int, n_genes: int, n_groups: int) -> dict[str, float]:
    """One row of the table."""
    adata = many_cells(some_cells(n_genes, n_groups, min(n_cells, 10_000)), n_cells)
    _, took = spent(lambda: scgce.tl.panel(adata, "group", N_GENES))
    row = {"cells": n_cells, "genes": n_genes, "groups": n_groups, "cores": len(os.sched_getaffinity(0))}
    row |= {"seconds": took.seconds, "processor seconds": took.processor, "X [GB]": size_of(adata)}
    return row | {"beside X [GB]": took.more_GB, "accuracy": scgce.get.panel(adata, key="panel")["accuracy"].iloc[-1]}


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    scgce.tl.panel(some_cells(200, 3, 300), "group", 5)  # compiles what is compiled on first use
    publish(pd.DataFrame([measure(*size) for size in SIZES[quick]]), "panel", quick)
