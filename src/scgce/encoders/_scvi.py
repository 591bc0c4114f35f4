"""scvi-tools models (SCVI, SCANVI) as encoders: the mean of the latent posterior."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from anndata import AnnData
from torch import nn

from scgce.matrix.arrays import csr_rows

from ._base import Encoder, name_array
from ._fidelity import rows_used, sample_rows
from ._layers import bare_linear
from ._leading import TOLERANCE
from ._module import wrap_module

logger = logging.getLogger("scgce")

_ROWS = 200
"""Cells looked at to tell counts from their logarithm."""


def is_scvi(model: Any) -> bool:
    """Whether an object is built like a scvi-tools model: ``model.module.z_encoder`` (scvi-tools is not imported)."""
    return isinstance(getattr(getattr(model, "module", None), "z_encoder", None), nn.Module)


def layer_of_scvi(adata: AnnData, model: Any) -> str | None:
    """The matrix that a model of scvi-tools was set up with, as its encoder reads it: ``"log1p(counts)"``.

    None if it cannot be told (models that are only built alike), or if ``adata`` does not hold those counts: then X is
    what there is to explain.
    """
    registry = getattr(getattr(model, "adata_manager", None), "data_registry", {})
    field = registry.get("X") if isinstance(registry, Mapping) else None
    if not is_scvi(model) or not isinstance(field, Mapping):
        return None
    name = field.get("attr_key") if field.get("attr_name") == "layers" else "X"
    counts = adata.X if name == "X" else adata.layers.get(name)
    if counts is None or not _are_counts(csr_rows(counts, np.arange(min(_ROWS, adata.n_obs))).data):
        return None
    return f"log1p({name})" if getattr(model.module, "log_variational", True) else None if name == "X" else str(name)


def _are_counts(values: np.ndarray) -> bool:
    return bool((values >= 0).all() and (values == np.rint(values)).all())


def from_scvi(
    model: Any,
    X: Any = None,
    *,
    batch: int = 0,
    rng: int | np.random.Generator = 0,
    used: np.ndarray | None = None,
) -> Encoder:
    """The map from log1p of the counts to the mean of scVI's latent posterior, ``get_latent_representation()``.

    *Library size*: scVI's encoder sees log1p of the raw counts, so the matrix explained must be that, neither
    normalised nor scaled: ``layer="log1p(counts)"``, which tools choose by themselves from the model's set-up.
    *Batch*: by default (``encode_covariates=False``) the encoder does not see the batch.  Where it does, all cells are
    read as cells of one batch, and of the first category of every other categorical covariate.

    Parameters
    ----------
    model
        Trained SCVI or SCANVI, or anything with its ``module.z_encoder`` and ``adata``.
    X
        Matrix to be explained, with columns in any order; checked to be log1p of counts if given.
    batch
        Which batch the cells are read as, if the encoder sees the batch.
    rng
        Which rows are checked.
    used
        From which rows of X they are taken, bool (n,); from all if None.

    Returns
    -------
    Encoder whose genes are the model's.

    Raises
    ------
    ValueError
        If X is not what the model reads, or the encoder reads continuous covariates, batch embeddings or a
        logistic-normal latent space.
    TypeError
        If the encoder network is built in another way than scvi-tools'.
    """
    module = model.module
    genes = name_array(list(model.adata.var_names))
    log_counts = bool(getattr(module, "log_variational", True))
    if getattr(module, "latent_distribution", "normal") != "normal":
        raise ValueError(f"encoder: latent_distribution={module.latent_distribution!r}; only 'normal' is supported")
    if X is not None:
        _check_counts(X, log_counts, rng, used)
    own = copy.deepcopy(module.z_encoder).to("cpu").float().eval()
    network = _plain(own, len(genes), batch)
    encoder = wrap_module(network, genes, rng=rng)
    encoder.name = type(model).__name__
    return encoder


def _plain(z_encoder: nn.Module, n_genes: int, batch: int) -> nn.Sequential:
    """The encoder network with its covariates fixed, as a plain Sequential; compared with the original."""
    body, mean = getattr(z_encoder, "encoder", None), getattr(z_encoder, "mean_encoder", None)
    if not isinstance(body, nn.Module) or not isinstance(mean, nn.Module) or not hasattr(body, "fc_layers"):
        raise TypeError("encoder: the model's z_encoder has no encoder.fc_layers and mean_encoder, as scvi-tools' has")
    sizes = [int(size) for size in getattr(body, "n_cat_list", [])]
    categories = [batch if i == 0 else 0 for i in range(len(sizes))]
    if sizes and sizes[0] and not 0 <= batch < sizes[0]:
        raise ValueError(f"batch={batch}: the model has the batches 0 to {sizes[0] - 1}")
    if any(sizes):
        logger.info("encoder: scVI's encoder sees the batch; all cells are read as cells of batch %d", batch)
    fixed = torch.cat(
        [torch.eye(size)[c] for size, c in zip(sizes, categories, strict=True) if size] or [torch.empty(0)]
    )
    layers: list[nn.Module] = []
    width = n_genes
    for block in body.get_submodule("fc_layers").children():
        for layer in block.children():
            if isinstance(layer, nn.Linear):
                layers.append(_with_covariates(layer, width, fixed))
                width = layer.out_features
            else:
                layers.append(layer)
    network = nn.Sequential(*layers, mean).eval().requires_grad_(False)
    _compare(network, z_encoder, n_genes, categories)
    return network


def _with_covariates(layer: nn.Linear, width: int, fixed: torch.Tensor) -> nn.Linear:
    """The layer for inputs without the covariates that scVI appends, whose constant part goes to the bias."""
    extra = layer.in_features - width
    if extra == 0:
        return layer
    if extra != len(fixed):
        raise ValueError(
            f"encoder: scVI's encoder reads {layer.in_features} values for {width} inputs and {len(fixed)} categories: "
            "continuous covariates and batch embeddings (with encode_covariates=True) are not supported"
        )
    plain = bare_linear(width, layer.out_features)
    with torch.no_grad():
        plain.weight.copy_(layer.weight[:, :width])
        constant = layer.weight[:, width:] @ fixed
        plain.bias.copy_(constant if layer.bias is None else constant + layer.bias)
    return plain


def _compare(network: nn.Module, z_encoder: nn.Module, n_genes: int, categories: list[int]) -> None:
    rows = torch.from_numpy(np.log1p(np.random.default_rng(0).poisson(0.5, (16, n_genes))).astype(np.float32))
    columns = [torch.full((len(rows), 1), category) for category in categories]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # the original also draws a sample
        posterior = z_encoder(rows, *columns)[0]
        wanted = posterior if isinstance(posterior, torch.Tensor) else posterior.mean
        difference = float((network(rows) - wanted).abs().max())
    if difference > 10 * TOLERANCE * max(1.0, float(wanted.abs().max())):
        raise TypeError(
            f"encoder: the z_encoder of this model computes something else than its layers in a row (difference "
            f"{difference:.2g}); give a torch module that returns the latent mean"
        )


def _check_counts(X: Any, log_counts: bool, rng: int | np.random.Generator, used: np.ndarray | None) -> None:
    there = rows_used(X.shape[0], used)
    values = csr_rows(X, there[sample_rows(len(there), _ROWS, rng)]).data.astype(np.float64)
    counts = np.expm1(values) if log_counts else values
    whole = bool((values >= 0).all()) and float(np.abs(counts - np.rint(counts)).max(initial=0)) < 1e-2
    raw = bool((values == np.rint(values)).all()) and log_counts
    if raw or not whole:
        wanted = "log1p of the raw counts" if log_counts else "the raw counts"
        has = "raw counts" if raw else "neither counts nor their logarithm (normalised or scaled?)"
        raise ValueError(
            f"encoder: this scVI model reads {wanted}, the matrix given has {has}. Name the right matrix with "
            'layer=, e.g. layer="log1p(counts)" for the logarithm of a layer, made on the fly'
        )
