"""Between AnnData and the embeddings that scgce fits: what they read, and what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from anndata import AnnData
from torch import nn

from scgce._adata import gene_mask, gene_names, get_matrix, warn_if_counts, write_result
from scgce._arrays import check_matrix, group_sums, project_and_sum
from scgce._keys import PARAMS, not_found
from scgce.embedding.batches import Rows
from scgce.encoders import Encoder, linear_from_pca

GENES = "X"
"""``use_rep`` for the genes themselves."""


@dataclass(frozen=True)
class Source:
    """
    What an embedding is trained on, and the way back from there to the genes.

    Attributes
    ----------
    X
        Matrix (n, d) as the AnnData holds it.
    genes
        (d,) names.
    means
        (d,) mean of each gene, float32.
    rows
        The training input (n, p), by mini-batches.
    loadings, offset
        The input is ``X @ loadings + offset``; (d, p) and (p,). ``None`` if it is the genes at ``columns``.
    columns
        Genes that are read where there are no loadings.
    params
        Arguments that led here, for the stored ``params``.
    """

    X: Any
    genes: np.ndarray
    means: np.ndarray
    rows: Rows
    loadings: torch.Tensor | None
    offset: torch.Tensor | None
    columns: np.ndarray
    params: dict[str, Any]

    def encoder(self, network: nn.Sequential, name: str) -> Encoder:
        """The encoder that does to genes what ``network`` does to the scaled rows, its linear maps multiplied out."""
        first, tail = network[0], network[1:]
        if not isinstance(first, nn.Linear):
            raise TypeError(f"the network of {name} starts with {type(first).__name__}; expected a Linear layer")
        weight, bias = first.weight.detach().T.double() / self.rows.scale, first.bias.detach().double()
        if self.loadings is None or self.offset is None:
            W = torch.zeros(len(self.genes), weight.shape[1], dtype=torch.float64)
            W[torch.from_numpy(self.columns)] = weight
        else:
            W = self.loadings.double() @ weight
            bias = bias + self.offset.double() @ weight
        with torch.no_grad():
            n_dims = int(tail(torch.zeros(1, weight.shape[1])).shape[1])
        return Encoder(kind="mlp", genes=self.genes, W=W, b=bias, tail=tail, n_dims=n_dims, name=name)


def read_source(adata: AnnData, *, use_rep: str, layer: str | None, mask_var: Any, device: torch.device) -> Source:
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
        Where mini-batches go.

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
    params: dict[str, Any] = {"use_rep": use_rep, "layer": layer or "", "device": str(device)}
    columns = np.flatnonzero(mask)
    everyone = np.zeros(adata.n_obs, dtype=np.int64)
    if use_rep == GENES:
        warn_if_counts(X, where)
        sums = group_sums(X, everyone, 1)
        rows = Rows(X, device, None if mask.all() else columns)
        return Source(X, genes, _mean(sums, X), rows, None, None, columns, params)
    if mask_var is not None:
        raise ValueError(f"mask_var chooses genes for use_rep='X'; for use_rep={use_rep!r} give None")
    pca = linear_from_pca(adata, use_rep, layer=layer)
    scores, sums = project_and_sum(X, pca.W, pca.b, everyone, 1)
    return Source(X, genes, _mean(sums, X), Rows(scores, device), pca.W, pca.b, columns, params)


def _mean(sums: np.ndarray, X: Any) -> np.ndarray:
    return (sums[0] / X.shape[0]).astype(np.float32)


def n_steps(n_cells: int, batch_size: int, n_epochs: int | None, default: int) -> int:
    """Mini-batches in ``n_epochs`` passes over the cells; ``default`` of them where that is None."""
    return default if n_epochs is None else max(1, round(n_epochs * n_cells / min(batch_size, n_cells)))


def check_numbers(*, above_zero: Mapping[str, float | None], shares: Mapping[str, float]) -> None:
    """Raise if an argument is not above 0 (``None`` passes), or a share does not lie in [0, 1)."""
    for name, value in above_zero.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name}={value!r}: expected a number above 0")
    for name, value in shares.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value!r}: expected 0 <= {name} < 1")


def store(
    adata: AnnData,
    key: str,
    source: Source,
    encoder: Encoder,
    params: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
) -> None:
    """Write the encoder's positions to ``obsm[key]`` and params, encoder, gene_means and history to ``uns[key]``."""
    positions = encoder(source.X)
    write_result(
        adata,
        key,
        {
            PARAMS: {**source.params, **params},
            "encoder": encoder.to_uns(),
            "gene_means": source.means,
            "history": dict(history),
        },
    )
    adata.obsm[key] = positions


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
