"""A GPU beside the CPU on the same cells: ``python -m benchmarks.speed.gpu``.

The read of X alone (product and group sums), and the whole of ``tl.tgt``, six sparsities, metrics and judges included:
the path or the refinement with the encoder given, or the default, which trains a student of a map. Needs a CUDA device;
``--quick`` runs small, and on the CPU alone where there is none.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import torch

import scgce
from benchmarks._run import command
from scgce.encoders import Encoder
from scgce.matrix.arrays import project_and_sum

from .cells import encoded
from .machine import SWEEP, publish, timed

SIZES = {"path": (50_000, 10_000, 20), "refine": (20_000, 20_000, 20), "student": (20_000, 20_000, 10)}
"""Cells, genes and groups."""
QUICK = (4_000, 400, 4)


def compared(method: str, size: tuple[int, int, int], devices: list[str]) -> pd.DataFrame:
    """A row for every device, with how far they agree if there are two."""
    adata, encoder = encoded(*size)
    options: dict[str, Any] = {"encoder": encoder, "method": method}
    if method == "student":
        adata.obsm["X_map"] = np.tanh(encoder(adata.X)[:, :2])
        options = {"use_rep": "X_map", "method": "refine"}
    table = pd.DataFrame([row(adata, encoder, device, options) for device in devices]).assign(method=method)
    if len(devices) == 2:
        table = table.assign(**agreement(adata, *devices))
    return table.assign(**dict(zip(("cells", "genes", "groups"), size, strict=True)))


def row(adata: ad.AnnData, encoder: Encoder, device: str, options: dict[str, Any]) -> dict[str, Any]:
    """One device: the read alone, then everything; what it chose stays in ``adata.uns[device]``."""
    codes = adata.obs["group"].cat.codes.to_numpy(np.int64)
    where = (encoder.W, encoder.b, codes, int(codes.max()) + 1)
    read = partial(project_and_sum, adata.X, *where, device=torch.device(device))
    read()  # compiles, or starts the device
    _, reading = timed(read)
    given = {"sparsity": SWEEP, "device": device, "key_added": device, **options}
    _, seconds = timed(lambda: scgce.tl.tgt(adata, "group", **given))
    size = adata.X.data.nbytes + adata.X.indices.nbytes
    return {"device": device, "read_seconds": reading, "read_GB_per_s": size / reading / 1e9, "tgt_seconds": seconds}


def agreement(adata: ad.AnnData, one: str, other: str) -> dict[str, float]:
    """Share of the genes of all pairs that both devices name, and the largest difference of an amount."""
    found = [scgce.get.pairs(adata, key=key).set_index(["source", "target", "gene"])["delta"] for key in (one, other)]
    both = pd.concat(found, axis=1, keys=["one", "other"])
    apart = (both["one"].fillna(0.0) - both["other"].fillna(0.0)).abs()
    return {"same_genes": float(both.notna().all(axis=1).mean()), "largest_difference": float(apart.max())}


if __name__ == "__main__":
    quick = command(__doc__, "quick").parse_args().quick
    devices = [*(["cuda"] if torch.cuda.is_available() else []), "cpu"]
    if len(devices) == 1 and not quick:
        raise SystemExit("there is no CUDA device; --quick runs on the CPU alone")
    found = [compared(method, QUICK if quick else size, devices) for method, size in SIZES.items()]
    publish(pd.concat(found), "gpu", quick)
