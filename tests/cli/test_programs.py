"""``scgce programs``: from file to file what `tl.programs` does, and tables beside it."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import scgce

MEMBERS = {"first": [f"gene{g}" for g in range(6)], "second": [f"gene{g}" for g in range(4, 12)]}


def written(folder: Path, kind: str) -> Path:
    """The two sets as a file of one kind."""
    path = folder / f"sets.{kind.partition(' ')[0]}"
    net = pd.DataFrame(
        [(name, gene) for name, genes in MEMBERS.items() for gene in genes], columns=["source", "target"]
    )
    if kind == "gmt":
        path.write_text("".join(f"{name}\t\t{chr(9).join(genes)}\n" for name, genes in MEMBERS.items()))
    elif kind == "tsv net":
        net.to_csv(path, sep="\t", index=False)
    else:
        pd.crosstab(net["target"], net["source"]).to_csv(path, sep="," if kind.startswith("csv") else "\t")
    return path


@pytest.mark.parametrize("kind", ["gmt", "tsv net", "csv loadings", "txt loadings"])
def test_files_are_sources(call: Callable, cells_file: Path, blobs: ad.AnnData, kind: str) -> None:
    folder = cells_file.parent
    options = ("-g", "group", "--n-programs", 3, "--source", written(folder, kind))
    done = call("programs", "-i", cells_file, "-o", folder / "out.h5ad", *options)
    assert done.code == 0, done.err
    scgce.tl.programs(blobs, "group", source=MEMBERS, n_programs=3)
    found = ad.read_h5ad(folder / "out.h5ad")
    np.testing.assert_array_equal(found.varm["programs"].toarray(), blobs.varm["programs"].toarray())


def test_tables_are_those_of_get_and_the_genes_are_a_source_again(call: Callable, cells_file: Path) -> None:
    folder = cells_file.parent
    options = ("-g", "group", "-s", "profile", "--n-programs", 4, "--annotate", written(folder, "gmt"))
    done = call(
        "programs", "-i", cells_file, "-o", folder / "out.h5ad", *options, "-t", "-", "--genes", folder / "g.tsv"
    )
    assert done.code == 0, done.err
    stored = ad.read_h5ad(folder / "out.h5ad")
    expected = scgce.get.programs(stored, annotate=MEMBERS)
    pd.testing.assert_frame_equal(
        pd.read_csv(StringIO(done.out), sep="\t", keep_default_na=False, na_values="NA"),
        expected,
        rtol=1e-5,
        check_dtype=False,
    )
    done = call("programs", "-i", cells_file, "-o", folder / "again.zarr", "-s", folder / "g.tsv", "--no-rest")
    assert done.code == 0, done.err
    again = ad.read_zarr(folder / "again.zarr")
    np.testing.assert_allclose(again.varm["programs"].toarray(), stored.varm["programs"].toarray(), rtol=1e-6)
    assert list(again.uns["programs"]["names"]) == list(stored.uns["programs"]["names"])


def test_modules_in_a_table_are_read(call: Callable, cells_file: Path) -> None:
    folder = cells_file.parent
    pd.Series([0] * 6 + [1] * 6 + [-1], index=[f"gene{g}" for g in range(13)], name="module").to_csv(folder / "m.csv")
    done = call("programs", "-i", cells_file, "-o", folder / "out.h5ad", "-s", folder / "m.csv", "--no-rest")
    assert done.code == 0, done.err
    assert list(ad.read_h5ad(folder / "out.h5ad").uns["programs"]["names"]) == ["module 0", "module 1"]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--source", "nowhere"), 2, "source='nowhere' not in adata.varm"),
        (("--source", "no.gmt"), 3, "source='no.gmt': there is no such file"),
        (("--source", "no.tsv"), 3, "source='no.tsv' cannot be read"),
        (("--source", "hallmark"), 2, "source leaves no programme"),
        (("--source", "profile"), 2, "at least two groups"),
        (("--n-programs", "many"), 2, "n_programs='many': expected auto or a whole number"),
        (("--annotate", "hallmark"), 2, "add --table"),
    ],
)
def test_what_cannot_be_done_is_said(call: Callable, cells_file: Path, options: tuple, code: int, message: str) -> None:
    done = call("programs", "-i", cells_file, "-o", cells_file.parent / "out.h5ad", *options)
    assert done.code == code and message in done.err
    assert not (cells_file.parent / "out.h5ad").exists()


def test_hallmark_is_at_hand(call: Callable, cells_file: Path, blobs: ad.AnnData) -> None:
    blobs.var_names = scgce.datasets.hallmark()["HALLMARK_HYPOXIA"][: blobs.n_vars]
    blobs.write_h5ad(cells_file)
    done = call("programs", "-i", cells_file, "-o", cells_file.parent / "out.h5ad", "-s", "hallmark", "--no-rest")
    assert done.code == 0, done.err
    assert "HALLMARK_HYPOXIA" in ad.read_h5ad(cells_file.parent / "out.h5ad").uns["programs"]["names"]
