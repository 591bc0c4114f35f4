"""A GPU beside the CPU on the same cells: ``python -m benchmarks.speed.gpu``.

The read of X (product and group sums; seconds, and bytes of X a second beside what copying the same bytes to the device
takes) and the whole of ``tl.tgt``, six sparsities, metrics and judges included: the path or the refinement with the
encoder given, or the default, which trains a student of a map. Needs a CUDA device; ``--quick`` runs small, and on the
CPU alone where there is none.
"""

from __future__ import annotations

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

SIZE = {False: (1_000_000, 20_000, 50), True: (4_000, 400, 4)}
METHODS: dict[str, dict[str, Any]] = {
    "path": {"method": "path"},
    "refine": {"method": "refine"},
    "student": {"use_rep": "X_map", "method": "refine"},
}


def rows(adata: ad.AnnData, encoder: Encoder, device: str, method: str) -> dict[str, Any]:
    """One device: the read alone, then everything; what it chose stays in ``adata.uns[device]``."""
    codes = adata.obs["group"].cat.codes.to_numpy(np.int64)
    W, b, where = encoder.W, encoder.b, torch.device(device)
    read = lambda: project_and_sum(adata.X, W, b, codes, int(codes.max()) + 1, device=where)  # noqa: E731
    read()  # compiles, or starts the device
    _, reading = timed(read)
    options = {"sparsity": SWEEP, "device": device, "key_added": device, **METHODS[method]}
    options |= {} if "use_rep" in options else {"encoder": encoder}
    _, seconds = timed(lambda: scgce.tl.tgt(adata, "group", **options))
    size = adata.X.data.nbytes + adata.X.indices.nbytes
    found = {"device": device, "method": method, "read_seconds": reading, "read_GB_per_s": size / reading / 1e9}
    return found | {"copy_GB_per_s": copying(size, where), "tgt_seconds": seconds}


def copying(size: int, device: torch.device) -> float:
    """GB a second from pinned memory to the device, NaN for the CPU."""
    if device.type != "cuda":
        return float("nan")
    block = torch.empty(min(size, 2**30), dtype=torch.uint8).pin_memory()

    def copy() -> None:
        block.to(device, non_blocking=True)
        torch.cuda.synchronize(device)

    copy()
    return block.nbytes / timed(copy)[1] / 1e9


def agreement(adata: ad.AnnData, one: str, other: str) -> dict[str, float]:
    """Share of the genes of all pairs that both devices name, and the largest difference of an amount."""
    pairs = ["source", "target", "gene"]
    both = scgce.get.pairs(adata, key=one).merge(
        scgce.get.pairs(adata, key=other), on=pairs, how="outer", suffixes=("", "_other")
    )
    same = both["delta"].notna() & both["delta_other"].notna()
    apart = (both["delta"].fillna(0.0) - both["delta_other"].fillna(0.0)).abs()
    return {"same_genes": float(same.mean()), "largest_difference": float(apart.max())}


if __name__ == "__main__":
    parser = command(__doc__, "quick")
    parser.add_argument("--method", default="path", choices=tuple(METHODS))
    for name, most, least in zip(("cells", "genes", "groups"), *SIZE.values(), strict=True):
        parser.add_argument(f"--{name}", type=int, help=f"by default {most:,}, or {least:,} with --quick")
    asked = parser.parse_args()
    devices = [*(["cuda"] if torch.cuda.is_available() else []), "cpu"]
    if len(devices) == 1 and not asked.quick:
        raise SystemExit("there is no CUDA device; --quick runs on the CPU alone")
    given = (asked.cells, asked.genes, asked.groups)
    size = [number or default for number, default in zip(given, SIZE[asked.quick], strict=True)]
    adata, encoder = encoded(*size)
    if asked.method == "student":
        adata.obsm["X_map"] = np.tanh(encoder(adata.X)[:, :2])
    table = pd.DataFrame([rows(adata, encoder, device, asked.method) for device in devices])
    if len(devices) == 2:
        table = table.assign(**agreement(adata, *devices))
    table = table.assign(**dict(zip(("cells", "genes", "groups"), size, strict=True)))
    publish(table, f"gpu_{asked.method}", asked.quick)
