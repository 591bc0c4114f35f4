"""scVI's encoder, on stand-ins with scvi-tools' structure, and on scvi-tools itself where it is installed."""

from __future__ import annotations

import importlib.util
import warnings
from types import SimpleNamespace

import anndata as ad
import numpy as np
import pytest
import torch
from torch import nn

from scgce.encoders import encoder_to_uns, from_scvi, resolve

D = 60


class Layers(nn.Module):
    """Appends one-hot categories to the input of its first Linear, or of every one, as scvi-tools' FCLayers."""

    def __init__(self, n_cat_list=(), inject=True, n_cont=0) -> None:
        super().__init__()
        self.n_cat_list, self.inject = [n if n > 1 else 0 for n in n_cat_list], inject
        extra = sum(self.n_cat_list)
        widths = [(D + extra + n_cont, 16), (16 + extra * inject, 8)]
        self.fc_layers = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b, eps=0.001), nn.ReLU(), nn.Dropout(0.1))
                for a, b in widths
            )
        )

    def forward(self, x, *categories):
        shown = [
            torch.nn.functional.one_hot(c[:, 0], n).float()
            for c, n in zip(categories, self.n_cat_list, strict=False)
            if n
        ]
        for i, block in enumerate(self.fc_layers):
            x = block(torch.cat([x, *shown], dim=1) if i == 0 or self.inject else x)
        return x


class ZEncoder(nn.Module):
    def __init__(self, twist=False, as_distribution=False, **layers) -> None:
        super().__init__()
        self.encoder = Layers(**layers)
        self.mean_encoder, self.var_encoder = nn.Linear(8, 4), nn.Linear(8, 4)
        self.twist, self.as_distribution = twist, as_distribution

    def forward(self, x, *categories):
        q = self.encoder(x, *categories)
        mean = self.mean_encoder(q) + self.twist
        scale = self.var_encoder(q).exp().sqrt()
        if self.as_distribution:
            return torch.distributions.Normal(mean, scale), mean + scale * torch.randn_like(mean)
        return mean, scale, mean + scale * torch.randn_like(mean)


def model(genes, log_variational=True, latent_distribution="normal", **z) -> SimpleNamespace:
    module = nn.Module()
    module.z_encoder = ZEncoder(**z)
    module.log_variational, module.latent_distribution = log_variational, latent_distribution
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 2, generator=generator) if "var" in name else tensor.normal_(
                0, 0.3, generator=generator
            )
    return SimpleNamespace(module=module, adata=SimpleNamespace(var_names=list(genes)))


def latent(scvi, X, *categories) -> np.ndarray:
    posterior = scvi.module.eval().z_encoder(torch.from_numpy(X.toarray()), *categories)[0]
    return (posterior if isinstance(posterior, torch.Tensor) else posterior.mean).detach().numpy()


@pytest.mark.parametrize("as_distribution", [False, True])
def test_mean_of_the_posterior(blobs, as_distribution):
    scvi = model(blobs.var_names, as_distribution=as_distribution)
    state = torch.get_rng_state()
    encoder = resolve(blobs, encoder=scvi)
    assert torch.equal(torch.get_rng_state(), state)
    assert scvi.module.training
    np.testing.assert_allclose(encoder(blobs.X), latent(scvi, blobs.X), atol=1e-4)
    assert encoder.W.shape == (D, 16) and encoder.kind == "mlp"
    assert encoder_to_uns(encoder)["stored"]


@pytest.mark.parametrize("inject", [True, False])
@pytest.mark.parametrize("batch", [0, 2])
def test_batch_is_fixed(blobs, inject, batch):
    scvi = model(blobs.var_names, n_cat_list=[3, 1, 2], inject=inject)
    encoder = from_scvi(scvi, blobs.X, batch=batch)
    columns = [torch.full((blobs.n_obs, 1), value) for value in (batch, 0, 0)]
    np.testing.assert_allclose(encoder(blobs.X), latent(scvi, blobs.X, *columns), atol=1e-4)
    assert encoder.W.shape == (D, 16)


def test_genes_by_name(blobs):
    scvi = model(blobs.var_names[::-1])
    encoder = resolve(blobs, encoder=scvi)
    np.testing.assert_allclose(encoder(blobs.X), latent(scvi, blobs.X[:, ::-1]), atol=1e-4)


