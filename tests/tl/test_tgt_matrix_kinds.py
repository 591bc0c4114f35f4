"""Every way to hold the matrix gives the same explanation."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pytest
from scipy import sparse
from tests.tl._frozen import frozen

import scgce
from scgce.encoders import encoder_from_uns

OPTIONS = {"use_rep": "X_pca", "sparsity": (2, 5), "judges": False, "method": "path"}
EXACT = ("groups", "genes", "sizes", "split")
CLOSE = ("deltas", "means", "correctness", "coverage", "percent_explained", "epsilon", "center_distance")


@pytest.fixture(scope="module")
def expected(_blobs: ad.AnnData) -> dict[str, Any]:
    return scgce.tl.tgt(_blobs, "group", **OPTIONS, copy=True).uns["tgt"]


def assert_same(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    for field in EXACT:
        np.testing.assert_array_equal(entry[field], expected[field])
    for field in CLOSE:
        size = np.nanmax(np.abs(expected[field]))
        np.testing.assert_allclose(entry[field], expected[field], rtol=0, atol=1e-5 * size, err_msg=field)
    for field, values in expected["sweep"].items():
        found = entry["sweep"][field]
        one, other = (x.toarray() if sparse.issparse(x) else x for x in (found, values))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.nanmax(np.abs(other)), err_msg=field)


OF_A_LAYER = {"numpy-F", "csc-array", "dask-csr"}
"""Kinds that are read from a layer, too."""


def test_every_kind_gives_the_same(
    blobs: ad.AnnData,
    expected: dict[str, Any],
    as_kind: Callable[[sparse.csr_matrix], Any],
    request: pytest.FixtureRequest,
) -> None:
    X = as_kind(blobs.X)
    adata = ad.AnnData(X.to_memory() if hasattr(X, "to_memory") else X, obs=blobs.obs, var=blobs.var)
    adata.obsm["X_pca"], adata.varm["PCs"] = blobs.obsm["X_pca"], blobs.varm["PCs"]
    adata.layers["kind"] = adata.X
    scgce.tl.tgt(adata, "group", **OPTIONS)
    assert_same(adata.uns["tgt"], expected)
    if request.node.callspec.params["as_kind"] not in OF_A_LAYER:
        return
    adata.X = sparse.csr_matrix(blobs.shape, dtype=np.float32)  # the layer it is, not X
    scgce.tl.tgt(adata, "group", **OPTIONS, layer="kind", key_added="from_layer")
    assert_same(adata.uns["from_layer"], expected)
    assert adata.uns["from_layer"]["params"]["layer"] == "kind"


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_matrix.toarray])
def test_a_backed_file_is_explained_without_reading_it_whole(
    blobs: ad.AnnData, expected: dict[str, Any], kind: Callable, tmp_path: Path
) -> None:
    blobs.X = kind(blobs.X)
    blobs.write_h5ad(tmp_path / "backed.h5ad")
    backed = ad.read_h5ad(tmp_path / "backed.h5ad", backed="r")
    scgce.tl.tgt(backed, "group", **OPTIONS)
    assert backed.isbacked
    assert_same(backed.uns["tgt"], expected)
    backed.file.close()


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16])
def test_whole_numbers_are_explained(blobs: ad.AnnData, dtype: type) -> None:
    counts = np.expm1(blobs.X.toarray()).round()
    found = []
    for X in (sparse.csr_matrix(counts.astype(np.float32)), sparse.csr_matrix(counts.astype(dtype))):
        blobs.X = X
        centred = counts - counts.mean(axis=0)
        blobs.obsm["X_pca"] = centred @ blobs.varm["PCs"]
        found.append(scgce.tl.tgt(blobs, "group", **OPTIONS, copy=True).uns["tgt"])
    assert_same(found[1], found[0])


def test_a_view_gets_its_own_result_and_the_original_stays(blobs: ad.AnnData) -> None:
    whole = frozen(blobs)
    view = blobs[blobs.obs["group"] != "3"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ad.ImplicitModificationWarning)
        scgce.tl.tgt(view, "group", **OPTIONS)
    assert view.uns["tgt"]["groups"].tolist() == ["B/1", "T cell", "NK"]
    assert frozen(blobs) == whole
    apart = scgce.tl.tgt(blobs[blobs.obs["group"] != "3"].copy(), "group", **OPTIONS, copy=True)
    assert_same(view.uns["tgt"], apart.uns["tgt"])


def test_copy_of_a_view_leaves_the_view_a_view(blobs: ad.AnnData, expected: dict[str, Any]) -> None:
    view = blobs[:]
    copied = scgce.tl.tgt(view, "group", **OPTIONS, copy=True)
    assert view.is_view and "tgt" not in view.uns
    assert_same(copied.uns["tgt"], expected)


@pytest.mark.parametrize("make", [np.asarray, sparse.csc_matrix])
def test_clipping_reads_the_same_columns_of_every_kind(blobs: ad.AnnData, make: Callable) -> None:
    options = OPTIONS | {"method": "refine", "sparsity": 5, "clip": True, "amplitude": None}
    one = scgce.tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    blobs.X = make(blobs.X.toarray())
    other = scgce.tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    np.testing.assert_allclose(other["deltas"], one["deltas"], atol=2e-3 * np.abs(one["deltas"]).max())
    np.testing.assert_allclose(other["correctness"], one["correctness"], atol=0.06)


def test_genes_of_the_encoder_in_another_order_or_absent_where_they_do_not_count(
    blobs: ad.AnnData, expected: dict[str, Any]
) -> None:
    stored = encoder_from_uns(expected["encoder"])
    order = np.random.default_rng(0).permutation(blobs.n_vars)
    shuffled = stored.align(blobs.var_names[order])
    options = OPTIONS | {"use_rep": None, "encoder": shuffled}
    entry = scgce.tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    assert_same({**entry, "encoder": 0}, expected)
