"""Between AnnData and the embeddings that scgce fits: what they read, and what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from anndata import AnnData
from torch import nn

from scgce._api.adata import basis_key, gene_mask, gene_names, get_matrix, log_base, warn_if_counts
from scgce._api.device import resolve_device
from scgce._api.errors import not_found
from scgce.embedding.batches import Rows, Unit
from scgce.embedding.source import Source, column_means, gene_means
from scgce.encoders import Encoder, encoder_to_uns, linear_from_pca
from scgce.encoders._linear import has_loadings
from scgce.encoders._loop import Schedule
from scgce.explain.params import stored_seed
from scgce.explain.units import units_of
from scgce.matrix.arrays import check_matrix, project_and_sum
from scgce.store.entries import write_result
from scgce.store.layout import PARAMS

GENES = "X"
"""``use_rep`` for the genes themselves."""


def read_source(
    adata: AnnData, *, use_rep: str, layer: str | None, mask_var: Any, device: str, unit: Unit = "largest"
) -> Source:
    """
    Read the training input.

    Parameters
    ----------
    adata
        Annotated data.
    use_rep
        A PCA with its loadings, or ``"X"`` for the genes.
    layer
        Matrix to read; None for X.
    mask_var
        Genes that are read where ``use_rep="X"``.
    device
        Where mini-batches go, as the user named it.
    unit
        What becomes 1 in the training input.

    Raises
    ------
    ValueError
        If the matrix is not finite, or ``use_rep`` has no linear map from the genes.
    KeyError
        If layer, use_rep or mask_var is not there.
    """
    X, genes, mask = get_matrix(adata, layer), gene_names(adata), gene_mask(adata, mask_var)
    where = "adata.X" if layer is None else f"adata.layers[{layer!r}]"
    check_matrix(X, where)
    where_to = resolve_device(device)
    params: dict[str, Any] = {"use_rep": use_rep, "layer": layer or "", "device": str(where_to)}
    columns = np.flatnonzero(mask)
    if use_rep == GENES:
        warn_if_counts(X, where)
        rows = Rows(X, where_to, None if mask.all() else columns, unit=unit)
        return Source(X, genes, gene_means(X), rows, None, None, columns, params)
    if mask_var is not None:
        raise ValueError(f"mask_var chooses genes for use_rep='X'; for use_rep={use_rep!r} give None")
    pca = _pca(adata, use_rep, layer)
    scores, sums = project_and_sum(X, pca.W, pca.b, np.zeros(adata.n_obs, dtype=np.int64), 1, device=where_to)
    return Source(X, genes, column_means(sums, X), Rows(scores, where_to, unit=unit), pca.W, pca.b, columns, params)


def _pca(adata: AnnData, use_rep: str, layer: str | None) -> Encoder:
    """The loadings of a PCA; another representation is refused, since a map made of it could not read genes."""
    if use_rep not in adata.obsm and f"X_{use_rep}" not in adata.obsm:
        hint = "; run sc.pp.pca(adata) first, or give use_rep='X' to read the genes"
        raise not_found("use_rep", use_rep, "adata.obsm", adata.obsm, hint=hint)
    key = basis_key(adata, use_rep)
    if not has_loadings(adata, key):
        raise ValueError(
            f"use_rep={use_rep!r} is no PCA with its loadings, so a map made of it could not read genes; accepted: "
            f"'X_pca' after sc.pp.pca on this AnnData, or 'X' for the genes. For {key!r} itself: "
            f"scgce.tl.distill(adata, {key!r})"
        )
    return linear_from_pca(adata, key, layer=layer)


@dataclass(frozen=True)
class Settings:
    """
    The arguments that the embeddings share.

    Attributes
    ----------
    n_components
        Dimensions m.
    batch_size, learning_rate, weight_decay, n_epochs, patience, validation_fraction
        As the tools document them.
    rng
        Seed or generator.
    """

    n_components: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    n_epochs: int | None
    patience: int
    validation_fraction: float
    rng: int | np.random.Generator

    def draws(self) -> dict[str, Any]:
        """How cells are drawn for training; none are held out where nothing watches them."""
        held_out = self.validation_fraction if self.patience else 0.0
        return {"batch_size": self.batch_size, "held_out": held_out, "rng": np.random.default_rng(self.rng)}

    def schedule(self, n_items: int, default_steps: int) -> Schedule:
        """As many mini-batches as ``n_epochs`` passes over the items take; ``default_steps`` where it is None."""
        size = min(self.batch_size, n_items)
        steps = default_steps if self.n_epochs is None else max(1, round(self.n_epochs * n_items / size))
        return Schedule(steps, self.learning_rate, self.weight_decay, patience=self.patience)

    def params(self, method: str, n_steps: int) -> dict[str, Any]:
        """What is stored of them."""
        return {
            "method": method,
            "n_components": int(self.n_components),
            "batch_size": int(self.batch_size),
            "learning_rate": float(self.learning_rate),
            "weight_decay": float(self.weight_decay),
            "n_steps": n_steps,
            "patience": int(self.patience),
            "validation_fraction": float(self.validation_fraction),
            "seed": stored_seed(self.rng),
        }


def store(
    adata: AnnData,
    key: str,
    encoder: Encoder,
    *,
    X: Any,
    means: np.ndarray,
    params: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
    **more: np.ndarray,
) -> None:
    """Write the encoder's positions of ``X`` to ``obsm[key]``, and the rest to ``uns[key]``."""
    positions = encoder(X)
    units = units_of(X, np.zeros(adata.n_obs, dtype=np.int64), log_base(adata, params["layer"] or None))
    entry = {"encoder": encoder_to_uns(encoder), "gene_means": means, "units": units, "history": dict(history), **more}
    write_result(adata, key, {PARAMS: dict(params), **entry})
    adata.obsm[key] = positions


def store_fit(
    adata: AnnData,
    key: str,
    source: Source,
    network: nn.Sequential,
    *,
    name: str,
    params: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
) -> None:
    """Write what a network that was trained on ``source`` makes of the cells, and the encoder from genes behind it."""
    params = {**source.params, **params}
    store(adata, key, source.encoder(network, name), X=source.X, means=source.means, params=params, history=history)


def stored_embedding(adata: AnnData, key: str) -> dict[str, Any]:
    """
    The entry of ``uns`` that an embedding tool wrote.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    entry = adata.uns.get(key)
    if isinstance(entry, Mapping) and "encoder" in entry and "gene_means" in entry:
        return dict(entry)
    present = [name for name, item in adata.uns.items() if isinstance(item, Mapping) and "gene_means" in item]
    raise not_found("key", key, "the embeddings stored in uns", present, hint="; fit one, e.g. scgce.tl.scvis(adata)")
