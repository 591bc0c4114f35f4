"""The table of what use_rep and encoder mean, through the whole path."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from scgce.encoders import Encoder, encoder_to_uns, linear_from_pca, resolve, save_safetensors, wrap_module


@pytest.fixture(autouse=True)
def short_training(monkeypatch):
    monkeypatch.setattr("scgce.encoders.Training.steps", lambda self, n_cells: 250)


def assert_unchanged(adata, before) -> None:
    assert adata.uns.keys() == before.uns.keys()
    assert adata.obsm.keys() == before.obsm.keys()
    assert list(adata.obs) == list(before.obs) and list(adata.var) == list(before.var)
    assert (adata.X != before.X).nnz == 0


@pytest.fixture
def network() -> nn.Module:
    module = nn.Sequential(nn.Linear(60, 6), nn.Tanh(), nn.Linear(6, 2))
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        parameter.data.normal_(0, 0.4, generator=generator)
    return module.eval()


@pytest.mark.parametrize("use_rep", ["X_pca", "pca"])
def test_pca_is_linear(blobs, use_rep):
    encoder = resolve(blobs, use_rep=use_rep)
    assert encoder.kind == "linear"
    np.testing.assert_allclose(encoder(blobs.X), blobs.obsm["X_pca"], atol=1e-4)


def test_other_keys_are_distilled(blobs):
    before = blobs.copy()
    encoder = resolve(blobs, use_rep="X_umap")
    assert encoder.kind == "mlp" and encoder.name == "student of X_umap"
    assert encoder.n_hidden == 8, "the stored PCA with its 8 components was not used"
    assert encoder.fidelity["r2"] > 0.9
    assert_unchanged(blobs, before)


def test_stored_pca_of_another_matrix_is_not_used(blobs):
    blobs.obsm["X_pca"] = blobs.obsm["X_pca"][::-1].copy()
    assert resolve(blobs, use_rep="X_umap").n_hidden == 50


def test_unrelated_representation_is_refused(blobs):
    blobs.obsm["X_tsne"] = np.random.default_rng(0).normal(size=(300, 2))
    with (
        pytest.warns(UserWarning, match="reproduces only"),
        pytest.raises(ValueError, match=r"use_rep='X_tsne' cannot be predicted from X.*its rows were shuffled"),
    ):
        resolve(blobs, use_rep="X_tsne")


def test_key_with_a_stored_encoder(blobs, network):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    blobs.obsm["X_mine"] = encoder(blobs.X)
    blobs.uns["X_mine"] = {"encoder": encoder_to_uns(encoder)}
    found = resolve(blobs, use_rep="X_mine")
    np.testing.assert_allclose(found(blobs.X), encoder(blobs.X), atol=1e-6)
    assert found.fidelity["r2"] == pytest.approx(1) and found.fidelity["n_cells"] == 300


def test_stored_student_keeps_its_fidelity_to_the_teacher(blobs, network):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    encoder.fidelity = {"r2": 0.9, "neighbours": 0.5, "n_cells": 30.0}
    blobs.obsm["X_student"] = encoder(blobs.X)
    blobs.uns["X_student"] = {"encoder": encoder_to_uns(encoder)}
    assert resolve(blobs, use_rep="X_student").fidelity == encoder.fidelity


def test_stored_encoder_follows_genes_by_name(blobs, network):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    blobs.obsm["X_mine"] = encoder(blobs.X)
    blobs.uns["X_mine"] = {"encoder": encoder_to_uns(encoder)}
    turned = blobs[:, ::-1].copy()
    found = resolve(turned, use_rep="X_mine")
    assert found.genes.tolist() == turned.var_names.tolist()
    np.testing.assert_allclose(found(turned.X), encoder(blobs.X), atol=1e-5)
    with pytest.raises(ValueError, match="10 of the 60 genes used by the encoder are missing: gene0"):
        resolve(blobs[:, 10:].copy(), use_rep="X_mine")


def test_stale_stored_encoder(blobs, network):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    blobs.obsm["X_mine"] = encoder(blobs.X)[::-1].copy()
    blobs.uns["X_mine"] = {"encoder": encoder_to_uns(encoder)}
    with pytest.raises(ValueError, match=r"does not reproduce obsm\['X_mine'\] from X.*layer="):
        resolve(blobs, use_rep="X_mine")


def test_slightly_different_representation_warns(blobs, network):
    Z = wrap_module(network, blobs.var_names, blobs.X)(blobs.X)
    blobs.obsm["X_mine"] = Z + np.random.default_rng(0).normal(size=Z.shape) * Z.std() * 0.1
    with pytest.warns(UserWarning, match=r"only with R² = 0\.9[6-9]"):
        encoder = resolve(blobs, use_rep="X_mine", encoder=network)
    assert 0.95 < encoder.fidelity["r2"] < 0.999


def test_other_layer_than_the_encoder_was_fitted_on(blobs, network):
    blobs.obsm["X_mine"] = wrap_module(network, blobs.var_names, blobs.X)(blobs.X)
    blobs.layers["counts"] = blobs.X.expm1()
    with pytest.raises(ValueError, match=r"from layers\['counts'\]"):
        resolve(blobs, use_rep="X_mine", encoder=network, layer="counts")


def test_module(blobs, network):
    encoder = resolve(blobs, encoder=network)
    expected = network(torch.from_numpy(blobs.X.toarray())).detach().numpy()
    np.testing.assert_allclose(encoder(blobs.X), expected, atol=1e-5)
    assert encoder.genes.tolist() == blobs.var_names.tolist()


def test_encoder_in_every_form(blobs, network, tmp_path):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    path = tmp_path / "r.safetensors"
    save_safetensors(encoder, path)
    shuffled = encoder.align(blobs.var_names[::-1])
    for form in (encoder, shuffled, encoder_to_uns(encoder), path, str(path)):
        np.testing.assert_allclose(resolve(blobs, encoder=form)(blobs.X), encoder(blobs.X), atol=1e-5)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"use_rep": "X_umpa"}, KeyError, "X_umpa.*X_umap"),
        ({"use_rep": "X_umap", "layer": "nope"}, KeyError, "nope"),
        ({}, ValueError, "use_rep=None and encoder=None"),
        ({"encoder": 3}, TypeError, "is type int; accepted: a torch module"),
        ({"encoder": nn.Linear}, TypeError, "is the class Linear; accepted"),
        ({"encoder": {"W": 1}}, ValueError, "'format' is missing"),
        ({"encoder": "missing.safetensors"}, FileNotFoundError, "missing.safetensors"),
        ({"encoder": nn.Linear(50, 2)}, ValueError, "reads 50 inputs but the matrix has 60 genes"),
    ],
)
def test_errors_leave_the_data_alone(blobs, arguments, error, message):
    before = blobs.copy()
    with pytest.raises(error, match=message):
        resolve(blobs, **arguments)
    assert_unchanged(blobs, before)


def test_duplicate_gene_names(blobs):
    blobs.var_names = ["same"] * 2 + list(blobs.var_names[2:])
    with pytest.raises(ValueError, match="not unique"):
        resolve(blobs, use_rep="X_pca")


def test_a_view_is_read_like_a_copy(blobs):
    view = blobs[::2]
    np.testing.assert_array_equal(resolve(view, use_rep="X_pca").W, linear_from_pca(blobs).W)
    assert view.is_view


def test_given_encoder_is_not_changed(blobs, network):
    encoder = wrap_module(network, blobs.var_names, blobs.X)
    blobs.obsm["X_mine"] = encoder(blobs.X)
    before = copy.deepcopy(encoder.fidelity)
    resolve(blobs, use_rep="X_mine", encoder=encoder)
    assert encoder.fidelity == before
    assert isinstance(encoder, Encoder)
