"""Which encoder ``use_rep`` and ``encoder`` mean."""

from __future__ import annotations

import copy
import logging
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from scgce._api.adata import basis_key, check_finite, coordinates, gene_names, get_matrix
from scgce._api.warn import warn

from ._base import Encoder
from ._fidelity import check_fidelity
from ._function import MOST_DIRECT, from_function, is_function
from ._io import encoder_from_uns, load_safetensors
from ._linear import EXACT_R2, LOWEST_R2, has_loadings, is_pca, linear_from_pca, missing_loadings
from ._module import wrap_module
from ._scvi import from_scvi, is_scvi
from ._student import distill_student

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger("scgce")

UNRELATED_R2 = 0.2
"""Held-out R² of a student below which the representation cannot have been made from the matrix."""


def resolve(
    adata: AnnData,
    *,
    use_rep: str | None = None,
    encoder: Any = None,
    layer: str | None = None,
    rng: int | np.random.Generator = 0,
    device: str | torch.device = "cpu",
    parts: np.ndarray | None = None,
) -> Encoder:
    """Find, wrap or fit the encoder r that is to be explained.  The AnnData is not changed.

    Parameters
    ----------
    adata
        Annotated data, n cells × d genes.
    use_rep
        ``"X_pca"``: its loadings.  A key written by scgce's embedding tools: the stored encoder.  Any other obsm key:
        a distilled student.
    encoder
        Instead: an :class:`Encoder`, a stored one (dict, safetensors path), a torch module, a scvi-tools model, or a
        function or fitted estimator from dense rows (·, d) to (·, m).  With ``use_rep`` as well, it must reproduce it.
    layer
        Matrix that is explained, None for X.
    rng, device
        For what is fitted.
    parts
        Part (n,) of every cell, as :func:`distill_student` takes it: cells that a student trains on, that stop it and
        that measure its fidelity.  A cell below 0 takes no part, and may lack coordinates.  All take part if None.

    Returns
    -------
    Encoder whose genes are the AnnData's, in its order.

    Raises
    ------
    ValueError
        If neither is given, the representation does not belong to the matrix, or the encoder does not fit the genes.
    KeyError
        If ``use_rep`` or ``layer`` does not exist.
    TypeError
        If ``encoder`` is nothing of the above.
    """
    genes, X = gene_names(adata), get_matrix(adata, layer)
    key = None if use_rep is None else basis_key(adata, use_rep)
    used = np.ones(adata.n_obs, dtype=bool) if parts is None else np.asarray(parts) >= 0
    if encoder is not None:
        found = _given(encoder, adata, X, genes, layer, rng, device, parts).align(genes)
        return found if key is None or found.teacher is not None else _checked(found, adata, key, X, layer, rng, used)
    if key is None:
        raise ValueError("use_rep=None and encoder=None; expected a representation or a model to explain")
    _target(adata, key, used)  # refused before anything is said of it
    stored = adata.uns.get(key)
    if isinstance(stored, Mapping) and "encoder" in stored:
        kept = encoder_from_uns(stored["encoder"]).align(genes)
        found = _checked(kept, adata, key, X, layer, rng, used)
        # A stored student knows how well it reproduces its teacher, on cells that it never saw.
        found.fidelity = kept.fidelity or found.fidelity
        return found
    if has_loadings(adata, key):
        return linear_from_pca(adata, key, layer=layer, rng=rng, used=used)
    if is_pca(adata, key):
        warn(
            f"{missing_loadings(adata, key)}: a student is trained to predict it from the genes, and explanations "
            "describe the student. sc.pp.pca on this AnnData gives an exact one"
        )
    return _distil(adata, key, X, genes, layer, rng, device, parts)


