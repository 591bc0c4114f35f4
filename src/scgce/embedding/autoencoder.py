"""A plain autoencoder: 100-100-m-100-100, leaky ReLU, mean squared error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from scgce.embedding.batches import Rows, shuffled, start
from scgce.embedding.networks import initialise, mlp
from scgce.encoders._loop import Schedule, Terms, train

HIDDEN = (100, 100)


@dataclass(frozen=True)
class Fit:
    """
    A trained map.

    Attributes
    ----------
    network
        Scaled rows (b, p) to positions (b, m), on the CPU; its first layer is linear.
    history
        See :func:`scgce.encoders._loop.train`.
    """

    network: nn.Sequential
    history: dict[str, np.ndarray]


def fit_autoencoder(
    rows: Rows,
    n_components: int,
    schedule: Schedule,
    *,
    batch_size: int,
    held_out: float,
    rng: np.random.Generator,
) -> Fit:
    """
    Train an autoencoder; the map is its encoder.

    Parameters
    ----------
    rows
        The cells, (n, p).
    n_components
        Width m of the bottleneck.
    schedule
        How long and how fast.
    batch_size
        Cells in a mini-batch, at most the cells that are trained on.
    held_out
        Share of the cells kept out of training for early stopping; 0 for none.
    rng
        Source of the initial weights and batches.
    """
    generator, fitting, waiting = start(rows, held_out, rng, least=2)
    widths = (rows.shape[1], *HIDDEN, n_components)
    encoder, decoder = mlp(widths, nn.LeakyReLU), mlp(widths[::-1], nn.LeakyReLU)
    network = nn.Sequential(encoder, decoder)
    initialise(network, generator)
    network.to(rows.device)
    batches = shuffled(fitting, min(batch_size, len(fitting)), generator)

    def error(X: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(network(X), X)

    def step_terms() -> Terms:
        return {"reconstruction": error(rows(next(batches)))}

    def held_out_loss() -> float:
        return float(np.mean([float(error(rows(part))) for part in waiting]))

    history = train(
        network, step_terms, schedule, held_out_loss=held_out_loss if waiting else None, name="the autoencoder"
    )
    return Fit(encoder.cpu(), history)
