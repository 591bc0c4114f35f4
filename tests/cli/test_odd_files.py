"""Files as converters leave them: `.raw` in other units than X, names that HDF5 cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import sparse
from tests.cli.conftest import QUICK

from scgce.cli._errors import WriteError
from scgce.cli._trial import check_contents


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


def converted(cells: ad.AnnData, path: Path) -> None:
    """A file whose `.raw` has a column called `_index` beside its index, as converters from R leave it."""
    raw = cells.copy()
    raw.var["rownames"] = np.array(raw.var_names)
    cells.raw = raw
    cells.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        var = file["raw/var"]
        var.move("_index", "names")
        var.move("rownames", "_index")
        var.attrs["_index"] = "names"
        var.attrs["column-order"] = np.array(["_index"], dtype=object)
    assert "_index" in ad.read_h5ad(path).raw.var


COMMANDS: dict[str, tuple[str, ...]] = {
    "tgt": QUICK,
    "panel": ("--groupby", "group", "--n-genes", "4"),
    "programs": ("--groupby", "group"),
    "embed": ("--use-rep", "X_pca"),
    "evaluate": (),
    "rank-genes": (),
    "evidence": (),
    "stability": (),
}


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_no_file_can_hold_is_named_before_the_work(
    call: Callable, blobs: ad.AnnData, tmp_path: Path, name: str, suffix: str
) -> None:
    converted(blobs, tmp_path / "cells.h5ad")
    output = tmp_path / f"out{suffix}"
    refused = call(name, "-i", tmp_path / "cells.h5ad", "-o", output, *COMMANDS[name])
    assert refused.code == 4, refused.err
    assert "adata.raw.var['_index'] cannot be written: '_index' is a reserved name" in refused.err
    assert "tl." not in refused.err and not output.exists()
    if name == "tgt":  # .raw becomes var
        refused = call(name, "-i", tmp_path / "cells.h5ad", "-o", output, *COMMANDS[name], "--raw")
        assert refused.code == 4 and "adata.var['_index'] cannot be written" in refused.err


SLASH = r"{}\['a/b'\] cannot be written: the name has a '/'"
MIXED = np.array([1, "a"] * 150, dtype=object)
UNWRITABLE: dict[str, tuple[Callable[[ad.AnnData], object], str]] = {
    "mixed column of obs": (lambda a: a.obs.__setitem__("mixed", MIXED), r"obs\['mixed'\]"),
    "reserved column of obs": (lambda a: a.obs.__setitem__("_index", 1), r"obs\['_index'\]"),
    "reserved column of var": (lambda a: a.var.__setitem__("_index", 1), r"var\['_index'\]"),
    "name with a slash": (
        lambda a: a.obsm.__setitem__("a/b", np.ones((300, 2))),
        SLASH.format("obsm"),
    ),
    "layer with a slash": (
        lambda a: a.layers.__setitem__("a/b", a.X.copy()),
        SLASH.format("layers"),
    ),
    "object in uns": (lambda a: a.uns.__setitem__("model", {"inner": {"it": object()}}), r"uns\['model'\]\['inner'\]"),
    "mixed column in obsm": (
        lambda a: a.obsm.__setitem__("X_f", pd.DataFrame({"m": MIXED}, index=a.obs_names)),
        r"obsm\['X_f'\]\['m'\]",
    ),
}


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
@pytest.mark.parametrize("kind", UNWRITABLE)
def test_an_element_that_cannot_be_written_is_named(blobs: ad.AnnData, tmp_path: Path, kind: str, suffix: str) -> None:
    if suffix == ".zarr" and kind.startswith("mixed"):
        pytest.skip("zarr turns mixed columns into text")
    spoil, said = UNWRITABLE[kind]
    spoil(blobs)
    with pytest.raises(WriteError, match=rf"output='.*out{suffix}': adata\.{said}"):
        check_contents(blobs, tmp_path / f"out{suffix}")


def test_what_can_be_written_passes(blobs: ad.AnnData, tmp_path: Path) -> None:
    blobs.raw = blobs.copy()
    blobs.obs["a/b"] = "CD4+/CD25"
    blobs.uns["nested"] = {"deeper": {"values": np.arange(3), "text": "x"}}
    blobs.obsp["connectivities"] = sparse.eye(300, format="csr")
    check_contents(blobs, tmp_path / "out.h5ad")
    del blobs.obs["a/b"]  # which zarr cannot hold
    check_contents(blobs, tmp_path / "out.zarr")


@pytest.mark.parametrize(
    "option, value", [("--key", "nothing"), ("--gene-symbols", "nothing"), ("--basis", "X_nothing")]
)
def test_a_name_that_is_not_there_is_no_failure_of_writing(
    call: Callable, explained_file: Path, tmp_path: Path, option: str, value: str
) -> None:
    done = call("report", "-i", explained_file, "-o", tmp_path / "page.html", option, value)
    assert done.code not in (0, 4)
    assert "cannot be written" not in done.err and value in done.err
    assert not (tmp_path / "page.html").exists()
