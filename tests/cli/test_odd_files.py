"""Files as converters leave them: `.raw` in other units than X, names that HDF5 cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import scanpy as sc
from tests.cli.conftest import QUICK


def test_raw_explained_and_x_evaluated(call: Callable, blobs: ad.AnnData, tmp_path: Path) -> None:
    """`.raw` holds logarithms and X scaled values, as in many public files."""
    source, explained = tmp_path / "cells.h5ad", tmp_path / "explained.h5ad"
    blobs.raw = blobs.copy()
    blobs.X = blobs.X.toarray()
    sc.pp.scale(blobs)
    blobs.write_h5ad(source)
    assert call("tgt", "-i", source, "-o", explained, *QUICK, "--raw").code == 0
    scored = ("evaluate", "-i", source, "-e", explained, "-o", tmp_path / "scored.h5ad", "--no-judges")
    refused = call(*scored)
    assert refused.code == 2
    assert "adata.X is not in the units of what was explained: it has negative values" in refused.err
    assert not (tmp_path / "scored.h5ad").exists()
    assert call(*scored, "--raw").code == 0
