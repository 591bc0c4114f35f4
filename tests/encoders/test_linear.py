"""PCA loadings as an exact encoder, against scanpy and scikit-learn."""

from __future__ import annotations

import warnings

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from scipy import sparse
from sklearn.decomposition import PCA

from scgce.encoders import check_fidelity, linear_from_pca


@pytest.fixture
def scaled(blobs: ad.AnnData) -> ad.AnnData:
    """PCA of scaled data; the log values are in layers["log"]; gene 0 is constant."""
    dense = blobs.X.toarray()
    dense[:, 0] = 1.5
    adata = ad.AnnData(dense, var=blobs.var.copy())
    adata.layers["log"] = sparse.csr_matrix(dense)
    sc.pp.scale(adata)
    sc.pp.pca(adata, n_comps=10)
    return adata


def assert_exact(adata: ad.AnnData, key: str, layer: str | None = None) -> None:
    encoder = linear_from_pca(adata, key, layer=layer)
    matrix = adata.X if layer is None else adata.layers[layer]
    assert encoder.kind == "linear"
    assert encoder.fidelity["r2"] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(encoder(matrix), adata.obsm[key], atol=2e-4)


def test_reproduces_scanpy(blobs):
    sc.pp.pca(blobs, n_comps=12)
    assert_exact(blobs, "X_pca")
    assert linear_from_pca(blobs, "pca").n_dims == 12


def test_reproduces_sklearn_transform_on_new_cells(blobs):
    X = blobs.X.toarray()
    oracle = PCA(5, random_state=0).fit(X[:200])
    first = blobs[:200].copy()
    first.obsm["X_pca"], first.varm["PCs"] = oracle.transform(X[:200]), oracle.components_.T
    encoder = linear_from_pca(first)
    np.testing.assert_allclose(encoder(blobs.X[200:]), oracle.transform(X[200:]), atol=1e-4)


def test_uncentred_pca(blobs):
    sc.pp.pca(blobs, n_comps=6, zero_center=False)
    assert_exact(blobs, "X_pca")
    np.testing.assert_allclose(linear_from_pca(blobs).b.numpy(), 0, atol=1e-4)


def test_genes_left_out_have_no_weight(blobs):
    blobs.var["highly_variable"] = np.arange(blobs.n_vars) < 20
    sc.pp.pca(blobs, n_comps=6)
    encoder = linear_from_pca(blobs)
    assert_exact(blobs, "X_pca")
    assert (encoder.W[20:] == 0).all()
    assert (encoder.W[:20] != 0).any(dim=1).all()


def test_subset_of_cells_keeps_the_whole_map(blobs):
    whole = linear_from_pca(blobs)
    part = linear_from_pca(blobs[::7].copy())
    np.testing.assert_allclose(part.b.numpy(), whole.b.numpy(), atol=1e-5)
    np.testing.assert_array_equal(part.W.numpy(), whole.W.numpy())


def test_key_added_by_scanpy(blobs):
    sc.pp.pca(blobs, n_comps=4, key_added="mine")
    assert_exact(blobs, "mine")


def test_scaled_pca_on_scaled_and_on_log_values(scaled):
    assert_exact(scaled, "X_pca")
    assert_exact(scaled, "X_pca", layer="log")
    encoder = linear_from_pca(scaled, layer="log")
    expected = scaled.varm["PCs"][1:] / scaled.var["std"].to_numpy()[1:, None]
    np.testing.assert_allclose(encoder.W.numpy()[1:], expected, rtol=1e-5)


@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_gene_without_spread_has_no_weight(scaled, bad):
    std = scaled.var["std"].to_numpy().copy()
    std[0] = bad
    scaled.var["std"] = std
    encoder = linear_from_pca(scaled, layer="log")
    assert (encoder.W[0] == 0).all()
    assert encoder.fidelity["r2"] == pytest.approx(1.0, abs=1e-6)


def test_clipped_scaling_warns_with_the_number(blobs):
    adata = ad.AnnData(blobs.X.toarray())
    adata.layers["log"] = blobs.X
    sc.pp.scale(adata, max_value=2)
    sc.pp.pca(adata, n_comps=5)
    with pytest.warns(UserWarning, match=r"R² = 0\.9\d"):
        encoder = linear_from_pca(adata, layer="log")
    assert 0.95 <= encoder.fidelity["r2"] < 0.999
    assert encoder.fidelity["r2"] == pytest.approx(
        check_fidelity(encoder, blobs.X, adata.obsm["X_pca"])["r2"], abs=1e-5
    )


def test_scaled_matrix_against_unscaled_loadings_is_refused(blobs):
    blobs.layers["z"] = 5 * blobs.X.toarray() / (blobs.X.toarray().std(axis=0) + 1e-9)
    with pytest.raises(ValueError, match=r"use_rep='X_pca' does not belong to layers\['z'\].*layer="):
        linear_from_pca(blobs, layer="z")


def test_genes_removed_after_pca_are_named_as_the_cause(blobs):
    with pytest.raises(ValueError, match="genes were removed after the PCA"):
        linear_from_pca(blobs[:, 12:].copy())


def test_stale_representation_is_refused(blobs):
    before = blobs.uns.copy()
    blobs.obsm["X_pca"] = np.random.default_rng(0).permutation(blobs.obsm["X_pca"])
    with pytest.raises(ValueError, match=r"does not belong to X.*recompute the PCA"):
        linear_from_pca(blobs)
    assert blobs.uns.keys() == before.keys()


def test_missing_loadings(blobs):
    del blobs.varm["PCs"]
    with pytest.raises(ValueError, match=r"varm\['PCs'\] of shape \(60, 8\), are missing"):
        linear_from_pca(blobs)


def test_loadings_of_another_width(blobs):
    blobs.varm["PCs"] = blobs.varm["PCs"][:, :3]
    with pytest.raises(ValueError, match=r"PCs \(60, 3\)"):
        linear_from_pca(blobs)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array, np.asarray])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_kind_of_matrix_gives_the_same(blobs, kind, dtype):
    reference = linear_from_pca(blobs)(blobs.X)
    blobs.layers["other"] = kind(blobs.X.toarray().astype(dtype))
    encoder = linear_from_pca(blobs, layer="other")
    np.testing.assert_allclose(encoder(blobs.layers["other"]), reference, rtol=1e-5, atol=1e-5)


def test_no_warning_when_exact(blobs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear_from_pca(blobs)


def test_out_of_core_matrices(blobs, tmp_path):
    da = pytest.importorskip("dask.array")

    reference = linear_from_pca(blobs)
    blobs.layers["lazy"] = da.from_array(blobs.X.toarray(), chunks=(70, 60)).map_blocks(sparse.csr_array)
    lazy = linear_from_pca(blobs, layer="lazy")
    np.testing.assert_allclose(lazy(blobs.layers["lazy"]), reference(blobs.X), atol=1e-5)
    del blobs.layers["lazy"]
    blobs.write_h5ad(tmp_path / "x.h5ad")
    backed = ad.read_h5ad(tmp_path / "x.h5ad", backed="r")
    np.testing.assert_allclose(linear_from_pca(backed)(backed.X), reference(blobs.X), atol=1e-5)
    backed.file.close()
