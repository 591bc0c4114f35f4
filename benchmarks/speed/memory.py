"""``tl.tgt`` on more cells than memory holds: ``python -m benchmarks.speed.memory``.

The cells lie in an h5ad file; a process whose memory the operating system bounds (``RLIMIT_DATA``) reads them lazily,
as dask chunks of CSR or with ``backed="r"``. The same bound is shown to refuse reading X as a whole.
"""

from __future__ import annotations

import resource
import tempfile
from functools import partial
from pathlib import Path

import anndata as ad
import dask
import h5py
import numpy as np
import pandas as pd

import scgce
from benchmarks._run import command, side_by_side
from scgce.encoders import load_safetensors, save_safetensors

from .cells import BLOCK, encoder_of, many_cells, some_cells
from .machine import publish, size_of, spent, timed

SIZE = {False: (1_000_000, 5_000, 20), True: (20_000, 500, 4)}
LIMIT = 1.75
"""GB of memory that the process may allocate."""
WAYS = ("dask", "backed", "in memory")
CHUNK = 20_000
SWEEP = [5, 10, 20, 50]


def write(folder: Path, n_cells: int, n_genes: int, n_groups: int) -> float:
    """cells.h5ad and encoder.safetensors; returns the GB of X."""
    some = some_cells(n_genes, n_groups, min(n_cells, BLOCK))
    save_safetensors(encoder_of(some), folder / "encoder.safetensors")
    adata = many_cells(some, n_cells)
    adata.write_h5ad(folder / "cells.h5ad")
    return size_of(adata)


def read(file: Path, way: str) -> ad.AnnData:
    """The cells, X in one of the `WAYS`."""
    if way == "in memory":
        return ad.read_h5ad(file)
    if way == "backed":
        return ad.read_h5ad(file, backed="r")
    h5 = h5py.File(file)
    obs, var = ad.io.read_elem(h5["obs"]), ad.io.read_elem(h5["var"])
    return ad.AnnData(ad.experimental.read_elem_lazy(h5["X"], chunks=(CHUNK, len(var))), obs=obs, var=var)


def limited(job: tuple[str, float], folder: Path) -> dict[str, float | str]:
    """`measure` under a limit, and what stopped it, if something did; for a process of its own."""
    way, limit = job
    dask.config.set(scheduler="threads", num_workers=2)
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (int(1e9 * limit), int(1e9 * limit)))
    row: dict[str, float | str] = {"X": way, "limit_GB": limit or np.nan}
    try:
        return row | measure(folder, way)
    except MemoryError as error:
        return row | {"stopped_by": type(error).__name__}


def measure(folder: Path, way: str) -> dict[str, float]:
    """Seconds and peak memory of one call."""
    options = {"encoder": load_safetensors(folder / "encoder.safetensors"), "sparsity": SWEEP, "device": "cpu"}

    def explained() -> tuple[ad.AnnData, float]:
        adata = read(folder / "cells.h5ad", way)
        return adata, timed(lambda: scgce.tl.tgt(adata, "group", method="path", **options))[1]

    (adata, seconds), took = spent(explained)
    amounts = float(np.abs(scgce.get.deltas(adata).to_numpy()).sum())
    return {"seconds": seconds, "peak_GB": took.peak_GB, "sum_of_amounts": amounts}


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    n_cells, n_genes, n_groups = SIZE[quick]
    jobs = [*((way, LIMIT) for way in WAYS), ("in memory", 0.0)]
    with tempfile.TemporaryDirectory() as name:
        first = {"cells": n_cells, "genes": n_genes, "size_of_X_GB": write(Path(name), n_cells, n_genes, n_groups)}
        rows = [first | row for _, row in side_by_side(partial(limited, folder=Path(name)), jobs, 1)]
    publish(pd.DataFrame(rows), "memory", quick)