def _given(
    encoder: Any, adata: AnnData, X: Any, genes: np.ndarray, layer: str | None, rng: Any, device: Any, parts: Any
) -> Encoder:
    used = None if parts is None else np.asarray(parts) >= 0
    if isinstance(encoder, Encoder):
        return encoder
    if isinstance(encoder, str | os.PathLike):
        return load_safetensors(os.fspath(encoder))
    if isinstance(encoder, Mapping):
        return encoder_from_uns(encoder)
    if isinstance(encoder, nn.Module):
        return wrap_module(encoder, genes, X, rng=rng, used=used)
    if is_scvi(encoder):
        return from_scvi(encoder, X, rng=rng, used=used)
    if is_function(encoder) and not isinstance(encoder, type):
        basis = stored_pca(adata, layer) if len(genes) > MOST_DIRECT else None
        return from_function(
            encoder, X, genes=genes, rng=rng, device=device, order=_order(adata), parts=parts, basis=basis
        )
    shown = f"the class {encoder.__name__}" if isinstance(encoder, type) else f"type {type(encoder).__name__}"
    raise TypeError(
        f"encoder is {shown}; accepted: a torch module, a scvi-tools model, an scgce Encoder (or a stored one: dict or "
        "safetensors path), a function or a fitted estimator with transform()"
    )


def _checked(
    encoder: Encoder, adata: AnnData, key: str, X: Any, layer: str | None, rng: Any, used: np.ndarray
) -> Encoder:
    """The encoder with its fidelity to obsm[key]; refused if it does not reproduce it."""
    encoder = copy.copy(encoder)  # the one given keeps its own fidelity
    encoder.fidelity = check_fidelity(encoder, X, _target(adata, key, used), rng=rng, used=used)
    r2, matrix = encoder.fidelity["r2"], "X" if layer is None else f"layers[{layer!r}]"
    if r2 < LOWEST_R2:
        raise ValueError(
            f"the encoder ({encoder.name}) does not reproduce obsm[{key!r}] from {matrix} (R² = {r2:.3g}; needed: "
            f"{LOWEST_R2}): the matrix or the representation is another one than it was fitted on. Name the matrix "
            "with layer=, fit the representation again, or give another use_rep"
        )
    if r2 < EXACT_R2:
        warn(f"the encoder ({encoder.name}) reproduces obsm[{key!r}] from {matrix} only with R² = {r2:.4f}")
    return encoder


def _target(adata: AnnData, key: str, used: np.ndarray) -> np.ndarray:
    """The representation as numbers; the cells that take part have coordinates."""
    target = coordinates(adata, key)
    check_finite(target, adata, f"adata.obsm[{key!r}]", used)
    return target


def _order(adata: AnnData) -> np.ndarray:
    """Rows by cell name, so that what is fitted does not depend on the arrangement of the cells."""
    return np.argsort(adata.obs_names.to_numpy().astype(str), kind="stable")


def stored_pca(adata: AnnData, layer: str | None) -> Encoder | None:
    """The PCA stored with its loadings, where it belongs to the matrix."""
    try:
        key = basis_key(adata, "X_pca")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return linear_from_pca(adata, key, layer=layer)
    except (KeyError, ValueError) as error:
        logger.debug("no stored PCA to start from: %s", error)
        return None


def _distil(
    adata: AnnData, key: str, X: Any, genes: np.ndarray, layer: str | None, rng: Any, device: Any, parts: Any
) -> Encoder:
    used = np.ones(adata.n_obs, dtype=bool) if parts is None else np.asarray(parts) >= 0
    student = distill_student(
        X,
        _target(adata, key, used),
        genes=genes,
        basis=stored_pca(adata, layer),
        rng=rng,
        device=device,
        order=_order(adata),
        parts=parts,
        name=key,
    )
    r2 = student.fidelity["r2"]
    if r2 < UNRELATED_R2:
        matrix = "X" if layer is None else f"layers[{layer!r}]"
        raise ValueError(
            f"use_rep={key!r} cannot be predicted from {matrix} (R² = {r2:.2f} on held-out cells): it does not "
            "belong to this matrix, or its rows were shuffled. Compute it again, name the matrix with layer=, or give "
            "another use_rep"
        )
    return student
