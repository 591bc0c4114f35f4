"""AnnData files in a format of choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import pytest


def reread(adata: ad.AnnData, kind: str, folder: Path) -> ad.AnnData:
    """Written and read: to an h5ad file, or as zarr to memory, since its many small files take the time of a test."""
    if kind == "h5ad":
        adata.write_h5ad(folder / "written.h5ad")
        return ad.read_h5ad(folder / "written.h5ad")
    import zarr  # older releases of anndata come without

    store = zarr.storage.MemoryStore()
    write_zarr(adata, store, 2)
    return ad.read_zarr(store)


def write_zarr(adata: ad.AnnData, path: Any, version: int) -> None:
    """Write a zarr folder of format 2 or 3; skip the test where anndata (0.11) knows only its own."""
    if "zarr_write_format" in dir(ad.settings):
        with ad.settings.override(zarr_write_format=version):
            adata.write_zarr(path)
    elif version == 2:
        adata.write_zarr(path)
    else:
        pytest.skip("this anndata writes zarr in format 2 only")
