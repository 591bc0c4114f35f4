"""AnnData files in a format of choice."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import pytest


def write_zarr(adata: ad.AnnData, path: Path, version: int) -> None:
    """Write a zarr folder of format 2 or 3; skip the test where anndata (0.11) knows only its own."""
    if "zarr_write_format" in dir(ad.settings):
        with ad.settings.override(zarr_write_format=version):
            adata.write_zarr(path)
    elif version == 2:
        adata.write_zarr(path)
    else:
        pytest.skip("this anndata writes zarr in format 2 only")
