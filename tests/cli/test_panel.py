"""``scgce panel`` is `tl.panel` from file to file, with a table beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import pandas as pd

import scgce


def test_a_panel_from_file_to_file(call: Callable, cells_file: Path, blobs: ad.AnnData, tmp_path: Path) -> None:
    fixed = blobs.var_names[3]
    options = ("-g", "group", "-n", 4, "--fixed", fixed, "--seed", 3, "--table", tmp_path / "panel.tsv")
    done = call("panel", "-i", cells_file, "-o", tmp_path / "out.h5ad", *options)
    assert done.code == 0, done.err
    expected = ad.read_h5ad(cells_file)
    scgce.tl.panel(expected, "group", 4, fixed=[fixed], rng=3)
    frame = scgce.get.panel(expected, key="panel")
    pd.testing.assert_frame_equal(scgce.get.panel(ad.read_h5ad(tmp_path / "out.h5ad"), key="panel"), frame)
    table = pd.read_csv(tmp_path / "panel.tsv", sep="\t")
    assert table["gene"].tolist() == frame["gene"].tolist() and table["gene"][0] == fixed
    assert call("panel", "-i", cells_file, "-o", tmp_path / "b.h5ad", "-g", "group", "-n", "few").code == 2
    assert call("panel", "-i", cells_file, "-o", tmp_path / "b.h5ad", "-g", "group", "--table", "a.csv").code == 2


def test_genes_are_named_by_a_column(call: Callable, blobs: ad.AnnData, tmp_path: Path) -> None:
    blobs.var["feature_name"] = [f"SYM{g}" for g in range(blobs.n_vars)]
    blobs.write_h5ad(tmp_path / "cells.h5ad")
    options = ("-g", "group", "-n", 3, "--fixed", "SYM7", "--table", tmp_path / "panel.tsv")
    command = ("panel", "-i", tmp_path / "cells.h5ad", "-o", tmp_path / "out.h5ad", *options)
    done = call(*command, "--gene-symbols", "feature_name")
    assert done.code == 0, done.err
    table = pd.read_csv(tmp_path / "panel.tsv", sep="\t")
    assert table["gene"][0] == blobs.var_names[7] and table["feature_name"][0] == "SYM7"
    refused = call(*command)
    assert refused.code == 2 and "gene_symbols='feature_name'" in refused.err
