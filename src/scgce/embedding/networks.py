"""The networks that are trained: plain stacks of linear layers, and scvis's variational autoencoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from scgce.encoders._layers import bare_linear

SCVIS_ENCODER = (128, 64, 32)
SCVIS_DECODER = (32, 32, 32, 64, 128)
LOG_SCALE_RANGE = (-6.0, 3.0)


def mlp(widths: Sequence[int], activation: Callable[[], nn.Module], *, active_end: bool = False) -> nn.Sequential:
    """Linear layers of these widths, activations between them, and after the last if ``active_end``; no weights yet."""
    layers: list[nn.Module] = []
    for place, (n_in, n_out) in enumerate(pairwise(widths)):
        layers.append(bare_linear(n_in, n_out))
        if active_end or place < len(widths) - 2:
            layers.append(activation())
    return nn.Sequential(*layers)


@torch.no_grad()
def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights from U(-1/√fan_in, 1/√fan_in) with ``generator``."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 1.0 / math.sqrt(layer.in_features)
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.uniform_(-bound, bound, generator=generator)


class Scvis(nn.Module):
    """
    Encoder (128-64-32, ELU) to a mean and a log-variance, decoder (32-32-32-64-128, ELU) to a location and a log-scale.

    References
    ----------
    Ding, Condon & Shah 2018, "Methods".
    """

    def __init__(self, n_inputs: int, n_components: int) -> None:
        super().__init__()
        self.body = mlp((n_inputs, *SCVIS_ENCODER), nn.ELU, active_end=True)
        self.mean = bare_linear(SCVIS_ENCODER[-1], n_components)
        self.log_variance = bare_linear(SCVIS_ENCODER[-1], n_components)
        self.decoder = mlp((n_components, *SCVIS_DECODER), nn.ELU, active_end=True)
        self.location = bare_linear(SCVIS_DECODER[-1], n_inputs)
        self.log_scale = bare_linear(SCVIS_DECODER[-1], n_inputs)

    def encode(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Latent mean and log-variance, both (b, m), of the rows of ``X`` (b, p)."""
        hidden = self.body(X)
        return self.mean(hidden), self.log_variance(hidden).clamp(-10.0, 10.0)

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Location and log-scale, both (b, p), of the Student-t likelihood at ``latent`` (b, m)."""
        hidden = self.decoder(latent)
        return self.location(hidden), self.log_scale(hidden).clamp(*LOG_SCALE_RANGE)
