"""What an embedding is trained on, and the encoder from genes that comes of it: arrays in, Encoder out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from scgce.encoders import Encoder
from scgce.encoders._loop import Schedule
from scgce.matrix.arrays import csr_rows, group_sums

from .batches import Rows
from .scvis import DEFAULT_STEPS, ScvisLoss, fit_scvis


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


def gene_means(X: Any) -> np.ndarray:
    """Mean (d,) of every column of ``X``, float32."""
    return column_means(group_sums(X, np.zeros(X.shape[0], dtype=np.int64), 1), X)


def column_means(sums: np.ndarray, X: Any) -> np.ndarray:
    """Mean (d,) of every column from its sum (1, d), float32."""
    return (sums[0] / X.shape[0]).astype(np.float32)


def scvis_encoder(
    X: Any,
    genes: np.ndarray,
    pca: Encoder,
    fitting: np.ndarray,
    *,
    rng: int | np.random.Generator = 0,
    device: torch.device,
) -> Encoder:
    """Fit scvis with the defaults of `scgce.tl.scvis` on the principal components of some cells.

    Parameters
    ----------
    X
        Matrix (n, d) of any kind.
    genes
        Names (d,).
    pca
        Linear encoder that the network reads.
    fitting
        Row numbers of the cells to train on; no other cell takes part.
    rng, device
        Seed or generator, and where to train.
    """
    rows = Rows(pca(csr_rows(X, fitting)), device)
    means = np.zeros(len(genes), dtype=np.float32)  # not kept: only what fits new cells with fewer genes needs them
    source = Source(X, genes, means, rows, pca.W, pca.b, np.arange(len(genes)), {})
    schedule = Schedule(DEFAULT_STEPS, learning_rate=0.01, weight_decay=1e-3)
    fit = fit_scvis(
        rows, 2, ScvisLoss(), schedule, batch_size=512, held_out=0.0, rng=np.random.default_rng(rng), init="pca"
    )
    return source.encoder(fit.mean_network(), "scvis")
