"""The cells: four public sets, log-normalised, each with its groups, and their halves."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import anndata as ad

from benchmarks._cells import FILES, blood, drawn, here, logged, read

SETS = (*FILES, "pbmc68k")
DONORS = "donors"
"""The split of cells by donors, beside random halves."""


class Task(NamedTuple):
    """Cells that choose genes, and cells that judge them."""

    choose: ad.AnnData
    judge: ad.AnnData


def available() -> list[str]:
    """The sets that are here: one comes with scanpy, three lie beside the project."""
    return [name for name in SETS if name not in FILES or here(name)]


@cache
def cells(name: str) -> ad.AnnData:
    """Log-normalised cells with their groups in ``obs["group"]``; genes seen in fewer than three cells are left out."""
    brought = name not in FILES
    adata = blood() if brought else logged(read(name), 1e4 if name == "retina" else None)
    adata.obs["group"] = adata.obs["bulk_labels" if brought else FILES[name][1]].astype(str).astype("category")
    return adata


def halves(adata: ad.AnnData, seed: int) -> Task:
    """Half of every group's cells, at random, to choose genes; the other half to judge them."""
    first = drawn(adata.obs["group"], 0.5, seed)
    return Task(adata[first].copy(), adata[~first].copy())


def donors(adata: ad.AnnData) -> Task | None:
    """The first donor's cells to choose, the others' to judge, over groups with ten cells on both sides; or None."""
    if "donor" not in adata.obs:
        return None
    first = (adata.obs["donor"] == sorted(adata.obs["donor"].unique())[0]).to_numpy()
    counts = [adata.obs["group"][side].value_counts() for side in (first, ~first)]
    shared = [name for name in adata.obs["group"].cat.categories if min(count[name] for count in counts) >= 10]
    kept = adata.obs["group"].isin(shared).to_numpy()
    return Task(adata[first & kept].copy(), adata[~first & kept].copy())