def test_fidelity_to_the_stored_latent_space(blobs):
    scvi = model(blobs.var_names)
    blobs.obsm["X_scVI"] = latent(scvi, blobs.X)
    assert resolve(blobs, encoder=scvi, use_rep="X_scVI").fidelity["r2"] == pytest.approx(1)


def test_matrix_must_be_what_the_model_reads(blobs):
    blobs.layers["counts"] = blobs.X.expm1()
    blobs.layers["counts"].data = np.rint(blobs.layers["counts"].data)
    blobs.layers["normalised"] = (blobs.layers["counts"] * 0.37).log1p()
    scvi = model(blobs.var_names)
    with pytest.raises(ValueError, match="log1p of the raw counts, the matrix given has raw counts.*layer="):
        resolve(blobs, encoder=scvi, layer="counts")
    with pytest.raises(ValueError, match="neither counts nor their logarithm"):
        resolve(blobs, encoder=scvi, layer="normalised")
    linear = model(blobs.var_names, log_variational=False)
    assert resolve(blobs, encoder=linear, layer="counts").n_dims == 4
    with pytest.raises(ValueError, match="reads the raw counts"):
        resolve(blobs, encoder=linear)


def test_models_that_are_refused(blobs):
    with pytest.raises(ValueError, match="latent_distribution='ln'"):
        from_scvi(model(blobs.var_names, latent_distribution="ln"))
    with pytest.raises(ValueError, match="batch=3: the model has the batches 0 to 2"):
        from_scvi(model(blobs.var_names, n_cat_list=[3]), batch=3)
    with pytest.raises(ValueError, match="continuous covariates"):
        from_scvi(model(blobs.var_names, n_cont=2))
    with pytest.raises(TypeError, match="computes something else"):
        from_scvi(model(blobs.var_names, twist=True))
    other = model(blobs.var_names)
    other.module.z_encoder = nn.Linear(D, 2)
    with pytest.raises(TypeError, match="no encoder.fc_layers"):
        from_scvi(other)


@pytest.mark.skipif(importlib.util.find_spec("scvi") is None, reason="scvi-tools is not installed")
@pytest.mark.parametrize("settings", [{}, {"encode_covariates": True, "n_layers": 2}])
def test_scvi_tools(blobs, settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scvi

        counts = ad.AnnData(np.rint(np.expm1(blobs.X.toarray())), obs=blobs.obs.copy(), var=blobs.var.copy())
        counts.obs["batch"] = ["a"] * 300 if settings else [["a", "b"][i % 2] for i in range(300)]
        counts.obs["plate"] = [["p", "q"][i % 2] for i in range(300)]
        scvi.model.SCVI.setup_anndata(counts, batch_key="plate")
        trained = scvi.model.SCVI(counts, n_latent=4, **settings)
        trained.train(max_epochs=2, accelerator="cpu", enable_progress_bar=False)
        expected = trained.get_latent_representation()
    encoder = resolve(blobs, encoder=trained)
    mine = np.ones(300, dtype=bool) if not settings else (counts.obs["plate"] == "p").to_numpy()
    np.testing.assert_allclose(encoder(blobs.X)[mine], expected[mine], atol=1e-4)


def test_a_model_explains_the_counts_it_was_set_up_with(blobs):
    from scgce import tl

    blobs, scvi = blobs[:120].copy(), model(blobs.var_names)
    field = {"attr_name": "layers", "attr_key": "counts"}
    scvi.adata_manager = SimpleNamespace(data_registry={"X": field})
    counts = blobs.X.copy()
    counts.data = np.rint(np.expm1(counts.data))
    blobs.layers["counts"], blobs.layers["log"] = counts, counts.log1p()
    options = {"encoder": scvi, "sparsity": 1, "method": "truncate", "judges": False}
    found = tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]
    named = tl.tgt(blobs, "group", layer="log", **options, copy=True).uns["tgt"]
    assert found["params"]["layer"] == "log1p(counts)"
    np.testing.assert_array_equal(found["deltas"], named["deltas"])
    del blobs.layers["counts"]  # then X is what there is
    blobs.X = blobs.layers["log"]
    assert tl.tgt(blobs, "group", **options, copy=True).uns["tgt"]["params"]["layer"] == ""
