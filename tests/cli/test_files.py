from __future__ import annotations

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scgce.cli._errors import ReadError, UsageError, WriteError
from scgce.cli._files import check_output, check_place, read, write


@pytest.mark.parametrize("suffix", [".h5ad", ".zarr"])
def test_round_trip_replaces_what_was_there(blobs: ad.AnnData, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cells{suffix}"
    write(blobs, path)
    write(blobs[:50].copy(), path)
    found = read(path)
    assert found.shape == (50, 60)
    np.testing.assert_array_equal(found.X.toarray(), blobs[:50].X.toarray())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_read_takes_raw(blobs: ad.AnnData, tmp_path: Path) -> None:
    blobs.raw = blobs.copy()
    write(blobs[:, :5].copy(), tmp_path / "cells.h5ad")
    assert read(tmp_path / "cells.h5ad").n_vars == 5
    assert read(tmp_path / "cells.h5ad", raw=True).n_vars == 60


def test_read_says_that_there_is_no_raw(cells_file: Path) -> None:
    with pytest.raises(UsageError, match=r"has no \.raw"):
        read(cells_file, raw=True)


def test_read_names_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"explanation='.*none\.h5ad' does not exist"):
        read(tmp_path / "none.h5ad", name="explanation")


@pytest.mark.parametrize("name", ["cells.csv", "cells", "cells.h5ad.gz"])
def test_other_formats_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"expected a name ending in \.h5ad or \.zarr"):
        read(tmp_path / name)
    with pytest.raises(UsageError, match=r"output=.* expected a name ending in"):
        check_output(tmp_path / name)


@pytest.mark.parametrize("damage", ["text", "truncated", "empty", "folder"])
def test_damaged_files_are_one_error(cells_file: Path, damage: str) -> None:
    content = cells_file.read_bytes()
    if damage == "folder":
        cells_file.unlink()
        cells_file.mkdir()
    else:
        cells_file.write_bytes({"text": b"not a file", "truncated": content[: len(content) // 2], "empty": b""}[damage])
    with pytest.raises(ReadError, match="cannot be read as AnnData") as caught:
        read(cells_file)
    assert "\n" not in str(caught.value)


def test_damaged_zarr_is_one_error(blobs: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.zarr"
    write(blobs, path)
    for chunk in (path / "X").rglob("c/0"):
        chunk.write_bytes(b"junk")
    for chunk in (path / "X").rglob("0"):
        chunk.write_bytes(b"junk")
    with pytest.raises(ReadError, match="cannot be read as AnnData"):
        read(path)


def test_the_input_is_never_the_output(cells_file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.h5ad"
    link.symlink_to(cells_file)
    for output in (cells_file, link, tmp_path / "." / "cells.h5ad"):
        with pytest.raises(WriteError, match="would overwrite input"):
            check_output(output, cells_file)
    with pytest.raises(WriteError, match="would overwrite input"):
        check_output(tmp_path / "in.zarr" / "out.h5ad", tmp_path / "in.zarr")
    check_output(tmp_path / "other.h5ad", cells_file)


def test_output_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="does not exist"):
        check_output(tmp_path / "none" / "out.h5ad")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_output_needs_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="no permission"):
        check_place(tmp_path / "out.html")
    tmp_path.chmod(0o700)


def test_a_folder_that_is_not_zarr_is_not_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.zarr"
    precious.mkdir()
    (precious / "chapter1.txt").write_text("years of work")
    with pytest.raises(WriteError, match="not one of zarr"):
        check_output(precious)


def test_failed_write_leaves_the_old_file(blobs: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "cells.h5ad"
    path.write_bytes(b"old")
    blobs.uns["unwritable"] = {"x": object()}
    with pytest.raises(Exception, match="No method registered"):
        write(blobs, path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.h5ad"]
