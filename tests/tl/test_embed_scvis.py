"""tl.scvis: what it writes, that it can be stored and read again, and that a failed call changes nothing."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from scipy import sparse
from tests._files import reread

from scgce.encoders import encoder_from_uns
from scgce.tl._scvis import scvis

QUICK = {"n_epochs": 10, "batch_size": 100, "device": "cpu"}


def test_writes_the_map_and_what_it_takes_to_make_it_again(blobs: ad.AnnData):
    X = blobs.X.copy()
    assert scvis(blobs, **QUICK) is None
    entry = blobs.uns["X_scvis"]
    assert blobs.obsm["X_scvis"].shape == (300, 2)
    assert blobs.obsm["X_scvis"].dtype == np.float32
    assert np.isfinite(blobs.obsm["X_scvis"]).all()
    assert set(entry) == {"params", "encoder", "gene_means", "history", "units"}
    assert entry["params"]["method"] == "scvis"
    assert entry["params"]["n_steps"] == 30
    assert {"step", "loss", "neighbours", "likelihood", "prior"} <= set(entry["history"])
    np.testing.assert_allclose(entry["gene_means"], np.asarray(X.mean(axis=0)).ravel(), rtol=1e-5)
    assert (blobs.X != X).nnz == 0
    assert list(blobs.obs.columns) == ["group"]


@pytest.mark.parametrize("use_rep", ["X_pca", "pca", "X"])
def test_the_encoder_reads_genes(blobs: ad.AnnData, use_rep: str):
    scvis(blobs, use_rep=use_rep, **QUICK)
    encoder = encoder_from_uns(blobs.uns["X_scvis"]["encoder"])
    assert encoder.kind == "mlp"
    assert encoder.n_hidden == 128
    np.testing.assert_array_equal(encoder(blobs.X), blobs.obsm["X_scvis"])
    np.testing.assert_allclose(encoder(blobs.X[7:12]), blobs.obsm["X_scvis"][7:12], atol=1e-5)


def test_cells_of_a_group_are_neighbours_on_the_map(blobs: ad.AnnData):
    scvis(blobs, n_epochs=150, batch_size=100, device="cpu")
    Z, codes = blobs.obsm["X_scvis"], blobs.obs["group"].cat.codes.to_numpy()
    nearest = ((Z[:, None] - Z[None]) ** 2).sum(axis=-1).argsort(axis=1)[:, 1:11]
    assert (codes[nearest] == codes[:, None]).mean() > 0.9


def test_same_seed_same_bytes(blobs: ad.AnnData):
    maps = [scvis(blobs, rng=rng, copy=True, **QUICK).obsm["X_scvis"] for rng in (1, np.random.default_rng(1), 2)]
    assert maps[0].tobytes() == maps[1].tobytes()
    assert maps[0].tobytes() != maps[2].tobytes()


@pytest.mark.filterwarnings("ignore:Writing zarr v2 data")
@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_survives_the_disk(blobs: ad.AnnData, tmp_path: Path, ending: str):
    scvis(blobs, **QUICK)
    again = reread(blobs, ending, tmp_path)
    found = encoder_from_uns(again.uns["X_scvis"]["encoder"])(again.X)
    np.testing.assert_array_equal(found, blobs.obsm["X_scvis"])
    np.testing.assert_array_equal(again.uns["X_scvis"]["history"]["loss"], blobs.uns["X_scvis"]["history"]["loss"])


def test_genes_left_out_have_no_say(blobs: ad.AnnData):
    blobs.var["use"] = np.arange(60) < 20
    scvis(blobs, use_rep="X", mask_var="use", **QUICK)
    W = encoder_from_uns(blobs.uns["X_scvis"]["encoder"]).W
    assert (W[20:] == 0).all()
    assert (W[:20] != 0).any(dim=1).all()


def test_sparse_and_dense_genes_give_the_same_map(blobs: ad.AnnData):
    dense = blobs.copy()
    dense.X = blobs.X.toarray()
    for adata in (blobs, dense):
        scvis(adata, use_rep="X", **QUICK)
    np.testing.assert_allclose(blobs.obsm["X_scvis"], dense.obsm["X_scvis"], atol=1e-3)


def test_a_layer_is_read_instead_of_x(blobs: ad.AnnData):
    blobs.layers["log"] = blobs.X.copy()
    blobs.X = sparse.csr_matrix(blobs.shape, dtype=np.float32)
    scvis(blobs, use_rep="X", layer="log", **QUICK)
    assert np.ptp(blobs.obsm["X_scvis"], axis=0).min() > 0
    assert blobs.uns["X_scvis"]["params"]["layer"] == "log"


def test_per_cell_values_are_named_after_the_key(blobs: ad.AnnData):
    scvis(blobs, per_cell=True, key_added="X_map", **QUICK)
    assert {"map_log_likelihood", "map_variance_1", "map_variance_2"} <= set(blobs.obs.columns)
    assert (blobs.obs["map_variance_1"] > 0).all()


def test_copy_leaves_the_original_alone(blobs: ad.AnnData):
    result = scvis(blobs, copy=True, **QUICK)
    assert "X_scvis" in result.obsm
    assert "X_scvis" not in blobs.obsm
    assert "X_scvis" not in blobs.uns


def test_early_stopping_keeps_cells_out(blobs: ad.AnnData):
    scvis(blobs, patience=2, validation_fraction=0.2, batch_size=100, device="cpu", n_epochs=60)
    history = blobs.uns["X_scvis"]["history"]
    assert len(history["held_out"]) == len(history["step"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"n_epochs": 0}, "n_epochs=0"),
        ({"validation_fraction": 1.0}, "validation_fraction=1.0"),
        ({"perplexity": 99.0, "batch_size": 50}, "perplexity=99.0: 50 cells"),
        ({"use_rep": "X_umap"}, r"'X_umap' is no PCA.*scgce\.tl\.distill"),
        ({"use_rep": "X_umpa"}, r"use_rep='X_umpa'.*found: X_pca, X_umap.*sc\.pp\.pca"),
        ({"layer": "logs"}, "logs"),
        ({"use_rep": "X_pca", "mask_var": np.ones(60, bool)}, "mask_var"),
        ({"device": "abacus"}, "abacus"),
        ({"learning_rate": 1e30}, "learning_rate=1e[+]30 is too large"),
    ],
)
def test_errors_name_the_argument_and_change_nothing(blobs: ad.AnnData, arguments: dict, message: str):
    before = blobs.copy()
    with pytest.raises((ValueError, KeyError), match=message):
        scvis(blobs, **{**QUICK, **arguments})
    assert set(blobs.obsm) == set(before.obsm)
    assert set(blobs.uns) == set(before.uns)
    assert list(blobs.obs.columns) == list(before.obs.columns)


def test_nan_in_the_matrix_is_named(blobs: ad.AnnData):
    blobs.X.data[3] = np.nan
    with pytest.raises(ValueError, match=r"adata\.X holds 1 NaN"):
        scvis(blobs, **QUICK)
