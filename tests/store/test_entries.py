from __future__ import annotations

import copy
from enum import Enum
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from tests._files import write_zarr

import scgce
from scgce.store.entries import read_result, write_result

NAMES = ["CD4+/CD25 T Reg", "B/1", "ü"]


@pytest.fixture
def result() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "params": {"groupby": "g", "sparsity": 5, "amplitude": 3.0, "clip": "range", "genes_of": ["a", "b"]},
        "groups": np.array(NAMES, dtype=object),
        "genes": np.array([f"gene{g}" for g in range(60)], dtype=object),
        "deltas": rng.normal(size=(3, 60)).astype(np.float32),
        "correctness": rng.random((3, 3)),
        "coverage": rng.random((3, 3)),
        "epsilon": 0.25,
        "sweep": {"sparsity": np.array([1, 5]), "deltas": sparse.random(6, 60, 0.1, "csr", dtype=np.float32)},
    }


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return set(a) == set(b) and all(_same(a[key], b[key]) for key in a)
    if sparse.issparse(a):
        return (a != b).nnz == 0
    return bool(np.array_equal(a, b))


def test_what_is_written_is_read(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    given = copy.deepcopy(result)
    write_result(blobs, "tgt", result)
    assert _same(result, given)
    found = read_result(blobs, "tgt")
    assert found["params"].pop("scgce_version") == scgce.__version__
    assert _same(found, given)


@pytest.mark.parametrize("kind", ["h5ad", "zarr2", "zarr3"])
def test_round_trip_through_a_file(blobs: ad.AnnData, result: dict[str, Any], kind: str, tmp_path: Path) -> None:
    write_result(blobs, "tgt", result)
    path = tmp_path / f"stored.{kind}"
    if kind == "h5ad":
        blobs.write_h5ad(path)
        again = ad.read_h5ad(path)
    else:
        write_zarr(blobs, path, int(kind[-1]))
        again = ad.read_zarr(path)
    before, after = read_result(blobs, "tgt"), read_result(again, "tgt")
    assert _same(before, after)
    for name, value in before["params"].items():
        assert type(after["params"][name]) is type(value)
    assert after["groups"].tolist() == NAMES
    assert type(after["epsilon"]) is float
    write_result(again, "copy", after)  # what was read can be written again


def test_writing_replaces_the_whole_entry(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    write_result(blobs, "tgt", result)
    del result["sweep"]
    write_result(blobs, "tgt", result)
    assert "sweep" not in blobs.uns["tgt"]


def test_writing_to_a_view_makes_it_a_copy(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    view = blobs[:50]
    with pytest.warns(ad.ImplicitModificationWarning):
        write_result(view, "tgt", result)
    assert not view.is_view
    assert "tgt" not in blobs.uns
    assert read_result(view, "tgt")["params"]["sparsity"] == 5


def test_reading_from_a_view(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    write_result(blobs, "tgt", result)
    assert read_result(blobs[:50], "tgt")["groups"].tolist() == NAMES


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"uns\['tgt'\]\['extra'\] is a NoneType"),
        ((1, 2), "is a tuple"),
        (Path("x"), "Path, which cannot be stored"),
        (Colour.RED, "is a Colour"),
        (torch.ones(2), "is a Tensor"),
        (pd.DataFrame(), "is a DataFrame"),
        (sparse.csc_array(np.eye(2)), "is a csc_array"),
        ([1, 2], "is a list of something else than strings"),
        (np.array([1, "a"], dtype=object), "object array that holds something else"),
        ({"a/b": 1}, "has the key 'a/b'"),
        ({3: 1}, "has the key 3"),
        ({"deep": {"deeper": None}}, r"\['extra'\]\['deep'\]\['deeper'\] is a NoneType"),
    ],
)
def test_what_no_file_can_hold_is_refused(blobs: ad.AnnData, result: dict[str, Any], value: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        write_result(blobs, "tgt", {**result, "extra": value})
    assert "tgt" not in blobs.uns


# --- refusals when reading ------------------------------------------------------------------------------------------


def test_nothing_there(blobs: ad.AnnData) -> None:
    with pytest.raises(KeyError, match=r"key='tgt' not in the scgce results of adata.uns; found: none; run scgce\.tl"):
        read_result(blobs, "tgt")


def test_other_results_are_listed(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    write_result(blobs, "tgt_rna", result)
    write_result(blobs, "embedding", {"params": {"method": "scvis"}})
    blobs.uns["leiden"] = {"params": {"resolution": 1.0}}
    with pytest.raises(KeyError, match="key='tgt' not in .*; found: tgt_rna; did you mean"):
        read_result(blobs, "tgt")


@pytest.mark.parametrize("entry", ["text", np.ones(3), {"a": 1}, {"params": "x"}])
def test_foreign_entries(blobs: ad.AnnData, entry: Any) -> None:
    blobs.uns["tgt"] = entry
    with pytest.raises(ValueError, match=r"adata\.uns\['tgt'\] was not written by scgce"):
        read_result(blobs, "tgt")


def test_missing_fields_are_named(blobs: ad.AnnData, result: dict[str, Any]) -> None:
    del result["epsilon"], result["deltas"]
    write_result(blobs, "tgt", result)
    with pytest.raises(ValueError, match="not a complete scgce explanation; missing: deltas, epsilon"):
        read_result(blobs, "tgt")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("deltas", np.ones((2, 60)), r"\['deltas'\] has shape \(2, 60\); expected \(3, 60\)"),
        ("deltas", np.ones(60), r"has shape \(60,\)"),
        ("deltas", "gone", "has shape None"),
        ("genes", np.array(["a"], dtype=object), r"expected \(3, 1\) for 3 groups and 1 genes"),
        ("genes", np.empty((2, 2), dtype="U1"), r"\['genes'\] has shape \(2, 2\)"),
        ("genes", np.empty(0, dtype="U1"), r"\['genes'\] has shape \(0,\)"),
        ("groups", np.array("B"), r"\['groups'\] has shape \(\)"),
        ("correctness", np.ones((3, 2)), r"\['correctness'\] has shape \(3, 2\); expected \(3, 3\)"),
        ("coverage", np.ones(3), r"\['coverage'\] has shape"),
        ("epsilon", np.ones(2), r"\['epsilon'\] is array.*expected one number"),
    ],
)
def test_fields_that_do_not_fit(
    blobs: ad.AnnData, result: dict[str, Any], field: str, value: Any, message: str
) -> None:
    write_result(blobs, "tgt", {**result, field: value})
    with pytest.raises(ValueError, match=message):
        read_result(blobs, "tgt")
